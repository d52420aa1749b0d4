"""Bulk jobs whose processes are killed, and disks that fill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.bulk_process import ASKER, access, export_tools
from tests.support.intake import Node
from tests.support.records import change_of
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.job_folders import JobFolder
from trucyte.exchange.bulk.folder import ExportFolder
from trucyte.intake.bulk.run import State
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
LINES = 6000
MANY = 24_000


@pytest.fixture
def definitions_file(r4_cache: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "r4.definitions"
    path.write_bytes(r4_cache)
    return path


def observation(id: str, value: int) -> dict:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "số đo"},
        "valueInteger": value,
    }


def start(what: str, database: Database, folder: Path, definitions: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.support.bulk_process", what, database.url,
               str(folder), str(definitions), "2"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def kill_when(process: subprocess.Popen, is_so: object) -> None:
    """Kill the whole family of a process once something is so."""
    limit = time.monotonic() + 60
    while not is_so():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < limit
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def finish(process: subprocess.Popen) -> None:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert out.endswith("done\n")


def test_an_import_killed_again_and_again_writes_each_line_once(
    database: Database, tmp_path: Path, definitions_file: Path
) -> None:
    (tmp_path / "in").mkdir()
    lines = [json.dumps(observation(f"o{n}", n)) for n in range(MANY)]
    broken = {1: "{", 13_500: '{"resourceType":"Observation", broken}', MANY - 1: "nothing"}
    for number, text in broken.items():
        lines[number] = text
    (tmp_path / "in" / "o.ndjson").write_text("\n".join(line + " " * 400 for line in lines))
    node = Node(database, tmp_path, definitions_file)
    state = tmp_path / "state" / "state.json"
    points = [
        state.exists,  # before anything is written
        lambda: node.journal.tail() > 0,  # while what was first is being noted
        lambda: node.journal.tail() > MANY // 4,
        (tmp_path / "state" / "errors.ndjson").exists,
        lambda: node.journal.tail() > MANY // 2,
        lambda: node.journal.tail() > MANY * 3 // 4,
    ]
    for point in points:
        kill_when(start("import", database, tmp_path, definitions_file), point)
    assert node.journal.tail() < MANY - len(broken), "it was killed before its end"
    finish(start("import", database, tmp_path, definitions_file))
    versions = Counter(line.entry.id for line in node.lines("Observation"))
    assert versions == {f"o{n}": 1 for n in range(MANY) if n not in broken}
    (file,) = JobFolder(tmp_path / "state").read("state.json", State).files
    assert (file.written + file.unchanged, file.failed) == (MANY - len(broken), len(broken))
    errors = (tmp_path / "state" / "errors.ndjson").read_text().splitlines()
    told = [json.loads(line)["extension"][1]["valueInteger"] for line in errors]
    assert told == [number + 1 for number in broken]
    node.close()


def test_a_killed_import_takes_back_nothing_that_came_later(
    database: Database, tmp_path: Path, definitions_file: Path
) -> None:
    (tmp_path / "in").mkdir()
    lines = [json.dumps(observation(f"o{n}", n)) for n in range(LINES)]
    # What comes again later in the file must not be written by the line before it a second time.
    lines += [json.dumps(observation(f"o{n}", -n)) for n in range(1, LINES, 3)]
    lines[7] = lines[4100] = '{"resourceType":"Observation", broken}'
    (tmp_path / "in" / "o.ndjson").write_text("\n".join(line + " " * 900 for line in lines))
    node = Node(database, tmp_path, definitions_file)
    process = start("import", database, tmp_path, definitions_file)
    kill_when(process, lambda: node.journal.tail() > 1000)
    time.sleep(0.3)  # what was sent to the database may still be committed
    # Somebody else writes meanwhile: the import must not take it back.
    done = node.lines("Observation")[0].entry.id
    node.journal.commit([change_of(observation(done, 10_000_000))])
    finish(start("import", database, tmp_path, definitions_file))
    versions = Counter(line.entry.id for line in node.lines("Observation"))
    expected = Counter(json.loads(line)["id"] for line in lines if "broken" not in line)
    expected[done] += 1
    last = node.current("Observation")
    assert versions == expected or all(
        # Lines of one resource in slices side by side: the later one may come first.
        expected[id] - 1 <= count <= expected[id]
        for id, count in versions.items()
    )
    wanted = {f"o{n}": -n if n % 3 == 1 else n for n in range(LINES)} | {done: None}
    got = {id: resource["valueInteger"] for id, resource in last.items()}
    assert {k: v for k, v in got.items() if k != done} == {
        k: v for k, v in wanted.items() if k != done and k in got
    }
    state = JobFolder(tmp_path / "state").read("state.json", State)
    errors = (tmp_path / "state" / "errors.ndjson").read_text().splitlines()
    assert len(errors) == state.files[0].failed == 2
    node.close()


def test_a_killed_export_goes_on_where_it_was(
    database: Database, tmp_path: Path, definitions_file: Path
) -> None:
    node = Node(database, tmp_path, definitions_file)
    indexed = export_tools(database.url, tmp_path, definitions_file)
    keyring = Keyring.open(tmp_path / "keys")
    journal = Journal(database, keyring, SystemClock(), [indexed.walker._index])
    for at in range(0, 130_000, 10_000):
        journal.commit([change_of(observation(f"o{n}", n)) for n in range(at, at + 10_000)])
    out = tmp_path / "out"
    process = start("export", database, tmp_path, definitions_file)
    kill_when(process, lambda: any(out.glob("part-*.json")))
    folder = ExportFolder(JobFolder(out))
    before, plan = folder.parts(), folder.plan()
    written = {f.name: (out / f.name).stat().st_mtime_ns for p in before.values() for f in p.files}
    journal.commit([change_of(observation("late", 1)), change_of(observation("o5", -5))])
    finish(start("export", database, tmp_path, definitions_file))
    assert folder.plan() == plan
    found = folder.finished()
    values = {}
    for file in found.files:
        for line in (out / file.name).read_text().splitlines():
            resource = json.loads(line)
            assert resource["id"] not in values
            values[resource["id"]] = resource["valueInteger"]
    assert values == {f"o{n}": n for n in range(130_000)}
    assert all((out / name).stat().st_mtime_ns == at for name, at in written.items())
    assert access(ASKER).sees_restricted is False
    indexed.close()
    journal.close()
    node.close()
