"""What a write of one resource through the API does (R4 3.1.0)."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.interactions import (
    MRN,
    Writing,
    a_patient,
    an_observation,
    encoded,
    interactions_over,
    open_writing,
)
from tests.support.records import RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.patch import read_json_patch
from trucyte.fhir.unprocessable import Unprocessable
from trucyte.intake.interactions import Done
from trucyte.intake.interactions import problems as why
from trucyte.intake.interactions.settings import WriteSettings
from trucyte.records.shown import ResourceGone, ResourceNotFound, ResourceRestricted

ONE = f"identifier={MRN}|1"


@pytest.fixture
def writing(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Writing]:
    with open_writing(database, tmp_path, clock, definitions) as opened:
        yield opened


def test_a_create_gets_an_id_of_the_node_and_keeps_its_bytes(writing: Writing) -> None:
    body = b'{"resourceType":"Patient","id":"mine","birthDate":"1990","multipleBirthInteger":2}'
    made = writing.interactions.create(writing.access, "Patient", body)
    assert made.done is Done.CREATED
    assert made.resource.id != "mine"
    assert len(made.resource.id) == 26
    assert made.resource.version == 1
    shown = writing.node.records.read(writing.access, "Patient", made.resource.id)
    assert shown.body == made.resource.body
    assert body.replace(b'"mine"', b"").split(b',"birth')[1] in shown.body


def test_ids_of_creates_differ_and_come_in_order_of_time(
    writing: Writing, clock: FixedClock
) -> None:
    first = writing.create(a_patient()).resource.id
    clock.advance(timedelta(milliseconds=1))
    second = writing.create(a_patient()).resource.id
    assert first < second


def test_an_update_creates_where_nothing_is_and_then_adds_versions(writing: Writing) -> None:
    first = writing.update(a_patient(id="a"))
    second = writing.update(a_patient(id="a", gender="male"))
    assert [(w.done, w.resource.version) for w in (first, second)] == [
        (Done.CREATED, 1), (Done.UPDATED, 2),
    ]  # fmt: skip


def test_the_same_bytes_again_write_nothing(writing: Writing) -> None:
    first = writing.update(a_patient(id="a"))
    tail = writing.node.journal.tail()
    again = writing.update(a_patient(id="a"))
    assert again.done is Done.UNCHANGED
    assert again.resource == first.resource
    assert writing.node.journal.tail() == tail


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"resourceType": "Patient", "id": "b"}, why.IdMismatch),
        ({"resourceType": "Patient"}, why.IdMismatch),
        ({"resourceType": "Group", "id": "a"}, why.TypeMismatch),
    ],
)
def test_a_body_that_is_not_what_the_url_says_is_refused(
    writing: Writing, body: dict, problem: type[Problem]
) -> None:
    with pytest.raises(problem):
        writing.interactions.update(writing.access, "Patient", "a", encoded(body))
    assert writing.node.journal.tail() == 0


def test_an_id_that_fhir_does_not_allow_is_refused(writing: Writing) -> None:
    with pytest.raises(why.IdRefused):
        writing.interactions.update(writing.access, "Patient", "a b", encoded(a_patient(id="a b")))


def test_every_fault_of_a_resource_is_told(writing: Writing) -> None:
    with pytest.raises(why.ResourceInvalid) as caught:
        writing.create({"resourceType": "Observation", "colour": "red", "status": "maybe"})
    assert isinstance(caught.value, Unprocessable)
    assert {issue.location for issue in caught.value.issues} >= {
        "Observation.code", "Observation.colour", "Observation.status",
    }  # fmt: skip
    assert writing.node.journal.tail() == 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"resourceType":"Patient"', b'{"a":1,"a":2}', b'"\\ud800"', b"\xff"]
)
def test_what_is_no_json_is_refused_as_such(writing: Writing, body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        writing.interactions.create(writing.access, "Patient", body)
    assert caught.value.kind is Kind.BAD_INPUT
    assert not isinstance(caught.value, Unprocessable)


def test_if_match_holds_a_write_to_the_version_that_was_read(writing: Writing) -> None:
    writing.update(a_patient(id="a"))
    writing.update(a_patient(id="a", gender="male"), if_match=1)
    with pytest.raises(why.ConditionUnmet) as caught:
        writing.update(a_patient(id="a", gender="female"), if_match=1)
    assert caught.value.kind is Kind.PRECONDITION
    with pytest.raises(why.ConditionUnmet):
        writing.interactions.delete(writing.access, "Patient", "a", if_match=1)
    with pytest.raises(why.ConditionUnmet):
        writing.update(a_patient(id="b"), if_match=1)
    assert writing.read("Patient", "a")["gender"] == "male"


def test_if_none_match_any_only_creates(writing: Writing) -> None:
    writing.update(a_patient(id="a"), if_none_match_any=True)
    with pytest.raises(why.AlreadyThere):
        writing.update(a_patient(id="a", gender="male"), if_none_match_any=True)


def test_a_deleted_resource_is_gone_and_comes_back_with_the_next_version(
    writing: Writing,
) -> None:
    writing.update(a_patient(id="a"))
    gone = writing.interactions.delete(writing.access, "Patient", "a")
    assert gone is not None
    assert (gone.done, gone.resource.version, gone.resource.body) == (Done.DELETED, 2, b"")
    with pytest.raises(ResourceGone):
        writing.read("Patient", "a")
    back = writing.update(a_patient(id="a"))
    assert (back.done, back.resource.version) == (Done.CREATED, 3)


def test_to_delete_what_is_not_there_is_no_error_and_writes_nothing(writing: Writing) -> None:
    writing.update(a_patient(id="a"))
    writing.interactions.delete(writing.access, "Patient", "a")
    assert writing.interactions.delete(writing.access, "Patient", "a") is None
    assert writing.interactions.delete(writing.access, "Patient", "never") is None
    assert writing.node.journal.tail() == 2


# Conditions


def test_a_conditional_create_gives_back_what_meets_its_condition(writing: Writing) -> None:
    first = writing.create(a_patient(), ONE)
    again = writing.create(a_patient(gender="male"), ONE)
    assert (first.done, again.done) == (Done.CREATED, Done.FOUND)
    assert again.resource == first.resource
    writing.create(a_patient())
    with pytest.raises(why.NotSelective):
        writing.create(a_patient(), ONE)


def test_a_conditional_update_creates_updates_or_refuses(writing: Writing) -> None:
    def put(resource: dict, query: str = ONE):
        return writing.interactions.update_where(
            writing.access, "Patient", query, encoded(resource)
        )

    first = put(a_patient(id="chosen"))
    assert (first.done, first.resource.id) == (Done.CREATED, "chosen")
    second = put(a_patient(gender="male"))
    assert (second.done, second.resource.id, second.resource.version) == (
        Done.UPDATED, "chosen", 2,
    )  # fmt: skip
    with pytest.raises(why.IdOfAnother):
        put(a_patient(id="another"))
    with pytest.raises(why.IdTaken):
        put(a_patient("2", id="chosen"), f"identifier={MRN}|2")
    writing.create(a_patient())
    with pytest.raises(why.NotSelective):
        put(a_patient())


def test_a_conditional_patch_needs_exactly_one(writing: Writing) -> None:
    patch = read_json_patch(b'[{"op":"add","path":"/gender","value":"male"}]')

    def patched():
        return writing.interactions.patch_where(writing.access, "Patient", ONE, patch)

    with pytest.raises(why.NothingMeets):
        patched()
    writing.create(a_patient())
    assert patched().done is Done.UPDATED
    writing.create(a_patient())
    with pytest.raises(why.NotSelective):
        patched()


def test_a_conditional_delete_ends_one_or_where_asked_all(writing: Writing) -> None:
    def delete(**more: bool):
        return writing.interactions.delete_where(writing.access, "Patient", ONE, **more)

    assert delete() == []
    writing.create(a_patient())
    assert [w.done for w in delete()] == [Done.DELETED]
    for _ in range(3):
        writing.create(a_patient())
    writing.create(a_patient("2"))
    with pytest.raises(why.NotSelective):
        delete()
    assert len(delete(several=True)) == 3
    assert len(writing.ids("Patient")) == 1


@pytest.mark.parametrize("query", ["", "?", "_format=json", "_count=1"])
def test_a_condition_that_everything_meets_is_refused(writing: Writing, query: str) -> None:
    writing.create(a_patient())
    with pytest.raises(why.ConditionEmpty):
        writing.interactions.delete_where(writing.access, "Patient", query, several=True)
    assert len(writing.ids("Patient")) == 1


def test_more_than_a_delete_may_end_is_refused_as_a_whole(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    settings = WriteSettings(deletes=2)
    with open_writing(database, tmp_path, clock, definitions, settings) as writing:
        for _ in range(3):
            writing.create(a_patient())
        with pytest.raises(why.TooManyDeleted):
            writing.interactions.delete_where(writing.access, "Patient", ONE, several=True)
        assert len(writing.ids("Patient")) == 3


# What the caller may not see


def test_a_restricted_resource_counts_for_uniqueness_and_is_not_given_away(
    writing: Writing,
) -> None:
    hidden = writing.create(a_patient(meta=RESTRICTED)).resource
    clerk = writing.node.plain
    with pytest.raises(why.ConditionClosed) as caught:
        writing.create(a_patient(), ONE, access=clerk)
    assert hidden.id not in str(caught.value) + str(caught.value.facts)
    with pytest.raises(why.ConditionClosed):
        writing.interactions.delete_where(clerk, "Patient", ONE)
    with pytest.raises(ResourceRestricted):
        writing.interactions.delete(clerk, "Patient", hidden.id)
    with pytest.raises(ResourceRestricted):
        writing.interactions.update(clerk, "Patient", hidden.id, encoded(a_patient(id=hidden.id)))
    assert writing.ids("Patient") == [hidden.id]


def test_each_write_leaves_one_trail_entry_of_the_persons_it_touched(writing: Writing) -> None:
    writing.node.trail.shown_to.clear()
    made = writing.create(a_patient()).resource
    assert writing.node.trail.shown_to == [("doctor", (made.person,), "create Patient")]


# Patch


def test_a_patch_makes_a_version_and_keeps_the_digits(writing: Writing) -> None:
    body = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":72.50}}'
    )
    writing.interactions.update(writing.access, "Observation", "o", body)
    patch = read_json_patch(b'[{"op":"replace","path":"/status","value":"amended"}]')
    made = writing.interactions.patch(writing.access, "Observation", "o", patch, if_match=1)
    assert (made.done, made.resource.version) == (Done.UPDATED, 2)
    assert b"72.50" in made.resource.body
    assert writing.interactions.patch(writing.access, "Observation", "o", patch).done is (
        Done.UNCHANGED
    )


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ('[{"op":"remove","path":"/code"}]', why.ResourceInvalid),
        ('[{"op":"replace","path":"/id","value":"b"}]', why.IdMismatch),
        ('[{"op":"add","path":"/meta","value":[]}]', why.TypeMismatch),
        ('[{"op":"add","path":"/meta","value":{"versionId":"9"}}]', None),
    ],
)
def test_what_a_patch_leaves_must_hold_to_fhir(
    writing: Writing, patch: str, problem: type[Problem] | None
) -> None:
    writing.update(an_observation("Patient/p", id="o"))
    read = read_json_patch(patch.encode())
    if problem is None:
        made = writing.interactions.patch(writing.access, "Observation", "o", read)
        assert json.loads(made.resource.body)["meta"]["versionId"] == "2"
        return
    with pytest.raises(problem):
        writing.interactions.patch(writing.access, "Observation", "o", read)
    assert writing.node.journal.tail() == 1


def test_what_is_not_there_cannot_be_patched(writing: Writing) -> None:
    patch = read_json_patch(b"[]")
    with pytest.raises(ResourceNotFound):
        writing.interactions.patch(writing.access, "Patient", "a", patch)
    writing.update(a_patient(id="a"))
    writing.interactions.delete(writing.access, "Patient", "a")
    with pytest.raises(ResourceGone):
        writing.interactions.patch(writing.access, "Patient", "a", patch)


# What the operator may choose


def test_a_reference_to_nothing_is_taken_unless_the_operator_refuses_it(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_writing(database, tmp_path, clock, definitions) as writing:
        writing.update(an_observation("Patient/nobody", id="o"))
        refusing = interactions_over(
            writing.node, definitions, clock, WriteSettings(refuses_missing_references=True)
        )
        body = encoded(an_observation("Patient/nobody"))
        with pytest.raises(why.ReferenceMissing):
            refusing.create(writing.access, "Observation", body)
        writing.update(a_patient(id="nobody"))
        assert refusing.create(writing.access, "Observation", body).done is Done.CREATED


def test_a_condition_may_ask_of_other_resources(writing: Writing) -> None:
    query = f"subject:Patient.identifier={MRN}|1"
    patient = writing.create(a_patient()).resource.id
    first = writing.create(an_observation(f"Patient/{patient}"), query)
    again = writing.create(an_observation(f"Patient/{patient}"), query)
    assert (first.done, again.done) == (Done.CREATED, Done.FOUND)
