"""Batches (R4 3.1.0.11): each entry for itself, one that fails leaves the others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import (
    Sender,
    ask,
    coded,
    observation,
    open_sender,
    patch,
    patient,
    post,
    put,
)
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.intake.interactions import Done
from trucyte.intake.interactions.problems import NotSelective, ReferenceMissing


@pytest.fixture
def sender(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Sender]:
    with open_sender(database, tmp_path, clock, definitions) as opened:
        yield opened


def test_one_bad_entry_leaves_the_others(sender: Sender) -> None:
    done = sender.send(
        post(patient()),
        post(patient(gender="purple")),
        put(patient("p"), ifMatch='W/"3"'),
        {"request": {"method": "BREW", "url": "Patient"}},
        put(patient("q")),
        ask("DELETE", "Patient/nobody"),
        type="batch",
    )
    assert done.type == "batch-response"
    problems = [entry.problem for entry in done.entries]
    assert [problem is None for problem in problems] == [True, False, False, False, True, True]
    assert problems[2] is not None
    assert problems[2].kind is Kind.PRECONDITION
    assert not done.entries[5].written
    assert set(sender.current("Patient")) >= {"q"}
    assert len(sender.current("Patient")) == 2


def test_entries_on_one_resource_are_done_one_after_the_other(sender: Sender) -> None:
    entries = [put(patient("p", multipleBirthInteger=number)) for number in range(5)]
    done = sender.send(*entries, type="batch")
    versions = [entry.written[0].resource.version for entry in done.entries]
    assert versions == [1, 2, 3, 4, 5]


def test_equal_conditional_creates_of_one_batch_make_one_resource(sender: Sender) -> None:
    entries = [post(coded("1"), ifNoneExist="identifier=urn:so|1") for _ in range(6)]
    done = sender.send(*entries, type="batch")
    assert len(sender.current("Patient")) == 1
    kinds = [entry.written[0].done.name for entry in done.entries]
    assert kinds == ["CREATED"] + ["FOUND"] * 5


def test_entries_of_a_batch_do_not_know_each_other(sender: Sender) -> None:
    link = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
    sender.send(post(patient(), link), post(observation(link)), type="batch")
    (held,) = sender.current("Observation").values()
    assert held["subject"]["reference"] == link


def test_reads_are_answered_in_their_place(sender: Sender) -> None:
    sender.node.put(patient("p"))
    done = sender.send(ask("GET", "Patient/p"), put(patient("q")), type="batch")
    assert done.entries[0].answered is not None
    assert done.entries[1].written[0].done is Done.CREATED


def test_a_later_entry_sees_what_an_earlier_one_did(sender: Sender) -> None:
    sender.node.put(coded("1", "old"))
    done = sender.send(
        put(patient("p")),
        patch("Patient/p", [{"op": "add", "path": "/active", "value": True}]),
        ask("DELETE", "Patient/p"),
        ask("DELETE", "Patient?identifier=urn:so|1"),
        post(coded("1"), ifNoneExist="identifier=urn:so|1"),
        put(coded("1", gender="female"), "identifier=urn:so|1"),
        post(coded("2")),
        ask("DELETE", "Patient?identifier=urn:so|2"),
        post(coded("1"), ifNoneExist="identifier=urn:so|1"),
        type="batch",
    )
    assert [entry.written[0].done.name for entry in done.entries] == [
        "CREATED", "UPDATED", "DELETED", "DELETED", "CREATED", "UPDATED", "CREATED", "DELETED",
        "FOUND",
    ]  # fmt: skip
    (held,) = sender.current("Patient").values()
    assert held["gender"] == "female"


def test_a_condition_over_links_sees_what_an_earlier_entry_did(sender: Sender) -> None:
    done = sender.send(
        put(coded("1", "p")),
        post(observation("Patient/p"), ifNoneExist="subject:Patient.identifier=urn:so|1"),
        post(observation("Patient/p"), ifNoneExist="subject:Patient.identifier=urn:so|1"),
        type="batch",
    )
    assert [entry.written[0].done.name for entry in done.entries] == ["CREATED", "CREATED", "FOUND"]


def test_a_condition_that_an_earlier_entry_made_ambiguous_is_refused(sender: Sender) -> None:
    done = sender.send(
        post(coded("1")),
        post(coded("1")),
        ask("DELETE", "Patient?identifier=urn:so|1"),
        post(coded("3")),
        type="batch",
    )
    assert isinstance(done.entries[2].problem, NotSelective)
    assert len(sender.current("Patient")) == 3


def test_reads_see_the_writes_before_them_and_none_behind_them(sender: Sender) -> None:
    sender.node.put(patient("p"))
    done = sender.send(
        ask("GET", "Patient/p"),
        ask("DELETE", "Patient/p"),
        put(patient("p", active=True)),
        ask("GET", "Patient/p"),
        put(patient("p", active=False)),
        type="batch",
    )
    bodies = [entry.answered.body for entry in done.entries if entry.answered is not None]
    assert b"active" not in bodies[0]
    assert b'"active":true' in bodies[1].replace(b" ", b"")


def test_a_hundred_entries_on_one_resource_are_done_in_their_order(sender: Sender) -> None:
    entries = [put(patient("p", multipleBirthInteger=number)) for number in range(100)]
    done = sender.send(*entries, type="batch")
    assert [entry.written[0].resource.version for entry in done.entries] == list(range(1, 101))


def test_entries_that_do_not_touch_are_one_commit(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    whole = sender.node.journal.commit_many

    def counted(*given: Any) -> Any:
        commits.append(len(given[0]))
        return whole(*given)

    monkeypatch.setattr(sender.node.journal, "commit_many", counted)
    entries = [
        post(coded(str(number)), ifNoneExist=f"identifier=urn:so|{number}") for number in range(40)
    ]
    sender.send(*entries, type="batch")
    assert commits == [40]


def test_an_entry_may_name_what_an_earlier_one_made_where_references_must_be_here(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_sender(
        database, tmp_path, clock, definitions, refuses_missing_references=True
    ) as sender:
        done = sender.send(
            put(patient("p")),
            post(observation("Patient/p")),
            ask("DELETE", "Patient/p"),
            post(observation("Patient/p")),
            type="batch",
        )
    problems = [entry.problem for entry in done.entries]
    assert problems[:3] == [None, None, None]
    assert isinstance(problems[3], ReferenceMissing)
