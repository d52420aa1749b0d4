"""Break-glass, releases and alerts: what may be opened, by whom, until when, and who is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.conftest import fresh_database
from trucyte.base.clock import VIETNAM, FixedClock
from trucyte.database.connect import Database
from trucyte.shared.access.alerts import (
    KINDS,
    AlertReasonMissing,
    Alerts,
    AlertUnknown,
    raise_alert,
)
from trucyte.shared.access.alerts import State as AlertState
from trucyte.shared.access.emergency import (
    MANY_A_DAY,
    Emergencies,
    EmergencyReasonMissing,
    EmergencyReviewed,
    EmergencyUnknown,
    Ground,
    OwnEmergency,
    Verdict,
    review_due,
)
from trucyte.shared.access.policy.sets import note_rule_set
from trucyte.shared.access.release import (
    ReleaseByTwo,
    ReleaseRefused,
    Releases,
    ReleaseUnknown,
    State,
)
from trucyte.shared.access.subject import LOCAL, Subject

DOCTOR = Subject("bs01", "staff", frozenset({"doctor"}), "Organization/own")
OFFICER = Subject("at01", "staff", frozenset({"security_officer"}), "Organization/own")
REASON = "người bệnh bất tỉnh, cần biết dị ứng"


@pytest.fixture(scope="module")
def shared(server_url: str, migrated_template: str) -> Iterator[Database]:
    with fresh_database(server_url, template=migrated_template) as database:
        yield database


@pytest.fixture
def database(shared: Database) -> Database:
    """One database for all tests of this file, emptied before each."""
    with shared.connection() as connection:
        connection.execute(
            "truncate access.emergency, access.release, access.alert, access.rule_set"
        )
    return shared


@pytest.fixture
def emergencies(database: Database, clock: FixedClock) -> Emergencies:
    return Emergencies(database, clock)


@pytest.fixture
def alerts(database: Database, clock: FixedClock) -> Alerts:
    return Alerts(database, clock)


@pytest.fixture
def releases(database: Database, clock: FixedClock) -> Releases:
    return Releases(database, clock)


def opened(emergencies: Emergencies, subject: Subject = DOCTOR, patient: str = "p1"):
    return emergencies.open(
        subject, person=77, patient=patient, ground=Ground.UNCONSCIOUS, reason=REASON
    )


def test_an_emergency_is_open_for_half_an_hour_to_who_opened_it(emergencies, clock) -> None:
    one = opened(emergencies)
    assert emergencies.open_of(DOCTOR) == one
    assert emergencies.open_of(DOCTOR, "p1") == one
    assert emergencies.open_numbered(DOCTOR, one.number) == one
    assert emergencies.open_of(DOCTOR, "p2") is None
    assert emergencies.open_of(OFFICER) is None
    assert emergencies.open_numbered(OFFICER, one.number) is None
    assert emergencies.open_of(replace(DOCTOR, kind="system")) is None
    clock.advance(timedelta(minutes=30))
    assert emergencies.open_of(DOCTOR) is None
    assert emergencies.open_numbered(DOCTOR, one.number) is None
    assert emergencies.open_numbered(DOCTOR, 10**9) is None


def test_the_person_and_the_officers_are_told_in_the_same_breath(emergencies, alerts) -> None:
    one = opened(emergencies)
    (told,) = alerts.of_person([77, 5])
    assert (told.kind, told.about) == ("emergency-of-you", f"emergency/{one.number}")
    (officer,) = alerts.of_roles(OFFICER.roles)
    assert (officer.kind, officer.organisation) == ("emergency", "Organization/own")
    assert alerts.of_person([78]) == []
    assert alerts.of_roles(frozenset({"auditor"})) == []


def test_who_opens_many_in_a_day_is_told_of_as_well(emergencies, alerts, clock) -> None:
    for _ in range(MANY_A_DAY - 1):
        opened(emergencies)
    assert {each.kind for each in alerts.of_roles(OFFICER.roles)} == {"emergency"}
    opened(emergencies)
    assert "emergencies-many" in {each.kind for each in alerts.of_roles(OFFICER.roles)}


@pytest.mark.parametrize("reason", ["", "   ", "vội", "x" * 1001, "a reason\0with a hole"])
def test_a_reason_is_needed_and_nothing_is_opened_without(emergencies, alerts, reason) -> None:
    with pytest.raises(EmergencyReasonMissing):
        emergencies.open(DOCTOR, person=77, patient="p1", ground=Ground.LIFE, reason=reason)
    assert emergencies.waiting() == []
    assert alerts.of_person([77]) == []


def test_whom_the_rules_refuse_opens_nothing_and_tells_nobody(database, clock, alerts) -> None:
    def refuse(subject: Subject, emergency: object) -> None:
        raise OwnEmergency

    with pytest.raises(OwnEmergency):
        opened(Emergencies(database, clock, check=refuse))
    assert Emergencies(database, clock).waiting() == []
    assert alerts.of_person([77]) == []


def test_a_review_is_due_at_the_end_of_the_third_working_day() -> None:
    friday = datetime(2026, 11, 20, 22, tzinfo=VIETNAM)
    assert review_due(friday) == datetime(2026, 11, 26, tzinfo=VIETNAM)
    # Before Tết the days off do not count.
    assert review_due(datetime(2026, 2, 13, 9, tzinfo=VIETNAM)) > datetime(2026, 2, 20, tzinfo=UTC)


def test_overdue_ones_stand_first_and_say_so(emergencies, clock) -> None:
    first = opened(emergencies)
    clock.advance(timedelta(days=10))
    second = opened(emergencies)
    assert [each.number for each in emergencies.waiting()] == [first.number, second.number]
    assert [each.is_overdue(clock.now()) for each in emergencies.waiting()] == [True, False]


def test_another_reviews_once_with_a_reason(emergencies, alerts) -> None:
    one = opened(emergencies)
    with pytest.raises(OwnEmergency):
        emergencies.review(DOCTOR, one.number, Verdict.JUSTIFIED, REASON)
    with pytest.raises(EmergencyReasonMissing):
        emergencies.review(OFFICER, one.number, Verdict.JUSTIFIED, "ừ")
    other = opened(emergencies)
    emergencies.review(OFFICER, other.number, Verdict.JUSTIFIED, REASON)
    done = emergencies.review(OFFICER, one.number, Verdict.UNJUSTIFIED, REASON)
    assert done.review is not None and done.review.by == "at01"
    assert emergencies.waiting() == []
    assert {each.number for each in emergencies.reviewed()} == {one.number, other.number}
    assert done == emergencies.one(one.number)
    assert "emergency-unjustified" in {each.kind for each in alerts.of_roles(OFFICER.roles)}
    with pytest.raises(EmergencyReviewed):
        emergencies.review(OFFICER, one.number, Verdict.JUSTIFIED, REASON)
    with pytest.raises(EmergencyUnknown):
        emergencies.review(OFFICER, 10**9, Verdict.JUSTIFIED, REASON)


def test_the_table_itself_refuses_a_review_by_who_opened(emergencies, database) -> None:
    one = opened(emergencies)
    with database.connection() as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "update access.emergency set reviewed_by = account where number = %s", [one.number]
        )


def test_who_opened_may_end_it_and_nobody_else(emergencies) -> None:
    one = opened(emergencies)
    with pytest.raises(EmergencyUnknown):
        emergencies.end(OFFICER, one.number)
    emergencies.end(DOCTOR, one.number)
    assert emergencies.open_of(DOCTOR) is None
    assert emergencies.one(one.number).number == one.number
    with pytest.raises(EmergencyUnknown):
        emergencies.end(DOCTOR, one.number)


def test_an_alert_is_moved_by_those_it_is_for_with_a_reason(alerts, emergencies) -> None:
    opened(emergencies)
    (one,) = alerts.of_roles(OFFICER.roles)
    assert alerts.count_open(OFFICER.roles) == 1
    with pytest.raises(AlertUnknown):
        alerts.move(DOCTOR, one.number, AlertState.LOOKED_AT)
    alerts.move(OFFICER, one.number, AlertState.LOOKED_AT)
    with pytest.raises(AlertReasonMissing):
        alerts.move(OFFICER, one.number, AlertState.DISMISSED)
    alerts.move(OFFICER, one.number, AlertState.ESCALATED, "báo giám đốc")
    alerts.move(OFFICER, one.number, AlertState.DISMISSED, "đã rõ")
    with pytest.raises(AlertUnknown):
        alerts.move(OFFICER, one.number, AlertState.ESCALATED, "lại")
    (after,) = alerts.of_roles(OFFICER.roles)
    assert (after.state, after.reason, after.by) == (AlertState.DISMISSED, "đã rõ", "at01")
    assert alerts.count_open(OFFICER.roles) == 0


def test_an_alert_goes_to_a_person_or_to_a_role(database, clock) -> None:
    with database.connection() as connection:
        for whom in ({}, {"person": 1, "role": "auditor"}):
            with pytest.raises(AssertionError):
                raise_alert(connection, "emergency", "emergency/1", clock.now(), **whom)


def test_alerts_have_words_in_both_languages() -> None:
    for words in KINDS.values():
        assert words.of("vi") and words.of("en") and words.vi != words.en


def asked(releases: Releases, clock: FixedClock, **changes: object):
    told = {
        "account": "vien-a",
        "purpose": "HRESCH",
        "what_for": "nghiên cứu sốt xuất huyết",
        "until": clock.now() + timedelta(days=30),
    }
    return releases.ask("ct01", **(told | changes))


def test_a_release_is_opened_by_another_and_ends(releases, clock, alerts) -> None:
    holder = Subject("vien-a", "system")
    one = asked(releases, clock)
    assert releases.open_of(holder, "HRESCH") is None
    assert {each.kind for each in alerts.of_roles(frozenset({"administrator"}))} == {
        "release-asked"
    }
    for same in ("ct01", "vien-a"):
        with pytest.raises(ReleaseByTwo):
            releases.decide(same, one.number, opens=True)
    opened_one = releases.decide("qt02", one.number, opens=True)
    assert opened_one.state is State.OPEN
    assert releases.open_of(holder, "HRESCH") == opened_one
    assert releases.open_of(holder, "TREAT") is None
    assert releases.open_of(LOCAL, "HRESCH") is None
    for number in (one.number, 10**9):
        with pytest.raises(ReleaseUnknown):
            releases.decide("qt02", number, opens=False)
    clock.advance(timedelta(days=30))
    assert releases.open_of(holder, "HRESCH") is None


def test_a_release_ends_at_once_and_a_refused_one_never_opens(releases, clock) -> None:
    holder = Subject("vien-a", "system")
    one, other = asked(releases, clock), asked(releases, clock)
    releases.decide("qt02", one.number, opens=True)
    assert releases.end("qt02", one.number).state is State.ENDED
    assert releases.decide("qt02", other.number, opens=False).state is State.REFUSED
    assert releases.open_of(holder, "HRESCH") is None
    assert {each.state for each in releases.list()} == {State.ENDED, State.REFUSED}
    for number in (one.number, other.number, 10**9):
        with pytest.raises(ReleaseUnknown):
            releases.end("qt02", number)


@pytest.mark.parametrize(
    "changes",
    [
        {"account": ""},
        {"account": "a\0"},
        {"purpose": "TREAT"},
        {"what_for": "vì"},
        {"what_for": "nghiên cứu \0 sốt"},
        {"until": datetime(2020, 1, 1, tzinfo=UTC)},
        {"until": datetime(2036, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_release_that_says_too_little_or_too_much_is_refused(releases, clock, changes) -> None:
    with pytest.raises(ReleaseRefused):
        asked(releases, clock, **changes)
    assert releases.list() == []


def test_the_table_itself_refuses_a_release_opened_by_one(releases, clock, database) -> None:
    one = asked(releases, clock)
    with database.connection() as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "update access.release set state = 'open', decided_by = asked_by where number = %s",
            [one.number],
        )


def test_a_change_of_rules_is_entered_once_and_told(database, clock, alerts) -> None:
    entered: list[str] = []
    assert note_rule_set(database, clock, "a", entered.append)
    assert not note_rule_set(database, clock, "a", entered.append)
    assert alerts.of_roles(OFFICER.roles) == []  # the first rules are no change
    assert note_rule_set(database, clock, "b", entered.append)
    assert note_rule_set(database, clock, "a", entered.append)
    assert entered == ["a", "b", "a"]
    assert {each.kind for each in alerts.of_roles(OFFICER.roles)} == {"rules-changed"}


def test_what_cannot_be_entered_is_not_noted(database, clock) -> None:
    def fail(digest: str) -> None:
        raise EmergencyUnknown

    with pytest.raises(EmergencyUnknown):
        note_rule_set(database, clock, "a", fail)
    entered: list[str] = []
    assert note_rule_set(database, clock, "a", entered.append)
    assert entered == ["a"]
