"""`trucyte synth people` writes what was asked for, in any of its forms."""

import csv
import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from trucyte.node.synth import synth
from trucyte.synth.population.columns import NAMES, TRUTH


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(synth, ["people", "--seed", "7", *arguments])
    return result.exit_code, result.output


def test_as_many_records_as_asked_for_in_csv(tmp_path: Path) -> None:
    out = tmp_path / "people.csv"
    code, said = call("--n", "1234", "--out", str(out), "--json")
    assert code == 0
    assert json.loads(said)["records"] == 1234
    assert json.loads(said)["bytes"] == out.stat().st_size
    with out.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 1234
    assert list(found[0]) == list(NAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_the_forms_say_the_same(tmp_path: Path) -> None:
    for name in ("a.csv", "a.ndjson", "a.parquet"):
        assert call("--n", "700", "--out", str(tmp_path / name))[0] == 0
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        wanted = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]
    lines = (tmp_path / "a.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == wanted
    table = duckdb.read_parquet(str(tmp_path / "a.parquet"))
    assert table.columns == list(NAMES)
    parquet = [dict(zip(NAMES, row, strict=True)) for row in table.fetchall()]
    assert [{k: v for k, v in row.items() if v is not None} for row in parquet] == wanted


def test_patients_come_with_their_truth_beside_them(tmp_path: Path) -> None:
    out = tmp_path / "p.ndjson"
    assert call("--n", "300", "--patients", "--out", str(out))[0] == 0
    patients = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    with (tmp_path / "p.truth.csv").open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    assert list(truth[0]) == list(TRUTH)
    assert [row["record_id"] for row in truth] == [patient["id"] for patient in patients]


def test_without_a_file_csv_goes_to_standard_output() -> None:
    code, said = call("--n", "3")
    assert code == 0
    assert said.splitlines()[0] == ",".join(NAMES)
    assert len(said.splitlines()) == 4


def test_own_rates_are_used_and_the_packaged_ones_can_be_had(tmp_path: Path) -> None:
    rates = tmp_path / "rates.toml"
    printed = CliRunner().invoke(synth, ["corruptions"]).output
    rates.write_text(printed.replace("upper_case = 0.14", "upper_case = 1.0"), "utf-8")
    code, said = call("--n", "200", "--corruptions", str(rates))
    assert code == 0
    names = [row["name"] for row in csv.DictReader(said.splitlines())]
    assert sum(name.isupper() for name in names) > 190


@pytest.mark.parametrize(
    "arguments",
    [
        ("--n", "0"),
        ("--out", "people.xlsx"),
        ("--patients",),
        ("--patients", "--out", "people.csv"),
        ("--duplicates", "-1"),
        ("--duplicates", "nan"),
        ("--corruptions", "not-there.toml"),
        ("--processes", "0"),
    ],
)
def test_wrong_use_is_said(arguments: tuple[str, ...]) -> None:
    assert call(*arguments)[0] == 2


def test_a_folder_that_is_not_there_is_a_problem_and_nothing_is_left(tmp_path: Path) -> None:
    from trucyte.node.cli import main

    out = tmp_path / "nowhere" / "people.csv"
    arguments = ["synth", "people", "--n", "5", "--out", str(out)]
    assert main(arguments, standalone_mode=False) == 1
    assert list(tmp_path.iterdir()) == []
