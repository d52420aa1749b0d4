"""Every page in a real browser: whole, accessible, quiet, on a phone and on a desk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import served, violations
from tests.support.web_services import fake_services
from trucyte.web.app import make_app

pytestmark = pytest.mark.browser

ADDRESSES = [
    "/",
    "/files",
    "/files/8",
    "/files/7",
    "/files/8/visits/1",
    "/files/8/visits/77",
    "/files/8/rules/GDV-201",
    "/rules/GDV-201",
    "/quarantine",
    "/upload",
    "/people",
    "/people/p1",
    "/people/p4",
    "/people/p1/trail",
    "/people/p4/links/q1",
    "/identity",
    "/identity?show=decided",
    "/identity/pairs/1",
    "/identity/pairs/2",
    "/identity/pairs/3",
    "/visits/v1",
    "/registers",
    "/registers/practitioners/dr-2",
    "/registers/facilities/o5",
    "/health",
    "/subscriptions",
    "/parameters",
    "/help",
    "/_styleguide",
]
LOOKS = [
    (360, "vi", "light"),
    (1440, "en", "dark"),
    pytest.param(360, "en", "dark", marks=pytest.mark.long),
    pytest.param(1440, "vi", "light", marks=pytest.mark.long),
]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """
() => [...document.querySelectorAll("button, .button, summary, input, nav a, .row-link, .spine a")]
  .filter((one) => one.offsetParent && !one.closest("thead"))
  .filter((one) => one.type !== "hidden" && one.getBoundingClientRect().height < 43.5)
  .map((one) => one.outerHTML.slice(0, 90))
