"""Linking at the size of a hospital's files, and the people whom nothing may merge."""

import csv
import json
from pathlib import Path

import pytest

from trucyte.node.cli import main


def run(*arguments: str) -> None:
    assert main(arguments, standalone_mode=False) == 0


def drawn(file: Path, *more: str) -> None:
    run("synth", "people", "--seed", "3", "--processes", "1", "--out", str(file), "--json", *more)


@pytest.mark.long
def test_two_files_of_twenty_thousand_are_linked_across(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(tmp_path / "all.csv", "--n", "40000")
    header, *rows = (tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()
    for name, part in (("a.csv", rows[::2]), ("b.csv", rows[1::2])):
        (tmp_path / name).write_text("\n".join([header, *part]), encoding="utf-8")
    files = (str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    capsys.readouterr()
    run("identity", "link", *files, "--out", str(tmp_path / "links.csv"), "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["records"] == 40_000
    whose = {row["record_id"]: row["person_id"] for row in csv.DictReader([header, *rows])}
    first = {row.partition(",")[0] for row in rows[::2]}
    with (tmp_path / "links.csv").open(encoding="utf-8") as stream:
        sure = [row for row in csv.DictReader(stream) if row["decision"] == "sure"]
    assert all(row["id_a"] in first and row["id_b"] not in first for row in sure)
    true = sum(whose[row["id_a"]] == whose[row["id_b"]] for row in sure)
    assert true > 10_000
    assert true / len(sure) > 0.9995


def test_nobody_of_the_hard_set_is_merged_with_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(tmp_path / "hard.csv", "--n", "2000", "--hard")
    capsys.readouterr()
    run("identity", "evaluate", str(tmp_path / "hard.csv"), "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["sure"]["precision"] == 1
    assert told["sure"]["recall"] > 0.85
    assert told["without_newborns"]["sure"]["recall"] > told["sure"]["recall"]
