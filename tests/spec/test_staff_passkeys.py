"""Passkeys: made, named, used instead of a password, removed; and every answer that is not one."""

import json
import re
from datetime import timedelta

import pytest

from tests.support.authenticator import PRESENT, Authenticator
from tests.support.staff import PASSWORD, Browser, House, words

pytest.importorskip("webauthn", reason="passkeys come with the extra `login`")


@pytest.fixture
def house(bare_house: House) -> House:
    bare_house.account("admin", "administrator")
    return bare_house


def options(browser: Browser, path: str, at: str) -> str:
    reply = browser.post(path, at=at)
    assert reply.status == 200, reply.body
    return reply.body.decode()


def add(browser: Browser, device: Authenticator, name: str = "máy bàn") -> int:
    """Register a device; return the status."""
    asked = options(browser, "/account/passkeys/options", "/account")
    made = device.create(asked)
    return browser.post("/account/passkeys", at="/account", credential=made, name=name).status


def log_in(house: House, device: Authenticator) -> tuple[Browser, int]:
    browser = house.browser()
    asked = options(browser, "/login/passkey/options", "/login")
    answer = device.get(asked)
    return browser, browser.post("/login/passkey", at="/login", credential=answer).status


def test_a_passkey_logs_in_by_itself_with_the_assurance_of_two_factors(house: House) -> None:
    device = Authenticator()
    assert add(house.logged_in("bs1", "doctor"), device) == 303
    browser, status = log_in(house, device)
    assert status == 303 and browser.get("/people/p1").status == 200
    session = house.book.sessions.find(browser.cookies["trucyte"])
    assert session and (session.subject.account, session.subject.assurance) == ("bs1", 2)
    assert ("bs1", "account-passkey", "bs1") in house.noted.changes


def test_several_are_named_listed_and_removed(house: House) -> None:
    browser, first, second = house.logged_in("bs1", "doctor"), Authenticator(), Authenticator()
    assert add(browser, first, "máy bàn <khoa Nội>") == 303
    house.clock.advance(timedelta(seconds=1))
    assert add(browser, second, "") == 303
    page = browser.get("/account").body.decode()
    assert "máy bàn &lt;khoa Nội&gt;" in page
    remove = re.findall(r'action="(/account/passkeys/[0-9a-f]+/remove)"', page)
    assert len(remove) == 2
    assert house.logged_in("bs2", "doctor").post(remove[0], at="/account").status == 422
    assert browser.post(remove[0], at="/account").status == 303
    assert [log_in(house, device)[1] for device in (first, second)] == [401, 303]


def test_the_last_way_in_is_not_removed(house: House, staff_database) -> None:
    browser = house.logged_in("bs1", "doctor")
    add(browser, Authenticator())
    with staff_database.connection() as connection:
        connection.execute("update access.staff set proof = null where name = 'bs1'")
    (remove,) = re.findall(
        r'action="(/account/passkeys/\w+/remove)"', browser.get("/account").body.decode()
    )
    assert browser.post(remove, at="/account").status == 422


def test_a_passkey_opens_a_locked_session(house: House) -> None:
    browser, device = house.logged_in("bs1", "doctor"), Authenticator()
    add(browser, device)
    house.clock.advance(timedelta(minutes=16))
    assert browser.get("/people/p1").headers["location"].startswith("/lock")
    before = browser.cookies["trucyte"]
    asked = options(browser, "/login/passkey/options", "/lock")
    reply = browser.post(
        "/login/passkey", at="/lock", credential=device.get(asked), then="/people/p1"
    )
    assert reply.headers["location"] == "/people/p1"
    assert browser.get("/people/p1").status == 200
    assert house.book.sessions.find(before) is None


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(flags=PRESENT),  # nobody was checked
        Authenticator(flags=0),
        Authenticator(origin="https://evil.example"),
        Authenticator(host="evil.example"),
    ],
    ids=["unverified", "absent", "origin", "host"],
)
def test_a_device_that_says_something_else_is_not_kept(house: House, device) -> None:
    browser = house.logged_in("bs1", "doctor")
    assert add(browser, device) == 422
    assert house.book.passkeys.of("bs1") == []