"""


@pytest.mark.parametrize(("width", "language", "theme"), LOOKS)
def test_every_page_is_accessible_quiet_and_fits(
    address: str, open_page: Callable[..., Any], axe: Any, width: int, language: str, theme: str
) -> None:
    page = open_page(width=width, language=language, theme=theme)
    faults = []
    for path in ADDRESSES:
        page.goto(address + path)
        faults += [f"{path} {fault}" for fault in violations(page, axe)]
        faults += [f"{path} console: {line}" for line in page.complaints]
        page.complaints.clear()
        if (over := page.evaluate(SIDEWAYS)) > 0:
            faults.append(f"{path} scrolls sideways by {over}")
        faults += [f"{path} small target {one}" for one in page.evaluate(SMALL_TARGETS)]
    assert faults == []


def test_nothing_scrolls_sideways_at_200_per_cent(
    address: str, open_page: Callable[..., Any]
) -> None:
    # Zoom to 200 % of a 1280-pixel window leaves 640, to 400 % leaves 320 (WCAG 1.4.10);
    # letters twice as large on a phone (1.4.4) are harder still.
    page = open_page()
    for path in ADDRESSES:
        page.goto(address + path)
        for width, letters in ((640, "100%"), (320, "100%"), (390, "200%")):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate("size => { document.documentElement.style.fontSize = size }", letters)
            assert page.evaluate(SIDEWAYS) <= 0, f"{path} at {width} with letters of {letters}"


def test_the_first_day_is_accessible_too(open_page: Callable[..., Any], axe: Any) -> None:
    with served(make_app(fake_services("empty"))) as place:
        page = open_page(place, width=360)
        assert violations(page, axe) == []
        page.goto(f"{place}/files")
        assert violations(page, axe) == []


@pytest.mark.parametrize("path", ["/nope", "/visits/v2"])
def test_pages_of_trouble_are_accessible(
    address: str, open_page: Callable[..., Any], axe: Any, path: str
) -> None:
    page = open_page(address + path, width=360)
    assert violations(page, axe) == []


def test_the_keyboard_reaches_everything(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "top-search"
    page.keyboard.type("Mẫu?")
    assert page.input_value("#top-search") == "Mẫu?"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.keyboard.press("?")
    page.wait_for_url("**/help")


def test_focus_is_always_seen(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/files")
    for _ in range(25):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", page.evaluate("document.activeElement.outerHTML")


def test_arrows_move_along_rows_and_enter_opens(
    address: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{address}/files")
    page.focus("tbody .row-link")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/files/7")


@pytest.fixture
def pairs() -> Iterator[str]:
    """A node of its own, for decisions change it."""
    with served(make_app(fake_services())) as place:
        yield place


def read(page: Any) -> None:
    """Wait as long as a pair must be seen before a key decides."""
    page.wait_for_timeout(500)


def test_pairs_are_decided_by_keys_and_the_next_comes_by_itself(
    pairs: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{pairs}/identity")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/identity/pairs/1")
    page.keyboard.press("j")
    page.wait_for_url("**/identity/pairs/2")
    page.keyboard.press("k")
    page.wait_for_url("**/identity/pairs/1")
    read(page)
    page.keyboard.press("1")
    page.wait_for_url("**/identity/pairs/2?done=1")
    assert "một người" in page.inner_text(".just")
    read(page)
    page.keyboard.press("n")
    page.keyboard.type("123 khác nhà")
    page.keyboard.press("Tab")
    page.keyboard.press("2")
    page.wait_for_url("**/identity/pairs/3?done=2")
    page.keyboard.press("u")
    page.wait_for_url("**/identity/pairs/2#revise")
    assert "123 khác nhà" in page.inner_text("main")
    assert page.complaints == []


def test_a_key_pressed_too_early_or_switched_off_decides_nothing(
    pairs: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{pairs}/identity/pairs/1")
    page.evaluate("shownAt = performance.now() + 60000")
    page.keyboard.press("2")
    page.uncheck(".keys-switch input")
    page.reload()
    page.evaluate("document.activeElement.blur()")
    read(page)
    for key in ("1", "2", "3", "j"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.url.endswith("/identity/pairs/1")
    assert page.is_visible("button[value=link]")


def test_a_link_is_undone_with_a_reason_without_script(
    pairs: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{pairs}/identity/pairs/1", java_script_enabled=False)
    page.click("button[value=link]")
    page.click(".just a")
    page.fill("textarea[name=reason]", "nhầm cha với con")
    page.click("form.decide button")
    assert "đã gỡ ghép" in page.inner_text("main")
    assert "nhầm cha với con" in page.inner_text(".told")
    page.goto(f"{pairs}/people/p4")
    page.click("text=Xem cạnh nhau hoặc gỡ ghép")
    page.fill("textarea[name=reason]", "hai người")
    page.click("form.decide button")
    assert page.url.endswith("/people/p4") and not page.is_visible(".also")


def test_a_table_sorts_by_its_values(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/files")
    page.click("thead th:has-text('Hồ sơ') button")
    assert page.get_attribute("thead th:has-text('Hồ sơ')", "aria-sort") == "ascending"
    counts = page.locator("tbody td[data-label='Hồ sơ']").all_inner_texts()
    assert counts[0] == "0" and counts[-1] == "712"


def test_a_person_is_found_from_any_page(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/health")
    page.keyboard.press("/")
    page.keyboard.type("nguyễn 1985")
    page.keyboard.press("Enter")
    page.click("text=Nguyễn Văn Mẫu")
    page.wait_for_url("**/people/p1")
    page.click(".spine a >> nth=0")
    page.wait_for_url("**/visits/v1")
    assert "J02.9" in page.inner_text("main")
    assert "nguy" not in page.url.lower()


def test_the_theme_is_kept_across_pages(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/files/8")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.click(".menu summary")
    page.click("button[value=dark]")
    page.wait_for_url("**/files/8")
    assert page.evaluate(paper) != light
    page.goto(f"{address}/help")
    assert page.get_attribute("html", "data-theme") == "dark"


def test_all_of_it_works_without_script(
    address: str, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    page = open_page(address, java_script_enabled=False)
    page.click("nav.languages a[hreflang=en]")
    assert "Today" in page.inner_text("h1")
    page.fill("#top-search", "Mẫu")
    page.press("#top-search", "Enter")
    assert "2 people" in page.inner_text("main")
    file = tmp_path / "no-script.xml"
    file.write_bytes(b"<GIAMDINHHS/>")
    page.goto(f"{address}/upload")
    page.set_input_files("input[type=file]", file)
    page.click("main button[type=submit]")
    assert "no-script.xml" in page.inner_text("h1")


def test_files_are_sent_with_progress(
    address: str, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    page = open_page(f"{address}/upload")
    for name in ("one.xml", "two.xml"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
    page.set_input_files("input[type=file]", [tmp_path / "one.xml", tmp_path / "two.xml"])
    page.click("main button[type=submit]")
    page.wait_for_selector(".uploads a.button >> nth=1")
    assert page.locator(".uploads .work-words").all_inner_texts() == ["Đã nhận, đang đọc"] * 2
    page.click(".uploads a.button >> nth=0")
    page.wait_for_selector("h1:has-text('.xml')")


def test_a_file_can_be_dropped(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/upload")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["<x/>"], "dropped.xml"));
          const form = document.querySelector("form[data-drop]");
          form.dispatchEvent(new DragEvent("dragenter", {dataTransfer: data, bubbles: true}));
          form.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
        }"""
    )
    page.wait_for_selector(".uploads a.button")
    assert page.inner_text(".uploads .work-name") == "dropped.xml"


def test_a_page_that_moves_renews_its_part(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/files/7")
    with page.expect_response("**/files/7/progress") as renewed:
        pass
    assert renewed.value.status == 200
    page.wait_for_selector("#progress progress")
    assert page.locator("main").count() == 1
    assert page.complaints == []


def test_reduced_motion_stands_still(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/_styleguide")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.ghost')).animationName") == "none"
    )


def test_paper_carries_no_screen_furniture(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{address}/visits/v1", theme="dark")
    page.emulate_media(media="print")
    assert not page.is_visible("header.top") and not page.is_visible("footer")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for size in ("A4", "A5"):
        assert page.pdf(format=size)[:5] == b"%PDF-"


PICTURES = [
    ("today", "/", 1280, "light"),
    ("file", "/files/8", 1280, "light"),
    ("visit", "/visits/v1", 1280, "light"),
    ("person-phone-dark", "/people/p1", 390, "dark"),
    ("styleguide", "/_styleguide", 1280, "light"),
]


def test_pictures_for_the_readme(
    address: str, open_page: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    folder = request.config.getoption("--pictures", default=None)
    if not folder:
        pytest.skip("pictures are written with --pictures FOLDER")
    for name, path, width, theme in PICTURES:
        page = open_page(address + path, width=width, theme=theme)
        page.evaluate("document.fonts.ready")
        target = Path(folder) / f"{name}.png"
        page.screenshot(path=target)
        assert target.stat().st_size < 150_000, name
