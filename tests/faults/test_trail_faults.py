"""Where no entry can be written no answer leaves, and what left has its entry."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.support.asgi import ask
from tests.support.records import open_node
from tests.support.trail import ALL, access_of
from tests.support.web_services import fake_services
from trucyte.base.clock import FixedClock, SystemClock
from trucyte.database.connect import Database, DatabaseAway, DatabaseFull
from trucyte.fhir.definitions import Definitions
from trucyte.journal.keyring import Keyring
from trucyte.journal.writer import OutcomeUnknown
from trucyte.shared.access.local import local_access
from trucyte.shared.audit import Trail
from trucyte.shared.audit.reading import Wanted
from trucyte.web.app import make_app

ROOT = Path(__file__).parents[2]
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def trail(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Trail]:
    keyring = Keyring.open(tmp_path / "keys")
    trail = Trail(database, keyring, clock, retry_seconds=0.2)
    yield trail
    trail.close()


@pytest.fixture
def lost(tmp_path: Path, clock: FixedClock) -> Iterator[Trail]:
    """A trail whose database is away."""
    database = Database(NOWHERE, wait_seconds=0.2)
    trail = Trail(database, Keyring.open(tmp_path / "keys"), clock, retry_seconds=0.2)
    yield trail
    trail.close()
    database.close()


def test_killed_processes_have_answered_nothing_without_an_entry(
    database: Database, tmp_path: Path
) -> None:
    Keyring.open(tmp_path / "keys")
    command = [sys.executable, "-m", "tests.support.trail_worker", database.url, str(tmp_path), "4"]
    environment = os.environ | {"PYTHONPATH": "src"}
    answered: list[str] = []
    with ExitStack() as ending:
        workers = [
            ending.enter_context(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(2)
        ]
        outputs = [worker.stdout for worker in workers if worker.stdout is not None]
        answered += [output.readline().strip() for output in outputs for _ in range(150)]
        for worker in workers:
            worker.kill()
        for output in outputs:
            answered += output.read().split()
    trail = Trail(database, Keyring.open(tmp_path / "keys"), SystemClock())
    entered, before = set(), None
    while True:
        page = trail.find(ALL, Wanted(count=1000, before=before))
        entered |= {entry.deed.request for entry in page.entries}
        before = page.next
        if before is None:
            break
    assert len(answered) >= 300
    assert set(answered) <= entered
    assert trail.verify().is_sound
    trail.close()


def test_with_the_database_away_nothing_is_shown(lost: Trail) -> None:
    with pytest.raises(DatabaseAway):
        lost.shown(access_of("bs"), [7], "read Patient")
    sent = []
    with (
        pytest.raises(DatabaseAway),
        lost.stream(access_of("bs"), "export", door="fhir") as stream,
    ):
        sent.append(stream)
    assert sent == []


def test_the_gate_gives_nothing_out_where_the_trail_is_away(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions, lost: Trail
) -> None:
    with open_node(database, tmp_path, clock, definitions) as node:
        node.put({"resourceType": "Patient", "id": "p1"})
        access = local_access("fhir", lost)
        with pytest.raises(DatabaseAway):
            node.records.read(access, "Patient", "p1")
        with pytest.raises(DatabaseAway):
            node.records.search(access, "Patient", [("_summary", "count")])


def test_a_page_whose_entry_cannot_be_written_does_not_leave(lost: Trail) -> None:
    app = make_app(replace(fake_services(), trail=lost))
    reply = ask(app, "GET", "/people/p1")
    assert reply.status == 503
    assert "Nguyễn" not in reply.body.decode()
    # What shows nobody's data needs no entry.
    assert ask(app, "GET", "/help").status == 200


@pytest.mark.parametrize(
    ("problem", "status"), [(DatabaseFull, 507), (DatabaseAway, 503), (OutcomeUnknown, 503)]
)
def test_a_full_disk_and_an_unknown_outcome_hold_the_page_back(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, problem: type, status: int
) -> None:
    def fails(units):
        return [problem() for _ in units]

    monkeypatch.setattr(trail.journal._group, "_perform", fails)
    reply = ask(make_app(replace(fake_services(), trail=trail)), "GET", "/people/p1")
    assert (reply.status, "Nguyễn" in reply.body.decode()) == (status, False)


def test_a_cut_connection_is_made_again_and_the_entry_is_there_once(trail: Trail) -> None:
    trail.shown(access_of("a"), [7], "read Patient")
    session = trail.journal._writer._session
    assert session is not None
    with psycopg.connect(trail.journal.database.url, autocommit=True) as admin:
        pid = session.connection.info.backend_pid
        admin.execute("select pg_terminate_backend(%s)", (pid,))
    trail.shown(access_of("b"), [7], "read Patient")
    assert [e.deed.caller for e in trail.of_person(ALL, 7).entries] == ["b", "a"]
    assert trail.verify().is_sound