def test_an_answer_counts_once_for_its_site_and_its_key(house: House) -> None:
    device, uncounted = Authenticator(), Authenticator(step=0)
    for one in (device, uncounted):
        add(house.logged_in(f"bs{one.step}", "doctor"), one)
    browser = house.browser()
    answer = uncounted.get(options(browser, "/login/passkey/options", "/login"))
    assert browser.post("/login/passkey", at="/login", credential=answer).status == 303
    again = house.browser()
    assert again.post("/login/passkey", at="/login", credential=answer).status == 401  # replayed
    assert log_in(house, uncounted)[1] == 303
    for changed in (
        Authenticator(id=device.id),  # another key under a known id
        Authenticator(key=device.key),  # an unknown id
        Authenticator(id=device.id, key=device.key, flags=PRESENT, count=90),
        Authenticator(id=device.id, key=device.key, origin="https://evil.example", count=90),
        Authenticator(id=device.id, key=device.key, host="evil.example", count=90),
        Authenticator(id=device.id, key=device.key, count=0),  # counts backwards: a copy
    ):
        assert log_in(house, changed)[1] == 401
    assert log_in(house, Authenticator(id=device.id, key=device.key, count=99))[1] == 303


def test_a_challenge_for_registering_does_not_log_in_nor_does_a_late_one(house: House) -> None:
    browser, device = house.logged_in("bs1", "doctor"), Authenticator()
    add(browser, device)
    asked = options(browser, "/account/passkeys/options", "/account")
    other = house.browser()
    reply = other.post("/login/passkey", at="/login", credential=device.get(asked))
    assert reply.status == 401
    late = device.get(options(other, "/login/passkey/options", "/login"))
    house.clock.advance(timedelta(minutes=5, seconds=1))
    assert other.post("/login/passkey", at="/login", credential=late).status == 401


@pytest.mark.parametrize(
    "answer",
    [
        "", "x", "[]", "1", "null", '{"id":1}', "[" * 5000, '{"response":{"clientDataJSON":"e30"}}',
        '{"response":{"clientDataJSON":"!!"}}', '{"response":null}', "x" * 20_000,
        json.dumps({"id": "é", "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiJBQSJ9"}}),
        "\x00", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(house: House, answer: str) -> None:
    browser = house.browser()
    reply = browser.post("/login/passkey", at="/login", credential=answer)
    assert reply.status == 401 and "Khóa truy cập không chứng minh" in words(reply)


def test_garbled_answers_to_real_challenges_are_refused(house: House) -> None:
    device = Authenticator()
    add(house.logged_in("bs1", "doctor"), device)
    for garble in (
        lambda told: told["response"].pop("signature"),
        lambda told: told["response"].update(signature="AAAA"),
        lambda told: told["response"].update(authenticatorData="AAAA"),
        lambda told: told["response"].update(authenticatorData=5),
        lambda told: told.update(rawId="AAAA"),
        lambda told: told.update(type="x"),
    ):
        browser = house.browser()
        told = json.loads(device.get(options(browser, "/login/passkey/options", "/login")))
        garble(told)
        reply = browser.post("/login/passkey", at="/login", credential=json.dumps(told))
        assert reply.status == 401


def test_a_leavers_passkey_is_gone(house: House) -> None:
    from trucyte.shared.access.staff.account import OPERATOR

    device = Authenticator()
    add(house.logged_in("bs1", "doctor"), device)
    house.book.accounts.end("bs1", OPERATOR)
    assert log_in(house, device)[1] == 401


def test_a_link_of_passwords_still_works_beside_passkeys(house: House) -> None:
    browser = house.logged_in("bs1", "doctor")
    add(browser, Authenticator())
    assert house.browser().log_in("bs1", PASSWORD).status == 303
