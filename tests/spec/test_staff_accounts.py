"""Accounts of people: who makes and changes them, leavers, resets, and the review of rights."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.staff import PASSWORD, SHORT, House, open_house
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.shared.access.accounts import Accounts, LoginRefused
from trucyte.shared.access.staff import totp
from trucyte.shared.access.staff.account import OPERATOR, Rights, State
from trucyte.shared.access.staff.lockout import Place
from trucyte.shared.access.staff.problems import (
    AccountDormant,
    AdministratorsOnly,
    CodeRefused,
    FirstExists,
    LastAdministrator,
    LastFactor,
    LinkRefused,
    OwnRights,
    PasswordShort,
    StaffEnded,
    StaffExists,
    StaffUnknown,
    StaffUnreadable,
)
from trucyte.shared.access.subject import Subject

PLACE = Place("10.0.0.1")
ADMIN = Subject("admin", "staff", frozenset({"administrator"}))


@pytest.fixture
def house(bare_house: House) -> House:
    bare_house.account("admin", "administrator")
    return bare_house


def log_in(house: House, name: str, password: str = PASSWORD) -> str:
    return house.book.logins.by_password(name, password, PLACE).cookie


def test_the_first_administrator_is_made_once(bare_house: House) -> None:
    house = bare_house
    accounts = house.book.accounts
    assert not house.book.asks_login()
    lost = accounts.first("quantri", "Quản trị", OPERATOR)
    assert not house.book.asks_login()  # nobody could log in yet
    secret = accounts.first("quantri", "Quản trị", OPERATOR)
    with pytest.raises(LinkRefused):
        house.book.logins.set_by_link(lost, PASSWORD)
    assert house.book.logins.set_by_link(secret, PASSWORD) == "quantri"
    assert house.book.asks_login()
    assert log_in(house, "quantri")
    with pytest.raises(FirstExists):
        accounts.first("quantri2", "Quản trị", OPERATOR)
    assert house.noted.changes[0] == ("cli", "account-first", "quantri")


def test_a_first_administrator_takes_nobodys_account(bare_house: House) -> None:
    bare_house.account("bs1", "doctor")
    with pytest.raises(StaffExists):
        bare_house.book.accounts.first("bs1", "Quản trị", OPERATOR)


def test_a_link_is_good_once_and_for_a_day(house: House) -> None:
    accounts, logins = house.book.accounts, house.book.logins
    secret = accounts.add("bs1", "BS. Mẫu", Rights(("doctor",)), ADMIN)
    assert accounts.find("bs1").state is State.INVITED
    with pytest.raises(PasswordShort):
        logins.set_by_link(secret, "ngắn")
    logins.set_by_link(secret, PASSWORD)  # a refused password does not use it up
    assert accounts.find("bs1").state is State.ACTIVE
    for used in (secret, "", "x" * 10_000, "\0", "\ud800"):
        with pytest.raises(LinkRefused):
            accounts.invited(used)
        with pytest.raises(LinkRefused):
            logins.set_by_link(used, PASSWORD)
    late = accounts.reset("bs1", ADMIN)
    house.clock.advance(timedelta(hours=24, seconds=1))
    with pytest.raises(LinkRefused):
        logins.set_by_link(late, PASSWORD)


NO_ACCOUNTS = [
    ("Nguyễn", "x", Rights(("doctor",)), "name"),
    ("1abc", "x", Rights(("doctor",)), "name"),
    ("a", "x", Rights(("doctor",)), "name"),
    ("cli", "x", Rights(("doctor",)), "name"),
    ("new", "x", Rights(("doctor",)), "name"),
    ("bs1\n", "x", Rights(("doctor",)), "name"),
    ("../bs1", "x", Rights(("doctor",)), "name"),
    ("bs1", "", Rights(("doctor",)), "display"),
    ("bs1", "x" * 81, Rights(("doctor",)), "display"),
    ("bs1", "x\x1b[31m", Rights(("doctor",)), "display"),
    ("bs1", "x", Rights(()), "roles"),
    ("bs1", "x", Rights(("root",)), "roles"),
    ("bs1", "x", Rights(("citizen",)), "roles"),
    ("bs1", "x", Rights(("doctor",), "79001"), "organisation"),
    ("bs1", "x", Rights(("doctor",), "", ("Ward/1",)), "wards"),
    ("bs1", "x", Rights(("doctor",), "", (), "Practitioner/"), "practitioner"),
]


def test_what_is_no_account_is_refused_by_field(house: House) -> None:
    for name, display, rights, field in NO_ACCOUNTS:
        with pytest.raises(StaffUnreadable) as refusal:
            house.book.accounts.add(name, display, rights, ADMIN)
        assert refusal.value.facts["field"] == field, (name, display)
    assert len(house.book.accounts.list()) == 1


def test_a_name_is_given_once_also_beside_systems_that_send(
    house: House, staff_database: Database
) -> None:
    Accounts(staff_database, house.clock).add("his-79001")
    for taken in ("admin", "his-79001"):
        with pytest.raises(StaffExists):
            house.book.accounts.add(taken, "x", Rights(("doctor",)), ADMIN)


def test_only_administrators_change_accounts(house: House) -> None:
    house.account("bs1", "doctor")
    accounts, doctor = house.book.accounts, Subject("bs1", "staff", frozenset({"doctor"}))
    attempts = (
        lambda: accounts.add("bs2", "x", Rights(("administrator",)), doctor),
        lambda: accounts.set_rights("bs1", Rights(("administrator",)), doctor),
        lambda: accounts.reset("admin", doctor),
        lambda: accounts.end("admin", doctor),
        lambda: accounts.wake("bs1", doctor),
        lambda: accounts.review("bs1", "keep", doctor),
        lambda: accounts.first("bs3", "x", doctor),
    )
    for attempt in attempts:
        with pytest.raises(AdministratorsOnly):
            attempt()


def test_nobody_changes_reviews_or_ends_their_own_rights(house: House) -> None:
    house.account("admin2", "administrator")
    accounts = house.book.accounts
    attempts = (
        lambda: accounts.set_rights("admin", Rights(("administrator", "doctor")), ADMIN),
        lambda: accounts.review("admin", "keep", ADMIN),
        lambda: accounts.reset("admin", ADMIN),
        lambda: accounts.end("admin", ADMIN),
    )
    for attempt in attempts:
        with pytest.raises(OwnRights):
            attempt()


def test_the_last_administrator_cannot_be_ended(house: House) -> None:
    accounts = house.book.accounts
    invited = accounts.add("admin2", "x", Rights(("administrator",)), OPERATOR)
    for attempt in (
        lambda: accounts.end("admin", OPERATOR),
        lambda: accounts.set_rights("admin", Rights(("doctor",)), OPERATOR),
        lambda: accounts.review("admin", "end", OPERATOR),
    ):
        with pytest.raises(LastAdministrator):  # who was only invited cannot help anyone in
            attempt()
    house.book.logins.set_by_link(invited, PASSWORD)
    accounts.end("admin", OPERATOR)
    with pytest.raises(LastAdministrator):
        accounts.end("admin2", OPERATOR)


def test_two_administrators_who_end_each_other_at_once_leave_one(house: House) -> None:
    house.account("admin2", "administrator")
    other = Subject("admin2", "staff", frozenset({"administrator"}))

    def end(pair: tuple[str, Subject]) -> str:
        try:
            house.book.accounts.end(*pair)
        except Problem as problem:
            return problem.code
        return ""

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(end, (("admin2", ADMIN), ("admin", other))))
    assert codes == ["", "staff-last-administrator"]


def test_a_leavers_sessions_and_links_die_at_once(house: House) -> None:
    house.account("bs1", "doctor")
    house.account("bs2", "doctor")
    book, cookie = house.book, log_in(house, "bs1")
    link = book.accounts.reset("bs1", ADMIN)
    assert book.sessions.find(cookie) is None  # a reset ends them, too
    book.logins.set_by_link(link, PASSWORD)
    cookie = log_in(house, "bs1")
    assert book.sessions.find(cookie)
    book.accounts.end("bs1", ADMIN, handed_to="bs2")
    assert book.sessions.find(cookie) is None
    with pytest.raises(LoginRefused):
        log_in(house, "bs1")
    ended = book.accounts.find("bs1")
    assert (ended.state, ended.ended_by, ended.handed_to) == (State.ENDED, "admin", "bs2")
    for again in (
        lambda: book.accounts.end("bs1", ADMIN),
        lambda: book.accounts.reset("bs1", ADMIN),
        lambda: book.accounts.set_rights("bs1", Rights(("doctor",)), ADMIN),
    ):
        with pytest.raises(StaffEnded):
            again()
    with pytest.raises(StaffExists):
        book.accounts.add("bs1", "x", Rights(("doctor",)), ADMIN)


@pytest.mark.parametrize("to", ["bs1", "nobody-here", "gone"])
def test_work_is_handed_to_someone_who_is_here(house: House, to: str) -> None:
    house.account("bs1", "doctor")
    house.account("gone", "doctor")
    house.book.accounts.end("gone", ADMIN)
    with pytest.raises(StaffUnknown):
        house.book.accounts.end("bs1", ADMIN, handed_to=to)
    assert house.book.accounts.find("bs1").state is State.ACTIVE


def test_unknown_accounts_are_not_there(house: House) -> None:
    accounts = house.book.accounts
    for name in ("nobody-here", "", "\0", "x" * 5000):
        for attempt in (
            lambda name=name: accounts.find(name),
            lambda name=name: accounts.reset(name, ADMIN),
            lambda name=name: accounts.wake(name, ADMIN),
        ):
            with pytest.raises(StaffUnknown):
                attempt()


def test_new_rights_lock_the_sessions_and_count_when_they_open_again(house: House) -> None:
    house.account("bs1", "doctor")
    book, cookie = house.book, log_in(house, "bs1")
    session = book.sessions.find(cookie)
    assert session and session.subject.roles == {"doctor"} and not session.is_locked
    book.accounts.set_rights(
        "bs1", Rights(("nurse", "clerk"), "Organization/79001", ("Location/n2",)), ADMIN
    )
    session = book.sessions.find(cookie)
    assert session and session.is_locked
    fresh = book.logins.unlock(cookie, session, PASSWORD, PLACE).cookie
    assert book.sessions.find(cookie) is None and fresh != cookie
    opened = book.sessions.find(fresh)
    assert opened and not opened.is_locked and opened.id == session.id
    assert opened.subject.roles == {"nurse", "clerk"}
    assert opened.subject.organisation == "Organization/79001"
    assert opened.subject.wards == ("Location/n2",)


def test_an_account_idle_for_45_days_is_disabled_and_can_be_woken(house: House) -> None:
    house.account("bs1", "doctor")
    log_in(house, "bs1")
    house.clock.advance(timedelta(days=45))
    assert log_in(house, "bs1")
    house.clock.advance(timedelta(days=45, seconds=1))
    with pytest.raises(LoginRefused):  # not told to who does not know the password
        log_in(house, "bs1", "sai rồi")
    with pytest.raises(AccountDormant):
        log_in(house, "bs1")
    assert house.book.accounts.find("bs1").state is State.LOCKED
    house.book.accounts.wake("bs1", OPERATOR)
    assert log_in(house, "bs1")


def test_rights_are_reviewed_every_half_year_and_signed_off(house: House) -> None:
    house.account("bs1", "doctor")
    house.account("bs2", "doctor")
    accounts = house.book.accounts
    assert accounts.overdue() == 0
    house.clock.advance(timedelta(days=184))
    assert accounts.overdue() == 3
    accounts.review("bs1", "keep", ADMIN)
    assert accounts.overdue() == 2 and not accounts.find("bs1").is_overdue
    accounts.review("bs2", "change", ADMIN, rights=Rights(("nurse",)))
    accounts.review("admin", "keep", OPERATOR)
    assert accounts.overdue() == 0 and accounts.find("bs2").rights.roles == ("nurse",)
    house.clock.advance(timedelta(days=1))
    accounts.review("bs2", "end", ADMIN)
    told = [(one.by, one.verdict, one.roles) for one in accounts.reviews("bs2")]
    assert told == [("admin", "end", ("nurse",)), ("admin", "change", ("nurse",))]
    assert ("admin", "account-review", "bs2") in house.noted.changes


def second_factor(house: House, name: str) -> tuple[bytes, list[str]]:
    """Turn the second factor on; return its secret and the recovery codes."""
    secret = house.book.factors.begin(name)
    code = totp.code_at(secret, totp.step_of(house.clock.now()))
    return secret, list(house.book.factors.confirm(Subject(name, "staff"), code))


def test_a_code_counts_once_and_only_for_its_account(house: House) -> None:
    house.account("bs1", "doctor")
    house.account("bs2", "doctor")
    factors = house.book.factors
    secret, _ = second_factor(house, "bs1")
    second_factor(house, "bs2")
    present = totp.step_of(house.clock.now())
    assert not factors.is_right("bs1", totp.code_at(secret, present))  # it set the factor up
    house.clock.advance(timedelta(seconds=30))
    code = totp.code_at(secret, present + 1)
    assert not factors.is_right("bs2", code)
    assert factors.is_right("bs1", f" {code[:3]} {code[3:]} ")
    assert not factors.is_right("bs1", code)
    assert not factors.is_right("bs1", totp.code_at(secret, present))  # nor one before it


def test_a_code_counts_once_also_when_it_comes_twice_at_the_same_moment(house: House) -> None:
    house.account("bs1", "doctor")
    secret, _ = second_factor(house, "bs1")
    house.clock.advance(timedelta(seconds=30))
    code = totp.code_at(secret, totp.step_of(house.clock.now()))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: house.book.factors.is_right("bs1", code), range(8)))
    assert taken.count(True) == 1


def test_recovery_codes_count_once_each(house: House) -> None:
    house.account("bs1", "doctor")
    _, codes = second_factor(house, "bs1")
    factors = house.book.factors
    assert len(set(codes)) == 10 == factors.recovery_left("bs1")
    assert factors.is_right("bs1", codes[3].upper().replace("-", " "))
    assert not factors.is_right("bs1", codes[3])
    assert not factors.is_right("admin", codes[4])
    assert factors.recovery_left("bs1") == 9
    fresh = factors.new_recovery(Subject("bs1", "staff"))
    assert not factors.is_right("bs1", codes[5]) and factors.is_right("bs1", fresh[0])


def test_a_second_factor_ends_only_where_the_password_is_long(house: House) -> None:
    house.account("bs1", "doctor")
    book = house.book
    session = book.sessions.find(log_in(house, "bs1"))
    assert session
    with pytest.raises(PasswordShort):
        book.logins.change(session, PASSWORD, SHORT, PLACE)
    second_factor(house, "bs1")
    book.logins.change(session, PASSWORD, SHORT, PLACE)
    account = book.accounts.find("bs1")
    with pytest.raises(LastFactor):
        book.factors.end(session.subject, has_long_password=account.has_long_password)
    book.logins.change(session, SHORT, PASSWORD, PLACE)
    account = book.accounts.find("bs1")
    book.factors.end(session.subject, has_long_password=account.has_long_password)
    assert not book.accounts.find("bs1").has_codes
    assert book.factors.recovery_left("bs1") == 0


def test_a_wrong_code_sets_no_second_factor(house: House) -> None:
    house.book.factors.begin("admin")
    with pytest.raises(CodeRefused):
        house.book.factors.confirm(ADMIN, "000000x")
    assert not house.book.accounts.find("admin").has_codes


def test_secrets_lie_in_the_database_only_as_what_proves_them(
    house: House, staff_database: Database
) -> None:
    link = house.book.accounts.add("bs1", "x", Rights(("doctor",)), ADMIN)
    cookie = log_in(house, "admin")
    secret, codes = second_factor(house, "admin")
    with staff_database.connection() as connection:
        told = " ".join(
            row[0]
            for table in ("staff", "staff_link", "recovery", "session", "device", "lane")
            for row in connection.execute(f"select t::text from access.{table} t")  # noqa: S608 - names above
        )
    for kept in (PASSWORD, link, cookie, codes[0], codes[0].replace("-", ""), secret.hex()):
        assert kept not in told
        assert kept.encode().hex() not in told


def test_a_reset_forgets_everything_that_proved_the_holder(house: House) -> None:
    house.account("bs1", "doctor")
    _, codes = second_factor(house, "bs1")
    link = house.book.accounts.reset("bs1", ADMIN)
    account = house.book.accounts.find("bs1")
    assert (account.state, account.has_password, account.has_codes) == (State.INVITED, False, False)
    with pytest.raises(LoginRefused):
        log_in(house, "bs1")
    assert not house.book.factors.is_right("bs1", codes[0])
    house.book.logins.set_by_link(link, PASSWORD)
    assert log_in(house, "bs1")


def test_the_pages_stay_closed_when_the_only_administrator_is_reset(
    house: House, staff_database: Database, tmp_path: Path
) -> None:
    house.book.accounts.reset("admin", OPERATOR)
    with open_house(staff_database, tmp_path, house.clock) as anew:  # another process
        assert anew.book.asks_login()


def test_an_old_proof_is_made_anew_at_the_right_password(
    house: House, staff_database: Database, tmp_path: Path
) -> None:
    with staff_database.connection() as connection:
        connection.execute("update access.staff set cost = 3")
    with pytest.raises(LoginRefused):
        log_in(house, "admin")  # the proof is of another cost
    with staff_database.connection() as connection:
        connection.execute("update access.staff set cost = 2")
    house.book.logins._cost = 4
    assert log_in(house, "admin") and log_in(house, "admin")
    with staff_database.connection() as connection:
        assert connection.execute("select cost from access.staff").fetchall() == [(4,)]
