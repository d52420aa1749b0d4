"""Much at once, as people run it: large data and soak, in `make test-long` only."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

VISITS = 20_000


def trucyte(data: Path, *arguments: str) -> dict:
    """Run a command of the program on a data folder; return what it says to machines."""
    environment = {**os.environ, "TRUCYTE_DATA": str(data)}
    environment.pop("TRUCYTE_DATABASE_URL", None)
    command = [sys.executable, "-m", "trucyte.node.cli", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
def test_twenty_thousand_visits_are_taken_in_once_sound_and_rebuilt_alike(
    open_folder: Path,
) -> None:
    data, claims = open_folder / "large-var", open_folder / "large-claims"
    made = trucyte(
        data, "synth", "claims", "--visits", str(VISITS), "--seed", "11", "--out", str(claims)
    )
    first = trucyte(data, "ingest", str(claims))
    assert first["files"] == made["files"]
    assert first["visits"] >= VISITS
    assert first["quarantined"] == {}
    assert trucyte(data, "ingest", str(claims))["resources"] == 0
    assert trucyte(data, "audit", "verify")["verdict"] == "sound"
    assert trucyte(data, "rebuild", "--compare")["verdict"] == "same"
