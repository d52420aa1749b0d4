"""The worklist: pairs listed, put side by side, decided by a person."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.people import People, open_people, patient
from tests.support.records import RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.shared.identity.links import LinkState
from trucyte.shared.identity.newcomers import DayDone, PairState, PairUnknown, Verdict, Waiting
from trucyte.shared.identity.newcomers.worklist import (
    NoteNotKept,
    PairEnded,
    ReasonMissing,
    fields_of,
)

NUMBER = "079085000123"


@pytest.fixture
def people(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[People]:
    with open_people(database, tmp_path, clock, definitions) as opened:
        for n in range(3):
            name = ("Nguyễn Văn Hùng", "Lê Thị Hoa", "Trần Minh Khôi")[n]
            opened.put(
                patient(f"a{n}", name, number=f"0790850001{n}1", phone=f"091200011{n}"),
                patient(f"b{n}", name, number=f"0790858{n}4567", phone=f"091200011{n}"),
            )
        opened.newcomers.catch_up()
        yield opened


def numbers(people: People, **more: object) -> list[int]:
    return [pair.number for pair in people.worklist.page(people.node.plain, **more).pairs]


def test_pairs_come_in_pages_the_oldest_first(people: People) -> None:
    first = people.worklist.page(people.node.plain, count=2)
    assert [(pair.low, pair.high) for pair in first.pairs] == [
        ("Patient/a0", "Patient/b0"),
        ("Patient/a1", "Patient/b1"),
    ]
    assert first.next is not None
    second = people.worklist.page(people.node.plain, count=2, after=first.next)
    assert [pair.low for pair in second.pairs] == ["Patient/a2"]
    assert second.next is None


def test_a_pair_is_shown_side_by_side_with_reasons_in_words_and_a_trail(people: People) -> None:
    number = numbers(people)[0]
    shown = people.worklist.pair(people.node.plain, number)
    assert (shown.low.id, shown.high.id) == ("a0", "b0")
    assert shown.sentences[0] == "Chưa chắc: cần người xem."
    assert "Hai số định danh khác nhau." in shown.sentences
    caller, persons, reason = people.node.trail.shown_to[-1]
    assert (caller, len(persons), reason) == ("clerk", 2, "match Patient")
    english = people.worklist.pair(people.node.plain, number, "en")
    assert english.sentences[0].startswith("Not certain")


def test_what_a_patient_says_stands_beside_the_levels(people: People) -> None:
    shown = people.worklist.pair(people.node.plain, numbers(people)[0])
    fields = fields_of(parse(shown.low.body))
    assert fields["name"] == "Nguyễn Văn Hùng"
    assert fields["birth"] == "1985-03-02"
    assert fields["phone"] == "0912000110"


@pytest.mark.parametrize(
    ("verdict", "state", "known"),
    [
        (Verdict.LINK, PairState.LINKED, LinkState.LINKED),
        (Verdict.DIFFER, PairState.DIFFERENT, LinkState.DIFFERENT),
    ],
)
def test_a_decision_is_kept_with_who_and_why(
    people: People, verdict: Verdict, state: PairState, known: LinkState
) -> None:
    number = numbers(people)[0]
    pair = people.worklist.decide(people.node.plain, number, verdict, "đã gọi điện hỏi")
    assert (pair.state, pair.decided_by) == (state, "clerk")
    assert pair.decided_at == people.node.clock.now()
    caller, _, _, decided = people.links.made[-1]
    assert (caller, decided.note) == ("clerk", "đã gọi điện hỏi")
    assert decided.rules[-1] == "clerk"
    assert people.links.known["Patient/a0", "Patient/b0"] is known
    assert number not in numbers(people)


def test_what_is_put_off_waits_apart_and_can_be_decided_later(people: People) -> None:
    number = numbers(people)[0]
    people.worklist.decide(people.node.plain, number, Verdict.LATER)
    assert number not in numbers(people)
    assert numbers(people, states=[PairState.LATER]) == [number]
    assert people.links.made == []
    people.worklist.decide(people.node.plain, number, Verdict.DIFFER)
    assert numbers(people, states=[PairState.LATER]) == []


def test_what_is_put_off_keeps_no_note(people: People) -> None:
    with pytest.raises(NoteNotKept):
        people.worklist.decide(people.node.plain, numbers(people)[0], Verdict.LATER, "sau")


def test_a_pair_is_decided_once(people: People) -> None:
    number = numbers(people)[0]
    people.worklist.decide(people.node.plain, number, Verdict.LINK)
    with pytest.raises(PairEnded):
        people.worklist.decide(people.node.plain, number, Verdict.DIFFER)


def test_who_may_not_see_a_patient_sees_no_pair_with_it(people: People) -> None:
    people.node.put(patient("b0", "Nguyễn Văn Hùng", meta=RESTRICTED))
    first, second, third = (1, 2, 3)
    assert numbers(people) == [second, third]
    with pytest.raises(PairUnknown):
        people.worklist.pair(people.node.plain, first)
    with pytest.raises(PairUnknown):
        people.worklist.decide(people.node.plain, first, Verdict.LINK)
    assert people.worklist.page(people.node.full).pairs[0].number == first


def test_another_organisation_sees_no_pair(people: People) -> None:
    elsewhere = replace(people.node.plain, sees_organisations=frozenset({"Organization/b"}))
    assert people.worklist.page(elsewhere).pairs == ()
    with pytest.raises(PairUnknown):
        people.worklist.pair(elsewhere, 1)


def test_a_facility_that_has_none_of_the_patients_has_no_pairs(people: People) -> None:
    assert numbers(people, facility="Organization/79001") == []


@pytest.mark.parametrize("number", [0, -1, 99, 2**62, 2**63 - 1, 2**63, 10**30])
def test_a_pair_that_is_not_there_is_refused(people: People, number: int) -> None:
    with pytest.raises(PairUnknown):
        people.worklist.pair(people.node.plain, number)


def test_pairs_are_counted_by_state(people: People) -> None:
    people.worklist.decide(people.node.plain, 1, Verdict.LINK)
    assert people.worklist.count() == {PairState.OPEN: 2, PairState.LINKED: 1}


@pytest.mark.parametrize(
    "resource", [{}, {"name": "x", "telecom": [3], "contact": [{"name": "m"}]}, {"name": [{}]}]
)
def test_fields_are_read_of_anything(resource: dict[str, object]) -> None:
    assert fields_of(resource)["name"] == ""


def test_a_link_is_taken_back_with_a_reason_and_can_be_made_again(people: People) -> None:
    access, number = people.node.plain, numbers(people)[0]
    people.worklist.decide(access, number, Verdict.LINK)
    with pytest.raises(ReasonMissing):
        people.worklist.revise(access, number, Verdict.UNLINK, was=PairState.LINKED, reason="")
    broken = people.worklist.revise(
        access, number, Verdict.UNLINK, was=PairState.LINKED, reason="nhầm"
    )
    assert broken.state is PairState.BROKEN
    assert people.links.known["Patient/a0", "Patient/b0"] is LinkState.BROKEN
    assert people.links.made[-1][3].note == "nhầm"
    again = people.worklist.revise(access, number, Verdict.LINK, was=broken.state, reason="đúng")
    assert again.state is PairState.LINKED


@pytest.mark.parametrize(
    ("verdict", "was"),
    [
        (Verdict.LINK, PairState.DIFFERENT),  # it is linked
        (Verdict.DIFFER, PairState.LINKED),  # no such way back
        (Verdict.LINK, PairState.OPEN),
    ],
)
def test_what_is_not_as_it_was_seen_is_not_taken_back(
    people: People, verdict: Verdict, was: PairState
) -> None:
    number = numbers(people)[0]
    people.worklist.decide(people.node.plain, number, Verdict.LINK)
    with pytest.raises(PairEnded):
        people.worklist.revise(people.node.plain, number, verdict, was=was, reason="x")


def test_of_many_who_decide_at_once_one_decides(people: People) -> None:
    number, verdicts = numbers(people)[0], [Verdict.LINK, Verdict.DIFFER] * 4

    def decide(verdict: Verdict) -> bool:
        try:
            people.worklist.decide(people.node.plain, number, verdict)
        except PairEnded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, verdicts)) == 1
    assert len(people.links.made) == 1


def test_a_link_broken_elsewhere_is_broken_in_the_worklist(people: People) -> None:
    number = numbers(people)[0]
    people.worklist.decide(people.node.plain, number, Verdict.LINK)
    people.worklist.unlink(people.node.plain, "Patient/b0", "Patient/a0", "nhầm")
    assert people.worklist.one(people.node.plain, number).state is PairState.BROKEN
    with pytest.raises(ReasonMissing):
        people.worklist.unlink(people.node.plain, "Patient/b0", "Patient/a0", "")


def test_the_pairs_before_and_behind_are_those_that_wait(people: People) -> None:
    one, two, three = numbers(people)
    beside = people.worklist.beside
    assert beside(people.node.plain, two) == (one, three)
    assert beside(people.node.plain, three) == (two, one)
    people.worklist.decide(people.node.plain, two, Verdict.LATER)
    assert beside(people.node.plain, one) == (None, three)
    people.worklist.decide(people.node.plain, three, Verdict.DIFFER)
    assert beside(people.node.plain, one) == (None, None)
    assert beside(people.node.plain, one, "Organization/none") == (None, None)


def test_what_waits_and_what_the_day_did_is_counted(people: People) -> None:
    access, now = people.node.plain, people.node.clock.now()
    assert people.worklist.waiting(access) == Waiting(3, [])
    people.worklist.decide(access, 1, Verdict.LINK)
    people.worklist.decide(replace(access, caller="other"), 2, Verdict.LATER)
    assert people.worklist.waiting(access).pairs == 1
    assert people.worklist.done(access, now) == DayDone(all=2, own=1)
    assert people.worklist.done(access, now + timedelta(seconds=1)) == DayDone(0, 0)
    assert [pair.number for pair in people.worklist.decided(access)] == [1]
    elsewhere = replace(access, sees_organisations=frozenset({"Organization/b"}))
    assert people.worklist.waiting(elsewhere).pairs == 0
    assert people.worklist.done(elsewhere, now) == DayDone(0, 0)
    assert people.worklist.decided(elsewhere) == ()
