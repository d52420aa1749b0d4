"""A served node answers by a code list soon after it was accepted, by whichever process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.terminology import TREE, code_system
from trucyte.database.connect import Database
from trucyte.node.cli import main
from trucyte.node.language import DEFINITIONS

pytestmark = pytest.mark.skipif(not DEFINITIONS.exists(), reason="the definitions are not built")


@pytest.fixture
def node(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "data"))
    return tmp_path


@contextmanager
def served() -> Iterator[None]:
    command = [sys.executable, "-m", "trucyte.node.cli", "serve", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) in (0, 143)


def ingest(folder: Path, *codes: str) -> None:
    resource = code_system([concept for concept in TREE if concept["code"] in codes])
    path = folder / f"{'-'.join(codes)}.json"
    path.write_text(json.dumps(resource))
    assert main(["ingest", str(path), "--json"], standalone_mode=False) == 0


def laid_out(database: Database, code: str) -> bool:
    """Look at the tables themselves: a command that asks would lay out by itself."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with database.connection() as connection:
            if connection.execute(
                "select 1 from terminology.concept where code = %s", (code,)
            ).fetchone():
                return True
        time.sleep(0.05)
    return False


@pytest.mark.long
def test_a_code_list_that_another_process_took_in_is_laid_out_and_again_after_a_restart(
    node: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with served():
        ingest(node, "A")
        assert laid_out(database, "A2.1")
    ingest(node, "A", "B")
    with served():
        assert laid_out(database, "B1")
    capsys.readouterr()
    assert main(["rebuild", "--compare", "--json"], standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out) == {"verdict": "same"}
    with database.connection() as connection:
        connection.execute("update terminology.concept set display = 'x' where code = 'B1'")
    assert main(["rebuild", "--compare", "--json"], standalone_mode=False) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["table"], told["kind"]) == ("terminology.concept", "changed")
