"""An import whose disk fills, its own or the database's, waits and then writes each line once."""

import errno
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.bulk import ENOUGH, BulkNode, manifest, open_bulk_node, path_of
from trucyte.base.clock import FixedClock
from trucyte.base.disk import DiskState
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.database.job_folders import JobFolder
from trucyte.fhir.definitions import Definitions
from trucyte.intake.bulk.run import ERRORS, _Run

LINES = 300
FULL = OSError(errno.ENOSPC, "No space left on device")


class NoRoom(Problem):
    """The database has no room."""

    kind = Kind.NO_SPACE
    code = "no-room"


@pytest.fixture
def bulk(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[BulkNode]:
    with open_bulk_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def begin(bulk: BulkNode, *more: bytes) -> str:
    lines = [json.dumps({"resourceType": "Patient", "id": f"p{n}"}).encode() for n in range(LINES)]
    names = []
    for number in range(3):
        part = [*lines[number::3], b'{"resourceType":"Patient", broken}']
        (bulk.files / f"{number}.ndjson").write_bytes(b"\n".join(part) + b"\n")
        names.append({"url": f"{number}.ndjson"})
    return bulk.start("/fhir/$import", manifest(*names))


def went_on(bulk: BulkNode, clock: FixedClock, status: str) -> Any:
    """Do the job when it is due again, and check that each line was written once."""
    assert bulk.ask("GET", status).status == 202, "it waits, it did not fail"
    clock.advance(timedelta(hours=1))
    bulk.work()
    reply = bulk.ask("GET", status)
    assert reply.status == 200, reply.body
    ids = Counter(line.entry.id for line in bulk.node.journal.follow(0, 10_000, ("Patient",)))
    assert ids == {f"p{n}": 1 for n in range(LINES)}
    told = reply.json
    assert sum(one["count"] + one["unchanged"] for one in told["output"]) == LINES
    assert [one["failed"] for one in told["output"]] == [1, 1, 1]
    (errors,) = told["error"]
    listed = bulk.ask("GET", path_of(errors["url"])).body.splitlines()
    assert len(listed) == errors["count"] == 3
    return told


def test_where_too_little_is_free_nothing_is_begun_until_there_is_more(
    bulk: BulkNode, clock: FixedClock
) -> None:
    status = begin(bulk)
    bulk.disk.append(DiskState(free=5, warn=100, stop=10))
    bulk.work()
    bulk.disk.append(ENOUGH)
    went_on(bulk, clock, status)


@pytest.mark.parametrize("failing", range(1, 6))
def test_a_state_that_cannot_be_written_is_an_older_one_and_nothing_is_done_twice(
    bulk: BulkNode, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    status = begin(bulk)
    whole, wrote = JobFolder.write, []

    def full(self: JobFolder, name: str, value: object) -> None:
        if name == "state.json":
            wrote.append(name)
            if len(wrote) == failing:
                raise FULL
        whole(self, name, value)

    monkeypatch.setattr(JobFolder, "write", full)
    bulk.work()
    assert len(wrote) == failing
    went_on(bulk, clock, status)


def test_errors_that_came_to_the_disk_uncounted_are_written_once(
    bulk: BulkNode, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = begin(bulk)

    def full(self: Any, errors: bytes) -> None:  # a part of the bytes may be there
        with (self._folder.path / ERRORS).open("ab") as file:
            file.write(errors[:-20])
        raise FULL

    with monkeypatch.context() as patched:
        patched.setattr(_Run, "_add_errors", full)
        bulk.work()
    went_on(bulk, clock, status)


@pytest.mark.parametrize("is_written", [False, True])
def test_a_database_without_room_makes_the_import_wait_whether_or_not_it_wrote(
    bulk: BulkNode, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    status = begin(bulk)
    journal = bulk.node.journal
    whole = journal.commit_many

    def full(*given: Any, **more: Any) -> Any:
        if is_written:
            whole(*given, **more)
        raise NoRoom

    with monkeypatch.context() as patched:
        patched.setattr(journal, "commit_many", full)
        bulk.work()
    assert (journal.tail() > 0) is is_written
    went_on(bulk, clock, status)
