"""Requests under the clocks of the law, holds, and what may be erased when."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from tests.support.agreements import Agreed, agreed_over, open_shared
from tests.support.interactions import Writing
from tests.support.records import body
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.shared.access.consent.ages import band_of, birthday, earliest, guardian_until
from trucyte.shared.access.consent.erasure import ErasureHeld, ErasureNotHere
from trucyte.shared.access.consent.holds import HoldUnexplained, HoldUnknown
from trucyte.shared.access.consent.moves import (
    ENDED,
    MOVES,
    Event,
    KindUnknown,
    MoveRefused,
    NoteMissing,
    State,
    clocks,
    events_of,
    moved,
)
from trucyte.shared.access.consent.requests import RequestUnknown
from trucyte.shared.access.consent.retention import closed_on, end_of, kept

SUNDAY = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def writing(
    server_url: str,
    migrated_template: str,
    definitions: Definitions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Writing]:
    folder = tmp_path_factory.mktemp("rights")
    with open_shared(server_url, migrated_template, folder, definitions) as opened:
        yield opened


@pytest.fixture
def agreed(writing: Writing, clock: FixedClock) -> Agreed:
    return agreed_over(writing, clock.now())


def receive(agreed: Agreed, kind: str = "access") -> int:
    return agreed.all.requests.receive(
        agreed.access, agreed.patient, kind, words="Tôi muốn xem", channel="web", by=agreed.patient
    ).number


# The table of moves


@pytest.mark.parametrize(("state", "event"), [*product(State, Event)])
def test_every_step_is_in_the_table_or_refused(state: State, event: Event) -> None:
    rows = [move for move in MOVES if (move.state, move.event) == (state, event)]
    if not rows:
        with pytest.raises(MoveRefused):
            moved(state, event, note="vì", article="Điều 1")
        return
    (move,) = rows
    assert moved(state, event, note="vì", article="Điều 1") is move.next
    if move.needs_note:
        with pytest.raises(NoteMissing):
            moved(state, event, note="", article="Điều 1")
    if move.needs_article:
        with pytest.raises(NoteMissing):
            moved(state, event, note="vì", article="")


def test_what_ended_stays_ended_and_all_else_can_end() -> None:
    assert all(not events_of(state) for state in ENDED)
    assert all(events_of(state) for state in State if state not in ENDED)
    assert {move.next for move in MOVES} == set(State) - {State.RECEIVED}


@pytest.mark.parametrize(
    ("kind", "days", "extended"),
    [
        ("access", 10, 15), ("rectify", 10, 15), ("erase", 20, 30),
        ("restrict", 15, 20), ("withdraw", 15, 20), ("protect", 15, 15),
    ],
)  # fmt: skip
def test_the_clocks_are_those_of_the_law(kind: str, days: int, extended: int) -> None:
    day = date(2026, 11, 22)
    assert clocks().answer_by(kind, day, is_extended=False) == day + timedelta(days)
    assert clocks().answer_by(kind, day, is_extended=True) == day + timedelta(extended)


def test_acknowledging_is_counted_in_working_days() -> None:
    assert clocks().acknowledge_by(date(2026, 11, 20)) == date(2026, 11, 24)  # a Friday
    assert clocks().acknowledge_by(date(2026, 12, 31)) == date(2027, 1, 5)  # before New Year
    with pytest.raises(KindUnknown):
        clocks().kind("forget")


# Requests


def test_a_request_goes_its_way_and_each_step_says_who_and_when(agreed: Agreed) -> None:
    requests, number = agreed.all.requests, receive(agreed)
    agreed.clock.advance(timedelta(hours=3))
    other = replace(agreed.access, caller="vt-mau")
    requests.move(other, number, Event.ACKNOWLEDGE)
    requests.move(other, number, Event.BEGIN)
    extended = requests.move(other, number, Event.EXTEND, note="hồ sơ giấy ở kho")
    assert extended.answer_by == date(2026, 12, 7)
    done = requests.move(other, number, Event.ANSWER, note="Đã gửi bản sao", digest=b"\1" * 32)
    assert (done.state, done.ended_at) == (State.ANSWERED, agreed.clock.now())
    told = [(step.event, step.account) for step in done.steps]
    assert told == [
        ("receive", "nv-mau"), ("acknowledge", "vt-mau"), ("begin", "vt-mau"),
        ("extend", "vt-mau"), ("answer", "vt-mau"),
    ]  # fmt: skip
    assert (done.steps[-1].note, done.steps[-1].digest) == ("Đã gửi bản sao", b"\1" * 32)
    assert requests.of_person(agreed.patient) == [done]
    with pytest.raises(MoveRefused):
        requests.move(other, number, Event.DROP)


def test_a_refusal_names_the_article_or_is_none(agreed: Agreed) -> None:
    requests, number = agreed.all.requests, receive(agreed, "erase")
    requests.move(agreed.access, number, Event.ACKNOWLEDGE)
    with pytest.raises(NoteMissing):
        requests.move(agreed.access, number, Event.REFUSE, note="phải lưu", article="  ")
    assert requests.one(agreed.access, number).state is State.ACKNOWLEDGED
    requests.move(agreed.access, number, Event.REFUSE, note="phải lưu", article="TT 33/2025")
    assert requests.one(agreed.access, number).steps[-1].article == "TT 33/2025"


def test_what_is_overdue_stands_first(agreed: Agreed) -> None:
    late = receive(agreed, "protect")
    agreed.all.requests.move(agreed.access, late, Event.ACKNOWLEDGE)
    agreed.clock.advance(timedelta(days=16))
    soon = receive(agreed)
    listed = [one.number for one in agreed.all.requests.open(agreed.access)]
    assert listed.index(late) < listed.index(soon)
    today = agreed.clock.now().date()
    one = agreed.all.requests.one(agreed.access, late)
    assert (one.is_overdue(today), one.days_left(today)) == (True, -1)
    # What nobody acknowledged is due when that is.
    assert agreed.all.requests.one(agreed.access, soon).due == date(2026, 12, 10)


def test_requests_of_another_organisation_or_person_are_not_found(agreed: Agreed) -> None:
    number = receive(agreed)
    key = agreed.all.persons.key
    strangers = [
        replace(agreed.access, sees_organisations=frozenset({"Organization/b"})),
        replace(agreed.access, persons=frozenset({key(agreed.carer)})),
    ]
    for stranger in strangers:
        with pytest.raises(RequestUnknown):
            agreed.all.requests.one(stranger, number)
        with pytest.raises(RequestUnknown):
            agreed.all.requests.move(stranger, number, Event.DROP)
    own = replace(agreed.access, persons=frozenset({key(agreed.patient)}))
    assert agreed.all.requests.one(own, number).number == number
    assert number not in [one.number for one in agreed.all.requests.open(strangers[0])]


@pytest.mark.parametrize("number", [0, -1, 1 << 62, 1 << 63, 1 << 70])
def test_a_number_that_is_none_is_not_found(agreed: Agreed, number: int) -> None:
    with pytest.raises(RequestUnknown):
        agreed.all.requests.one(agreed.access, number)


# Ages


@pytest.mark.parametrize(
    ("birth", "today", "decides"),
    [
        ("2020-06-01", date(2026, 11, 22), "guardian"),
        ("2019-11-23", date(2026, 11, 22), "guardian"),
        ("2019-11-22", date(2026, 11, 22), "both"),
        ("2019", date(2026, 1, 1), "both"),  # a year alone: the earliest day
        ("2010-11-22", date(2026, 11, 22), "own"),
        ("2010-11-23", date(2026, 11, 22), "both"),
        ("2030-01-01", date(2026, 11, 22), "guardian"),
        ("", date(2026, 11, 22), "own"),
        ("hôm qua", date(2026, 11, 22), "own"),
    ],
)
def test_who_decides_goes_by_age(birth: str, today: date, decides: str) -> None:
    assert band_of(birth, today).decides == decides


def test_a_leap_day_is_a_birthday_on_the_28th() -> None:
    assert birthday(date(2012, 2, 29), 7) == date(2019, 2, 28)
    assert guardian_until("2012-02-29") == date(2028, 2, 29)
    assert earliest("2012-13") is None


# Retention and holds


def visit(id: str, end: str | None, icd: str = "J06") -> list[dict]:
    period = {"start": "2010-01-02", **({"end": end} if end else {})}
    return [
        {"resourceType": "Encounter", "id": id, "period": period},
        {
            "resourceType": "Condition",
            "id": f"c{id}",
            "encounter": {"reference": f"Encounter/{id}"},
            "code": {"coding": [{"code": icd}]},
        },
    ]


@pytest.mark.parametrize(
    ("end", "icd", "death", "rule", "until"),
    [
        ("2014-12-31", "J06", None, "record-of-care", date(2024, 12, 31)),
        ("2015-01-01", "J06", None, "record-of-care", date(2025, 12, 31)),
        ("2014-05-01", "F20.0", None, "mental-illness", date(2034, 12, 31)),
        ("2014-05-01", "V03", None, "accident", date(2034, 12, 31)),
        ("2014-05-01", "Z94.0", None, "transplant", date(2044, 12, 31)),
        ("2014-05-01", "J06", "2014-05-02", "death", date(2044, 12, 31)),
        (None, "J06", None, "record-of-care", None),
    ],
)
def test_a_visit_is_kept_as_long_as_the_longest_rule_says(
    end: str | None, icd: str, death: str | None, rule: str, until: date | None
) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p",
        **({"deceasedDateTime": death} if death else {}),
    }
    lines = {(one.type, one.id): one for one in kept([patient, *visit("v", end, icd)])}
    for key in (("Encounter", "v"), ("Condition", "cv")):
        assert (lines[key].rule, lines[key].until) == (rule, until)
    assert lines["Patient", "p"].rule == "health-book"
    assert lines["Patient", "p"].until == (date(2024, 12, 31) if death else None)


def test_what_has_no_date_is_kept() -> None:
    (line,) = kept([{"resourceType": "Observation", "id": "o"}])
    assert line.until is None and not line.is_over(date(9000, 1, 1))
    assert end_of(closed_on({"resourceType": "Observation", "issued": "2014"}), 10) == date(
        2024, 12, 31
    )


def put_visits(agreed: Agreed, *visits: list[dict]) -> None:
    subject = {"reference": agreed.patient}
    told = {"status": "finished", "class": {"code": "AMB"}}
    agreed.node.put(
        *(
            {**one, "subject": subject, **(told if one["resourceType"] == "Encounter" else {})}
            for made in visits
            for one in made
        )
    )


def names(agreed: Agreed) -> tuple[str, str]:
    tail = agreed.patient.rpartition("/")[2]
    return f"old{tail}", f"new{tail}"


def test_what_the_law_keeps_is_restricted_and_the_rest_erased(agreed: Agreed) -> None:
    old, new = names(agreed)
    put_visits(agreed, visit(old, "2012-03-01"), visit(new, "2025-03-01"))
    plan = agreed.all.erasures.plan(agreed.access, agreed.patient)
    assert {one.id for one in plan.free} == {old, f"c{old}"}
    assert {one.id for one in plan.kept} == {new, f"c{new}", agreed.patient.partition("/")[2]}
    assert (plan.until, len(plan.articles)) == (None, 2)
    done = agreed.all.erasures.carry_out(agreed.access, agreed.patient)
    assert (done.erased, done.restricted) == (2, True)
    ((keys, rule),) = agreed.erased
    assert {key[2] for key in keys} == {old, f"c{old}"} and rule == "data-subject-erasure"
    assert "Thông tư 33/2025" in (agreed.all.erasures.restriction(agreed.patient) or "")


def test_a_restriction_denies_everything_and_can_be_lifted(agreed: Agreed) -> None:
    erasures = agreed.all.erasures
    assert erasures.restriction(agreed.patient) is None
    erasures.lift(agreed.access, agreed.patient)
    erasures.restrict(agreed.access, agreed.patient, article="Điều 1")
    query = [("patient", agreed.patient)]
    (consent,) = map(body, agreed.node.records.search(agreed.access, "Consent", query).entries)
    assert (consent["status"], consent["provision"]) == ("active", {"type": "deny"})
    assert agreed.all.consents.all_of(agreed.access, agreed.patient) == []
    erasures.lift(agreed.access, agreed.patient)
    assert erasures.restriction(agreed.patient) is None


def test_while_a_hold_stands_nothing_is_erased(agreed: Agreed) -> None:
    old, _ = names(agreed)
    put_visits(agreed, visit(old, "2012-03-01"))
    holds = agreed.all.holds
    with pytest.raises(HoldUnexplained):
        holds.add(agreed.access, agreed.patient, why="  ", until=None)
    number = holds.add(
        agreed.access, agreed.patient, why="kiện", article="BLTTDS", until=date(2026, 11, 30)
    )
    with pytest.raises(ErasureHeld):
        agreed.all.erasures.carry_out(agreed.access, agreed.patient)
    assert agreed.erased == [] and agreed.all.erasures.restriction(agreed.patient) is None
    agreed.clock.advance(timedelta(days=9))  # its last day has passed
    assert agreed.all.holds.standing(agreed.patient) == []
    agreed.all.erasures.carry_out(agreed.access, agreed.patient)
    assert len(agreed.erased) == 1
    holds.end(agreed.access, number)
    with pytest.raises(HoldUnknown):
        holds.end(agreed.access, number)
    (ended,) = holds.list(with_ended=True, patient=agreed.patient)
    assert (ended.ended_by, holds.list(patient=agreed.patient)) == ("nv-mau", [])


def test_a_node_that_cannot_erase_says_so_and_does_nothing(agreed: Agreed) -> None:
    old, _ = names(agreed)
    put_visits(agreed, visit(old, "2012-03-01"))
    agreed.all.erasures._erase = None
    with pytest.raises(ErasureNotHere):
        agreed.all.erasures.carry_out(agreed.access, agreed.patient)
    assert agreed.all.erasures.restriction(agreed.patient) is None
    assert not agreed.all.erasures.can_erase
