"""The life of an identity: every stage met by every event, and what versions say of it."""

from itertools import product
from typing import Any

import pytest

from trucyte.shared.identity.life import (
    MOVES,
    STAGE,
    Change,
    Event,
    Stage,
    Unmoved,
    event_of,
    moved,
    stage_of,
)

CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
ALIAS = "http://fhir.ehealth.gov.vn/core/sid/national_id"
ONE, TWO = "079085000001", "079085000002"


def number(value: str, *, is_old: bool = False, system: str = CCCD) -> dict[str, Any]:
    return {"system": system, "value": value} | ({"use": "old"} if is_old else {})


def patient(*numbers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": list(numbers), **more}


def marked(stage: str) -> dict[str, Any]:
    return {"extension": [{"url": STAGE, "valueCode": stage}]}


DIED = {"deceasedDateTime": "2026-11-20"}
# A Patient at each stage, and versions after it by which each event is said, or is not.
AT = {
    Stage.UNKNOWN: patient(**marked("unknown")),
    Stage.NEWBORN: patient(name=[{"use": "temp", "text": "CON BÀ MẪU"}]),
    Stage.UNNUMBERED: patient(),
    Stage.NUMBERED: patient(number(ONE)),
    Stage.DEAD: patient(number(ONE), **DIED),
}
AFTER = {
    "nothing": patient(),
    "one": patient(number(ONE)),
    "two, one lost": patient(number(TWO)),
    "two, one old": patient(number(TWO), number(ONE, is_old=True)),
    "one old": patient(number(ONE, is_old=True)),
    "dead": patient(number(ONE), **DIED),
    "dead, nothing": patient(**DIED),
    "dead, two, one old": patient(number(TWO), number(ONE, is_old=True), **DIED),
    "dead, one old": patient(number(ONE, is_old=True), **DIED),
}
ALIVE = frozenset({"nothing", "one", "two, one lost", "two, one old", "one old"})
# Which versions after let a move of the table pass; those not named do not.
PASSES = {
    Event.NAMED: frozenset(AFTER),
    Event.NUMBERED: frozenset({"one", "two, one lost", "two, one old", "dead",
                               "dead, two, one old"}),
    Event.NUMBER_CHANGED: frozenset({"two, one old", "dead, two, one old"}),
    Event.NUMBER_ENDED: frozenset({"one old", "two, one old", "dead, one old",
                                   "dead, two, one old"}),
    Event.DIED: frozenset(AFTER) - ALIVE,
    Event.DEATH_REVERSED: ALIVE,
}  # fmt: skip
# The table again, by hand: where each event leads from each stage.
LEADS = {
    (Stage.UNKNOWN, Event.NAMED): Stage.UNNUMBERED,
    (Stage.UNKNOWN, Event.NUMBERED): Stage.NUMBERED,
    (Stage.NEWBORN, Event.NAMED): Stage.UNNUMBERED,
    (Stage.NEWBORN, Event.NUMBERED): Stage.NUMBERED,
    (Stage.UNNUMBERED, Event.NUMBERED): Stage.NUMBERED,
    (Stage.NUMBERED, Event.NUMBER_CHANGED): Stage.NUMBERED,
    (Stage.NUMBERED, Event.NUMBER_ENDED): Stage.UNNUMBERED,
    **{(stage, Event.DIED): Stage.DEAD for stage in Stage if stage is not Stage.DEAD},
    **{(Stage.DEAD, event): Stage.DEAD for event in Event
       if event not in (Event.DIED, Event.DEATH_REVERSED)},
}  # fmt: skip


def test_the_examples_stand_where_they_say() -> None:
    assert {stage: stage_of(one) for stage, one in AT.items()} == {stage: stage for stage in Stage}


@pytest.mark.parametrize(("stage", "event"), list(product(Stage, Event)))
def test_every_stage_meets_every_event(stage: Stage, event: Event) -> None:
    for name, after in AFTER.items():
        found = moved(Change(AT[stage], after), event)
        if (stage, event) == (Stage.DEAD, Event.DEATH_REVERSED):
            wanted: Any = stage_of(after) if name in ALIVE else Unmoved.NOT_DEAD
            assert found == wanted, name
        elif (stage, event) not in LEADS:
            assert found is Unmoved.NOT_THERE
        elif name in passing(stage, event):
            assert found is LEADS[stage, event], name
        else:
            assert isinstance(found, Unmoved), name
            assert found is not Unmoved.NOT_THERE


def passing(stage: Stage, event: Event) -> frozenset[str]:
    if (stage, event) == (Stage.DEAD, Event.NAMED):
        return PASSES[Event.DIED]
    return PASSES[event]


def test_each_move_stands_once_in_the_table() -> None:
    places = [(move.stage, move.event) for move in MOVES]
    assert len(places) == len(set(places))
    assert set(places) == {*LEADS, (Stage.DEAD, Event.DEATH_REVERSED)}


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        ("nothing", "nothing", None),
        ("nothing", "one", Event.NUMBERED),
        ("one", "two, one old", Event.NUMBER_CHANGED),
        ("one", "one old", Event.NUMBER_ENDED),
        ("one", "dead", Event.DIED),
        ("nothing", "dead", Event.DIED),  # a number that comes with the death is the lesser news
        ("dead", "one", Event.DEATH_REVERSED),
        ("dead", "dead, two, one old", Event.NUMBER_CHANGED),
    ],
)
def test_two_versions_say_what_happened(before: str, after: str, event: Event | None) -> None:
    assert event_of(Change(AFTER[before], AFTER[after])) is event


def test_the_number_goes_by_any_name_of_its_system() -> None:
    before, after = patient(number(ONE)), patient(number(ONE, system=ALIAS))
    assert stage_of(after) is Stage.NUMBERED
    assert event_of(Change(before, after)) is None


def test_a_number_whose_period_has_an_end_is_in_force_no_more() -> None:
    ended = {"system": CCCD, "value": ONE, "period": {"end": "2026-01-01"}}
    assert stage_of(patient(ended)) is Stage.UNNUMBERED


def test_a_name_makes_a_newborn_and_an_unknown_known() -> None:
    known = patient(name=[{"use": "official", "text": "Nguyễn Văn Mẫu"}])
    for stage in (Stage.NEWBORN, Stage.UNKNOWN):
        assert event_of(Change(AT[stage], known)) is Event.NAMED
        assert moved(Change(AT[stage], known), Event.NAMED) is Stage.UNNUMBERED


@pytest.mark.parametrize(
    "odd", [{}, {"identifier": [{}]}, {"deceasedBoolean": False}, {"name": []}, marked("other")]
)
def test_what_says_nothing_is_an_identity_without_number(odd: dict[str, Any]) -> None:
    assert stage_of(odd) is Stage.UNNUMBERED
