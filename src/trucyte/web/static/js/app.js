/* What a page gains when scripts run. Everything here also works without. */
"use strict";

const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/* Keys: "/" to the search, "?" to the help, arrows along the rows of a table. */
const isWriting = (element) => element.matches("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape") {
    all("details.menu[open]").forEach((menu) => {
      menu.open = false;
      $("summary", menu).focus();
    });
    if (event.target.matches("[data-key]")) event.target.blur();
    return;
  }
  if (isWriting(event.target)) return;
  if (event.key === "/") {
    const field = all("[data-key='/']").find((one) => one.offsetParent) || null;
    event.preventDefault();
    if (field) field.focus();
    else location.assign("/people");
  } else if (event.key === "?") {
    location.assign(document.body.dataset.help);
  } else if (["ArrowDown", "ArrowUp", "j", "k"].includes(event.key)) {
    moveAlongRows(event);
  }
});

function moveAlongRows(event) {
  const isLetter = event.key === "j" || event.key === "k";
  if (isLetter && areKeysOff()) return;
  const row = event.target.closest("[data-rows] tbody tr") || (isLetter && $("[data-rows] tbody tr"));
  if (!row) return;
  const links = all(".row-link", row.closest("tbody"));
  const at = links.indexOf(document.activeElement);
  const next = at < 0 && isLetter ? 0 : at + (event.key === "ArrowDown" || event.key === "j" ? 1 : -1);
  if (links[next]) {
    event.preventDefault();
    links[next].focus();
  }
}

document.addEventListener("click", (event) => {
  all("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  const print = event.target.closest("[data-print]");
  if (print) window.print();
});

/* Tables sort by the value their cells carry. */
function sortable(table) {
  all("thead th[data-sort]", table).forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sortBy(table, head));
  });
}

function sortBy(table, head) {
  const column = [...head.parentNode.children].indexOf(head);
  const up = head.getAttribute("aria-sort") !== "ascending";
  const isNumber = head.dataset.sort === "number";
  const valueOf = (row) => {
    const cell = row.children[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    return isNumber ? Number(text) : text;
  };
  const order = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
  const rows = all("tbody tr", table).sort((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    return (isNumber ? x - y : order(x, y)) * (up ? 1 : -1);
  });
  $("tbody", table).append(...rows);
  all("[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
}

/* Sending files: one request a file, with its progress and a way to stop. */
function sendsFiles(form) {
  const field = $("input[type=file]", form);
  const list = $("[data-uploads]", form.parentNode);
  const words = form.dataset;
  const send = (files) => [...files].forEach((file) => sendOne(form, list, words, file));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(field.files);
    form.reset();
  });
  let depth = 0;
  const over = (by) => {
    depth = Math.max(0, depth + by);
    form.classList.toggle("is-over", depth > 0);
  };
  form.addEventListener("dragenter", (event) => (event.preventDefault(), over(1)));
  form.addEventListener("dragleave", () => over(-1));
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    over(0);
    send(event.dataTransfer.files);
  });
}

function sendOne(form, list, words, file) {
  const row = document.createElement("div");
  row.className = "work";
  const name = Object.assign(document.createElement("span"), { className: "work-name", textContent: file.name });
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", file.name);
  bar.max = 1;
  bar.value = 0;
  const say = Object.assign(document.createElement("span"), { className: "work-words", textContent: words.wordSending });
  const act = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: words.wordStop });
  row.append(name, bar, say, act);
  list.append(row);

  const request = new XMLHttpRequest();
  const again = (text) => {
    say.textContent = text;
    act.textContent = words.wordAgain;
    act.onclick = () => (row.remove(), sendOne(form, list, words, file));
  };
  act.onclick = () => request.abort();
  request.upload.onprogress = (event) => {
    if (!event.lengthComputable) return;
    bar.value = event.loaded / event.total;
    say.textContent = `${words.wordSending} · ${Math.floor(bar.value * 100)} %`;
  };
  request.onabort = () => again(words.wordStopped);
  request.onerror = () => again(words.wordFailed);
  request.onload = () => {
    if (request.status === 413) return again(words.wordLarge);
    if (request.status !== 201) return again(words.wordFailed);
    const link = Object.assign(document.createElement("a"), {
      className: "button",
      href: request.getResponseHeader("Location"),
      textContent: words.wordOpen,
    });
    bar.value = 1;
    say.textContent = words.wordDone;
    act.replaceWith(link);
  };
  const body = new FormData();
  const key = $("input[name=csrf]", form); // that it comes from a page of ours goes first
  if (key) body.append("csrf", key.value);
  body.append("files", file);
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(body);
}

all("table[data-rows]").forEach(sortable);
all("form[data-drop]").forEach(sendsFiles);
