"""A browser for the journeys, where there is one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import required
from tests.support.browser import ARGUMENTS, CHROMIUM, served
from tests.support.web_services import fake_services
from trucyte.web.app import make_app


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", help="a folder to write the pictures of the README to")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless; skips where it is not, unless TRUCYTE_REQUIRE names it."""
    if not Path(CHROMIUM).exists():
        if required("chromium"):
            pytest.fail(f"{CHROMIUM} is required and absent")
        pytest.skip(f"{CHROMIUM} is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe() -> Any:
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A busy node of invented people."""
    with served(make_app(fake_services())) as place:
        yield place


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page of its own; complaints of the console are kept in `page.complaints`."""
    contexts = []

    def opened(
        address: str = "",
        *,
        width: int = 1440,
        language: str = "vi",
        theme: str = "light",
        **more: Any,
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            locale={"vi": "vi-VN", "en": "en-GB"}[language],
            color_scheme=theme,
            reduced_motion="reduce",
            **more,
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda line: page.complaints.append(line.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        if address:
            page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
