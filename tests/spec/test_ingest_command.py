"""`trucyte ingest` and `trucyte quarantine`: what scripts rely on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.claims_files import envelope, visit
from tests.conftest import ROOT
from trucyte.database.connect import Database
from trucyte.intake.progress import Progress
from trucyte.node.cli import main
from trucyte.node.ingest import bar
from trucyte.node.language import DEFINITIONS

pytestmark = pytest.mark.skipif(not DEFINITIONS.exists(), reason="the definitions are not built")

SUITES = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites"))
SAMPLES = Path(__file__).parents[2] / "examples" / "claims"


@pytest.fixture
def node(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a node of its own; the folder is for the test's files."""
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trucyte(*arguments: object) -> int:
    return main([str(argument) for argument in arguments], standalone_mode=False)


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_samples_are_taken_without_an_error_and_again_write_nothing(
    node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(SAMPLES.glob("*.xml"))
    assert trucyte("ingest", *files, "--json") == 0
    (first,) = told(capsys)
    assert list(first) == [
        "files", "visits", "resources", "findings", "quarantined",
        "seconds", "resources_per_second",
    ]  # fmt: skip
    assert (first["files"], first["visits"], first["quarantined"]) == (2, 2, {})
    assert first["resources"]
    findings = first["findings"]
    assert isinstance(findings, dict)
    assert all(rule.startswith("DM-") for rule in findings), "only lists that are not loaded"
    assert trucyte("ingest", *files, "--json") == 0
    (again,) = told(capsys)
    assert (again["resources"], again["findings"]) == (0, findings)


def test_something_in_quarantine_is_exit_code_1_and_findings_are_not(
    node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (node / "good.xml").write_bytes(envelope([visit(1)]))
    (node / "bad.xml").write_bytes(envelope(["<HOSO/>"]))
    assert trucyte("ingest", node / "good.xml") == 0
    assert trucyte("ingest", node / "bad.xml") == 1
    assert "hoso-empty" in capsys.readouterr().out
    assert trucyte("ingest", node / "nothing.xml") == 2


def test_quarantine_lists_shows_and_tries_again(
    node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (node / "bad.xml").write_bytes(envelope([visit(1), "<HOSO/>"]))
    trucyte("ingest", node / "bad.xml", "--json")
    capsys.readouterr()
    assert trucyte("quarantine", "list", "--json") == 0
    (entry,) = told(capsys)
    assert (entry["ordinal"], entry["reason"]) == (2, "hoso-empty")
    number = entry["number"]
    assert trucyte("quarantine", "show", number, "--out", node / "out.xml", "--json") == 0
    assert (node / "out.xml").read_bytes() == b"<HOSO/>"
    capsys.readouterr()
    assert trucyte("quarantine", "retry", number, "--json") == 1
    assert told(capsys) == [{"number": number, "accepted": False}]
    assert trucyte("quarantine", "retry") == 2
    assert trucyte("quarantine", "show", 999) == 1


def test_ctrl_c_ends_between_visits_and_the_same_command_goes_on(
    node: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    (node / "many.xml").write_bytes(envelope([visit(n, GHI_CHU="x" * 8000) for n in range(900)]))
    command = [sys.executable, "-m", "trucyte.node.cli", "ingest", str(node / "many.xml"), "--json"]
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while lines(database) < 100 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    stopped = json.loads(out)
    assert stopped["resources"] == lines(database)
    assert 0 < stopped["visits"] < 900
    trucyte("ingest", node / "many.xml", "--json")
    (rest,) = told(capsys)
    assert rest["visits"] == 900
    assert stopped["resources"] + rest["resources"] == lines(database)


def lines(database: Database) -> int:
    with database.connection() as connection:
        row = connection.execute("select last_seq from journal.tail").fetchone()
    return int(row[0]) if row else 0


def test_the_bar_says_how_far_and_how_fast() -> None:
    progress = Progress(1, 2, visits=50, resources=1000, quarantined=0, bytes=500, seconds=0.5)
    assert bar(progress, 1000, 2, "en") == (
        "[████████████············] 1/2  50 visits (100/s)  1,000 resources (2,000/s)"
    )
