"""Batches (R4 3.1.0.11): each entry for itself, one that fails leaves the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bundles import Sender, ask, coded, observation, open_sender, patient, post, put
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.intake.interactions import Done


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
    versions = sorted(entry.written[0].resource.version for entry in done.entries)
    assert versions == [1, 2, 3, 4, 5]


def test_equal_conditional_creates_of_one_batch_make_one_resource(sender: Sender) -> None:
    entries = [post(coded("1"), ifNoneExist="identifier=urn:so|1") for _ in range(6)]
    done = sender.send(*entries, type="batch")
    assert len(sender.current("Patient")) == 1
    kinds = sorted(entry.written[0].done.name for entry in done.entries)
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
