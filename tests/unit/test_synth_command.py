"""`trucyte synth` says what it wrote, and writes it."""

import json
from pathlib import Path

from click.testing import CliRunner

from trucyte.node.synth import synth


def test_claims_are_written_and_counted(tmp_path: Path) -> None:
    arguments = ["claims", "--visits", "60", "--seed", "7", "--out", str(tmp_path), "--json"]
    result = CliRunner().invoke(synth, arguments)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    written = sorted(tmp_path.iterdir())
    assert said["visits"] == 60
    assert said["files"] == len(written)
    assert said["bytes"] == sum(path.stat().st_size for path in written)


def test_faults_come_with_their_truth(tmp_path: Path) -> None:
    arguments = ["claims", "--visits", "60", "--errors", "0.5", "--out", str(tmp_path), "--zip"]
    result = CliRunner().invoke(synth, arguments)
    assert result.exit_code == 0, result.output
    assert {path.suffix for path in tmp_path.iterdir()} == {".zip", ".jsonl"}
    assert "faults" in result.output


def test_resources_are_one_a_line(tmp_path: Path) -> None:
    target = tmp_path / "out.ndjson"
    arguments = ["resources", "--visits", "20", "--ndjson", str(target)]
    result = CliRunner().invoke(synth, arguments)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert sum(line["resourceType"] == "Encounter" for line in lines) == 20


def test_a_rate_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    result = CliRunner().invoke(synth, ["claims", "--errors", "2", "--out", str(tmp_path)])
    assert result.exit_code == 2
