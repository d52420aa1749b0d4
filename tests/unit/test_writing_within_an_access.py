"""What may be written: what is granted, about whom it may be, and never one part of a whole."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.interactions import (
    Writing,
    a_patient,
    an_observation,
    encoded,
    entry,
    open_writing,
)
from tests.support.records import KEY
from tests.support.seeing import labelled
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.patch import read_json_patch
from trucyte.intake.interactions.problems import ConditionClosed, IdNotYours
from trucyte.records import Access, person_key
from trucyte.records.access import Grant, Labels, Related
from trucyte.records.shown import InteractionNotAllowed, ResourceNotFound, ResourceRestricted

VITAL, LAB = (
    {"category": [{"coding": [{"code": code}]}]} for code in ("vital-signs", "laboratory")
)
SECRET, HIV = labelled(Labels.SECRET), labelled(Labels.HIV)
PATCH = read_json_patch(b'[{"op": "replace", "path": "/status", "value": "amended"}]')


@pytest.fixture
def writing(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Writing]:
    with open_writing(database, tmp_path, clock, definitions) as opened:
        opened.node.put(
            {**a_patient("1"), "id": "p1"},
            {**a_patient("2"), "id": "p2"},
            {**an_observation("Patient/p1", **VITAL), "id": "vital"},
            {**an_observation("Patient/p1", **LAB), "id": "lab"},
            {**an_observation("Patient/p2", **VITAL), "id": "other"},
            {**an_observation("Patient/p1", **SECRET), "id": "hidden"},
        )
        yield opened


def granted(writing: Writing, letters: str, *query: tuple[str, str]) -> Access:
    grants = (Grant(frozenset({"Observation"}), frozenset(letters), query),)
    return replace(writing.access, grants=grants)


def deeds(writing: Writing, access: Access) -> dict[str, Callable[[], object]]:
    made, do = an_observation("Patient/p1", **VITAL), writing.interactions
    named = {**made, "id": "vital"}
    return {
        "c": lambda: do.create(access, "Observation", encoded(made)),
        "cs": lambda: do.create(
            access, "Observation", encoded(made), if_none_exist="category=nothing"
        ),
        "u": lambda: do.update(access, "Observation", "vital", encoded({**named, "note": []})),
        "us": lambda: do.update_where(access, "Observation", "_id=vital", encoded(named)),
        "up": lambda: do.patch(access, "Observation", "vital", PATCH),
        "ups": lambda: do.patch_where(access, "Observation", "_id=vital", PATCH),
        "ds": lambda: do.delete_where(access, "Observation", "_id=vital"),
        "d": lambda: do.delete(access, "Observation", "vital"),
    }


@pytest.mark.parametrize("letters", ["", "rs", "c", "u", "d", "cs", "us", "ds", "crud", "cruds"])
def test_a_write_is_done_where_its_letter_is_granted(writing: Writing, letters: str) -> None:
    for asked, deed in deeds(writing, granted(writing, letters)).items():
        needed = set(asked) - {"p"}
        end = writing.node.journal.tail()
        if needed <= set(letters):
            if asked != "u":  # its body breaks a rule, which is told behind the gate
                deed()
        else:
            with pytest.raises(InteractionNotAllowed):
                deed()
            assert writing.node.journal.tail() == end, asked


def test_a_version_stays_within_what_a_grant_is_narrowed_to(writing: Writing) -> None:
    access = granted(writing, "cruds", ("category", "vital-signs"))
    do, lab = writing.interactions, an_observation("Patient/p1", **LAB)
    vital = an_observation("Patient/p1", **VITAL)
    assert do.create(access, "Observation", encoded(vital)).resource.version == 1
    refused = (
        lambda: do.create(access, "Observation", encoded(lab)),
        lambda: do.update(access, "Observation", "vital", encoded({**lab, "id": "vital"})),
    )
    for deed in refused:
        with pytest.raises(InteractionNotAllowed):
            deed()
    # What is beyond it is not there, and its id another's.
    with pytest.raises(IdNotYours):
        do.update(access, "Observation", "lab", encoded({**vital, "id": "lab"}))
    with pytest.raises(ResourceNotFound):
        do.patch(access, "Observation", "lab", PATCH)
    assert do.delete(access, "Observation", "lab") is None
    # One grant may change what another does not let it see.
    write = replace(granted(writing, "u"), grants=(
        Grant(None, frozenset("r")), Grant(frozenset({"Observation"}), frozenset("u"),
                                           (("category", "vital-signs"),))))  # fmt: skip
    with pytest.raises(InteractionNotAllowed):
        do.update(write, "Observation", "lab", encoded({**vital, "id": "lab"}))


def test_nothing_is_written_about_others_than_those_one_may_see(writing: Writing) -> None:
    own = replace(writing.access, persons=frozenset({person_key(KEY, "Patient/p1")}))
    do = writing.interactions
    assert do.create(own, "Observation", encoded(an_observation("Patient/p1")))
    for made in (an_observation("Patient/p2"), a_patient("3")):
        with pytest.raises(InteractionNotAllowed):
            do.create(own, made["resourceType"], encoded(made))
    with pytest.raises(IdNotYours):
        do.update(
            own, "Observation", "other", encoded({**an_observation("Patient/p1"), "id": "other"})
        )
    moved = {**an_observation("Patient/p2", **VITAL), "id": "vital"}
    with pytest.raises(InteractionNotAllowed):
        do.update(own, "Observation", "vital", encoded(moved))
    assert do.delete(own, "Observation", "other") is None


def test_whom_one_has_nothing_to_do_with_is_not_there_to_be_changed(writing: Writing) -> None:
    doctor = replace(writing.access, related=Related(("Practitioner/d",)))
    writing.node.put({
        "resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "participant": [{"individual": {"reference": "Practitioner/d"}}],
    })  # fmt: skip
    assert writing.interactions.patch(doctor, "Observation", "vital", PATCH)
    with pytest.raises(ResourceNotFound):
        writing.interactions.patch(doctor, "Observation", "other", PATCH)
    # An id that was deleted stays what it was.
    writing.interactions.delete(writing.access, "Observation", "other")
    body = encoded({**an_observation("Patient/p1"), "id": "other"})
    with pytest.raises(IdNotYours):
        writing.interactions.update(doctor, "Observation", "other", body)


def test_a_transaction_is_refused_whole_and_a_batch_in_part(writing: Writing) -> None:
    access = granted(writing, "cs")
    entries = [
        entry("POST", "Observation", an_observation("Patient/p1")),
        entry("POST", "Patient", a_patient("9")),
    ]
    end = writing.node.journal.tail()
    limited = replace(writing, access=access)
    with pytest.raises(InteractionNotAllowed) as raised:
        limited.bundle("transaction", *entries)
    assert raised.value.location == "Bundle.entry[1]"
    assert writing.node.journal.tail() == end
    first, second = limited.bundle("batch", *entries).entries
    assert first.problem is None and len(first.written) == 1
    assert isinstance(second.problem, InteractionNotAllowed)
    assert writing.ids("Patient", ("identifier", "9")) == []
    conditional = an_observation("Patient?identifier=1")
    with pytest.raises(InteractionNotAllowed):
        limited.bundle("transaction", entry("POST", "Observation", conditional))


def test_a_state_secret_is_no_answer_to_a_write(writing: Writing) -> None:
    plain = replace(writing.access, sees_secret=False)
    do, own = writing.interactions, {**an_observation("Patient/p1"), "id": "hidden"}
    with pytest.raises(IdNotYours):
        do.update(plain, "Observation", "hidden", encoded(own))
    with pytest.raises(ResourceNotFound):
        do.patch(plain, "Observation", "hidden", PATCH)
    assert do.delete(plain, "Observation", "hidden") is None
    assert do.delete_where(plain, "Observation", "_id=hidden") == []
    do.delete(writing.access, "Observation", "hidden")
    with pytest.raises(IdNotYours):
        do.update(plain, "Observation", "hidden", encoded(own))
    with pytest.raises(ResourceNotFound):
        writing.node.records.read(plain, "Observation", "hidden")
    assert do.update(writing.access, "Observation", "hidden", encoded(own)).resource.version == 3


def test_a_label_that_one_does_not_see_closes_a_write(writing: Writing) -> None:
    writing.node.put({**an_observation("Patient/p1", **HIV), "id": "hiv"})
    do = writing.interactions
    blind = replace(writing.access, sees_restricted=False, labels=Labels.TB)
    with pytest.raises(ResourceRestricted):
        do.patch(blind, "Observation", "hiv", PATCH)
    with pytest.raises(ConditionClosed):
        do.patch_where(blind, "Observation", "_id=hiv", PATCH)
    assert do.patch(replace(blind, labels=Labels.HIV), "Observation", "hiv", PATCH)


def test_what_would_outlive_a_bounded_access_is_refused_where_nothing_keeps_its_bounds(
    writing: Writing,
) -> None:
    asked = {
        "resourceType": "Subscription", "status": "requested", "reason": "thử",
        "criteria": "Observation?", "channel": {"type": "websocket"},
    }  # fmt: skip
    bounded = replace(writing.access, grants=(Grant(None, frozenset("cruds")),))
    with pytest.raises(InteractionNotAllowed):
        writing.interactions.create(bounded, "Subscription", encoded(asked))
    assert writing.interactions.create(writing.access, "Subscription", encoded(asked))
