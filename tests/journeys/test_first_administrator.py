"""From the one-time link of the first administrator to a leaver, in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import served, violations
from tests.support.staff import PASSWORD, House, open_house
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.shared.access.staff import totp
from trucyte.shared.access.staff.account import OPERATOR

pytestmark = pytest.mark.browser


@pytest.fixture
def site(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[tuple[House, str]]:
    with open_house(database, tmp_path, clock) as house, served(house.app) as address:
        # A passkey belongs to a name, never to a number.
        yield house, address.replace("127.0.0.1", "localhost")


def device(page: Any) -> None:
    """Give the browser a device that checks its holder by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    verified = {"hasUserVerification": True, "isUserVerified": True}
    automatic = {"automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options | verified | automatic})


def enter(page: Any, name: str) -> None:
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button.main")


def test_a_node_gets_its_first_administrator_who_adds_and_ends_others(
    site: tuple[House, str], open_page: Callable[..., Any], axe: Any
) -> None:
    house, address = site
    secret = house.book.accounts.first("quantri", "Quản trị", OPERATOR)
    page = open_page(width=360)
    device(page)
    page.goto(f"{address}/login/link/{secret}")
    assert violations(page, axe) == []
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("main button.main")
    page.wait_for_url("**/login?set=1")
    assert violations(page, axe) == []
    enter(page, "quantri")
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/account")
    assert violations(page, axe) == []
    page.fill("[data-passkey] [name=name]", "điện thoại")
    page.click("[data-passkey] button")
    page.wait_for_url("**/account?done=passkey")
    assert "điện thoại" in page.inner_text("main")
    page.fill("#password-factor", PASSWORD)
    page.click("#factor form button")
    page.wait_for_url("**/account/factor")
    assert violations(page, axe) == []
    pending = house.book.factors.pending("quantri")
    assert pending
    page.fill("#code", totp.code_at(pending, totp.step_of(house.clock.now())))
    page.click("main button.main")
    assert page.locator(".codes li").count() == 10
    page.click(".who summary")
    page.click("button[formaction='/lock']")
    page.wait_for_url("**/lock")
    assert violations(page, axe) == []
    page.click("[data-passkey] button")
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/staff/new")
    assert violations(page, axe) == []
    page.fill("#name", "bs.noi2")
    page.fill("#display", "BS. Lê Thị Mẫu")
    page.check("input[value=doctor]")
    page.click("main button.main")
    link = page.inner_text("code.secret")
    other = open_page(link, java_script_enabled=False)
    other.fill("#password", PASSWORD)
    other.fill("#again", PASSWORD)
    other.click("main button.main")
    enter(other, "bs.noi2")
    other.goto(f"{address}/people/p1")
    assert "Nguyễn Văn Mẫu" in other.inner_text("main")
    page.goto(f"{address}/staff/bs.noi2")
    assert violations(page, axe) == []
    page.click("form[action$='/end'] button")
    page.wait_for_url("**/staff/bs.noi2?done=end")
    other.reload()
    assert "/login" in other.url
    # What a refused page says of itself is all the console complains of.
    assert [line for line in page.complaints if "status of" not in line] == []
