"""Every page, for every role and for nobody: who gets in, and who does not."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.conftest import fresh_database
from tests.support.staff import House, open_house
from trucyte.base.clock import FixedClock
from trucyte.shared.access.staff.roles import STAFF_ROLES
from trucyte.web.admission import OPEN
from trucyte.web.app import PAGES
from trucyte.web.page import Page

# What stands in for the changing parts of addresses; POST rows are asked for what is not there,
# so that a walk by eleven roles changes nothing.
GIVEN = {
    "GET": {"number": "8", "id": "p1", "rule": "GDV-201", "ordinal": "1", "name": "a-doctor"},
    "POST": {"number": "99999", "id": "none", "what": "none", "name": "nobody-here"},
}
OTHERS = {
    "visit": "/visits/v1",
    "visit-evidence": "/visits/v1/evidence.json",
    "practitioner": "/registers/practitioners/dr-2",
    "facility": "/registers/facilities/o5",
    "pair": "/identity/pairs/1",
}
# Rows that would end or lock the session of who walks.
LEAVING = {"logout", "lock-now"}
WALKED = [page for page in PAGES if page.name not in LEAVING]


@pytest.fixture(scope="module")
def house(
    server_url: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    clock = FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))
    with (
        fresh_database(server_url, template=migrated_template) as database,
        open_house(database, tmp_path_factory.mktemp("walk"), clock) as opened,
    ):
        opened.account("admin", "administrator")
        yield opened


def address_of(page: Page) -> str:
    given = GIVEN[page.method]
    return OTHERS.get(page.name) or re.sub(
        r"\{(\w+)(?::int)?\}", lambda part: given.get(part[1], "none"), page.path
    )


def test_every_role_of_a_page_is_a_role() -> None:
    for page in PAGES:
        known = page.roles is OPEN or page.roles <= {*STAFF_ROLES, "citizen"}
        assert page.roles and known, page.name


def test_nobody_without_a_login_gets_past_what_is_open(house: House) -> None:
    for page in PAGES:
        browser = house.browser()
        if page.method == "GET":
            reply = browser.get(address_of(page))
            away = reply.status == 303 and reply.headers["location"].startswith("/login?then=/")
            home = page.path in ("/", "/lock", "/login/code")
            assert (page.roles is OPEN) or away or home, page.name
        else:
            reply = browser.post(address_of(page), x="y")
            assert reply.status in (401, 403), page.name
            assert page.roles is OPEN or reply.status == 401, page.name


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_a_role_gets_what_the_table_says_and_nothing_else(house: House, role: str) -> None:
    browser = house.logged_in(f"a-{role.replace('_', '-')}", role)
    key = browser.form_key("/account")
    for page in WALKED:
        address = address_of(page)
        if page.method == "GET":
            reply = browser.get(address)
        elif page.takes_files:
            continue  # walked with a file in the tests of the pages
        else:
            reply = browser.post(address, csrf=key)
        opens = page.roles is OPEN or role in page.roles
        refused = reply.status == 403 and b"role-missing" in reply.body
        assert refused is not opens, (page.name, reply.status)
        assert reply.status < 500 or reply.status == 501, (page.name, reply.status)


def test_a_locked_session_gets_no_further_than_nobody(house: House) -> None:
    browser = house.logged_in("locked", *STAFF_ROLES)
    key = browser.form_key("/account")
    house.book.sessions.lock(browser.cookies["trucyte"])
    for page in WALKED:
        if page.roles is OPEN:
            continue
        if page.method == "GET":
            reply = browser.get(address_of(page))
            assert reply.headers["location"].startswith("/lock"), page.name
        else:
            assert browser.post(address_of(page), csrf=key).status == 401, page.name
