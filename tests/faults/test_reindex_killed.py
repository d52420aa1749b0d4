"""A walk that is killed goes on where it was, and nothing is lost or there twice."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.records import open_node
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records.parameters.walk import Walk
from trucyte.records.parameters.worker import Reindexer

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
TOWN = {
    "resourceType": "SearchParameter",
    "id": "town",
    "url": "https://example.org/fhir/SearchParameter/town",
    "status": "active",
    "code": "town",
    "base": ["Patient"],
    "type": "string",
    "expression": "Patient.address.city",
}
PEOPLE = 400


def walked(database: Database) -> tuple[int, int]:
    with database.connection() as connection:
        row = connection.execute("select walked, done from records.parameter").fetchone()
    assert row is not None
    return row


def test_a_killed_walk_goes_on_where_it_was(
    database: Database, tmp_path: Path, r4_cache: bytes, definitions: Definitions
) -> None:
    cache = tmp_path / "definitions"
    cache.write_bytes(r4_cache)
    with open_node(database, tmp_path, SystemClock(), definitions) as node:
        people = [
            {"resourceType": "Patient", "id": f"p{n}", "address": [{"city": "Huế"}]}
            for n in range(PEOPLE)
        ]
        node.put(*people)
        node.put(TOWN)
        command = [sys.executable, "-m", "tests.support.reindex_worker"]
        with subprocess.Popen(
            [*command, database.url, str(tmp_path), str(cache)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) >= 50:
                    break
            process.send_signal(signal.SIGKILL)
        seq, done = walked(database)
        assert 0 < seq < PEOPLE
        assert 50 <= done < PEOPLE
        reports: list[int] = []
        walk = Walk(database, node.journal, node.index, SystemClock())

        def report(done: int, total: int) -> bool:
            reports.append(done)
            return True

        assert walk.run(report)
        assert reports[0] == done
        assert walked(database) == (PEOPLE + 1, PEOPLE)
        assert node.total("Patient", ("town", "hue")) == PEOPLE
        assert node.journal.compare() is None


def test_a_broken_off_walk_is_asked_for_when_the_node_starts(
    database: Database, tmp_path: Path, definitions: Definitions
) -> None:
    with open_node(database, tmp_path, SystemClock(), definitions) as node:
        node.put({"resourceType": "Patient", "id": "a", "address": [{"city": "Huế"}]})
        node.put(TOWN)
        with database.connection() as connection:
            connection.execute(
                "update jobs.job set state = 'running', worker = 'dead',"
                " lease_until = now() + interval '1 hour'"
            )
        walk = Walk(database, node.journal, node.index, SystemClock())
        worker = Reindexer(database, walk, SystemClock())
        assert not worker.work()
        worker.go_on()
        assert worker.work()
        assert node.search("Patient", ("town", "hue")) == ["a"]
