/* Keys of one letter for who decides on hundreds of pairs: each presses what names it. They can
   be switched off, and a key held down, or pressed before a page can have been read, does nothing. */
const READ_MILLISECONDS = 400;
const KEYS_OFF = "keys-off";
let shownAt = performance.now();
let isSent = false;

addEventListener("pageshow", () => {
  shownAt = performance.now();
  isSent = false;
});

const areKeysOff = () => {
  try {
    return localStorage.getItem(KEYS_OFF) === "1";
  } catch {
    return false; // a browser that keeps nothing
  }
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (isWriting(event.target) || event.defaultPrevented || areKeysOff()) return;
  if (event.key === "Enter" && event.target !== document.body) return;
  if (event.key === "n" && $("[data-key='n']")) {
    event.preventDefault();
    $("[data-key='n']").focus();
    return;
  }
  const pressed = all("[data-press]").find((one) => one.dataset.press === event.key);
  if (!pressed) return;
  const isEarly = performance.now() - shownAt < READ_MILLISECONDS;
  if (pressed.matches("[data-decides]") && isEarly) return;
  event.preventDefault();
  pressed.click();
});

all("form[data-once]").forEach((form) =>
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  }),
);

all("[data-keys-switch]").forEach((label) => {
  const box = $("input", label);
  label.hidden = false;
  box.checked = !areKeysOff();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(KEYS_OFF, box.checked ? "0" : "1");
    } catch {
      box.checked = true;
    }
  });
});
