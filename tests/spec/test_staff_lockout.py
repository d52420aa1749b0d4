"""Whoever guesses waits longer and longer; the owner of the account gets in meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.support.staff import PASSWORD, House
from trucyte.database.connect import Database
from trucyte.shared.access.accounts import LoginRefused, LoginTooOften
from trucyte.shared.access.staff.lockout import FREE_ACCOUNTS, FREE_TRIES, WAIT_SECONDS_MAX, Place

WRONG = "sai rồi"
ATTACKER = Place("203.0.113.9")
OWNER = Place("10.0.0.7", device="d" * 32)


@pytest.fixture
def house(bare_house: House) -> House:
    bare_house.account("owner", "doctor")
    return bare_house


def guess(house: House, place: Place, name: str = "owner", password: str = WRONG) -> int:
    """Try once; return how many seconds one is told to wait, 0 for a plain refusal."""
    with pytest.raises((LoginRefused, LoginTooOften)) as refusal:
        house.book.logins.by_password(name, password, place)
    return int(refusal.value.facts.get("seconds", 0))


def let_wait(house: House, place: Place) -> None:
    while not guess(house, place):
        pass


def test_waits_grow_with_each_wrong_try_up_to_a_quarter_of_an_hour(house: House) -> None:
    assert [guess(house, ATTACKER) for _ in range(FREE_TRIES)] == [0] * FREE_TRIES
    waits = []
    for _ in range(12):
        waits.append(guess(house, ATTACKER))
        house.clock.advance(timedelta(seconds=waits[-1]))
        assert guess(house, ATTACKER) == 0  # looked at again, and wrong again
    assert waits[:4] == [2, 3, 5, 9]
    assert waits == sorted(waits) and waits[-1] == WAIT_SECONDS_MAX + 1


def test_the_right_password_waits_too_where_wrong_ones_were_sent(house: House) -> None:
    let_wait(house, ATTACKER)
    assert guess(house, ATTACKER, password=PASSWORD) > 0


def test_an_attacker_locks_the_owner_out_from_nowhere_else(house: House) -> None:
    house.book.logins.by_password("owner", PASSWORD, OWNER)  # the browser is known from here
    for number in range(40):  # a net of machines
        let_wait(house, Place(f"203.0.113.{number}"))
    assert house.book.logins.by_password("owner", PASSWORD, OWNER).cookie
    assert house.book.logins.by_password("owner", PASSWORD, Place("10.0.0.8")).cookie


def test_a_known_browser_passes_beside_the_attacker(house: House) -> None:
    beside = Place(ATTACKER.source, OWNER.device)
    house.book.logins.by_password("owner", PASSWORD, OWNER)
    let_wait(house, ATTACKER)
    assert house.book.logins.by_password("owner", PASSWORD, beside).cookie


def test_a_known_browser_of_one_account_is_not_known_for_another(house: House) -> None:
    house.account("other", "nurse")
    house.book.logins.by_password("owner", PASSWORD, OWNER)
    let_wait(house, Place(ATTACKER.source))
    for _ in range(FREE_TRIES):
        guess(house, OWNER, "other")
    assert guess(house, OWNER, "other") > 0
    assert house.book.logins.by_password("owner", PASSWORD, OWNER).cookie


def test_a_stolen_browser_waits_in_its_own_lane(house: House) -> None:
    house.book.logins.by_password("owner", PASSWORD, OWNER)
    let_wait(house, OWNER)
    assert house.book.logins.by_password("owner", PASSWORD, Place("10.0.0.9")).cookie


def test_a_source_that_fails_for_many_accounts_waits_as_a_source(house: House) -> None:
    for number in range(FREE_ACCOUNTS):
        assert guess(house, ATTACKER, f"name{number}") == 0
    assert guess(house, ATTACKER, "another") > 0
    assert guess(house, ATTACKER, "owner", PASSWORD) > 0
    assert house.book.logins.by_password("owner", PASSWORD, Place("10.0.0.8")).cookie


def test_networks_of_ipv6_are_one_source(house: House) -> None:
    for number in range(FREE_TRIES):
        guess(house, Place(f"2001:db8:1:2::{number}"))
    assert guess(house, Place("2001:db8:1:2:ffff::9")) > 0
    assert guess(house, Place("2001:db8:1:3::9")) == 0


def test_many_who_log_in_rightly_behind_one_address_never_wait(house: House) -> None:
    place = Place("10.9.9.9")
    for number in range(FREE_ACCOUNTS + 10):
        name = f"nurse{number}"
        house.account(name, "nurse")
        assert guess(house, place, name) == 0  # once mistyped, as people do
        assert house.book.logins.by_password(name, PASSWORD, place).cookie


def test_an_unknown_name_waits_and_reads_like_a_wrong_password(house: House) -> None:
    for name in ("owner", "nobody-here", "\0", "ngườiông", "x" * 5000):
        place = Place(f"203.0.113.{len(name) % 250}")
        answers = [guess(house, place, name) for _ in range(FREE_TRIES + 1)]
        assert answers == [0] * FREE_TRIES + [2]


def test_a_thousand_guesses_at_once_are_no_better_than_one_by_one(house: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: guess(house, ATTACKER), range(40)))
    assert waits.count(0) == FREE_TRIES


def test_what_was_tried_is_not_kept_in_clear(house: House, staff_database: Database) -> None:
    guess(house, ATTACKER, "mat-khau-go-nham-o-ten")
    with staff_database.connection() as connection:
        rows = connection.execute("select l::text from access.lane l").fetchall()
    told = " ".join(row[0] for row in rows)
    assert rows and "mat-khau" not in told and ATTACKER.source not in told
    assert ("", "login-refused") in house.noted.logins  # no name that is none stands in the trail


def test_waits_are_forgotten_after_a_day(house: House) -> None:
    let_wait(house, ATTACKER)
    house.clock.advance(timedelta(hours=25))
    assert [guess(house, ATTACKER) for _ in range(FREE_TRIES)] == [0] * FREE_TRIES
