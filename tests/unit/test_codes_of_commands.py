"""What `validate` and `fhirpath` ask about codes: who is asked, in which order, and when."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trucyte.database.connect import Database
from trucyte.database.server import is_running
from trucyte.node.codes import Codes
from trucyte.node.language import STRUCTURES

SYSTEM = "https://trucyte.vn/fhir/CodeSystem/care-type"
_BUILT = pytest.mark.skipif(
    not STRUCTURES.exists(), reason="the definitions are not built (make setup)"
)


class Told:
    """A source that knows some codes of one system."""

    def __init__(self, system: str = "", codes: Mapping[str, bool] | None = None) -> None:
        self._system, self._codes = system, codes or {}
        self.asked = 0

    def member_of(self, value_set: str, system: str | None, code: str) -> bool | None:
        return self.has_code(value_set, code)

    def knows(self, value_set: str) -> bool:
        return value_set == self._system

    def subsumes(self, system: str, code: str, other: str) -> bool | None:
        return self.has_code(system, code)

    def has_code(self, system: str, code: str) -> bool | None:
        self.asked += 1
        return self._codes.get(code) if system == self._system else None

    def displays(self, system: str, code: str) -> frozenset[str]:
        return frozenset({f"{code} of {system}"}) if self.has_code(system, code) else frozenset()


def test_who_can_tell_answers_and_later_ones_are_not_opened() -> None:
    opened: list[str] = []
    first, second = Told("a", {"1": True}), Told("b", {"2": True, "3": False})

    def open_second() -> Told:
        opened.append("second")
        return second

    codes = Codes(first, [open_second, lambda: None])
    assert codes.has_code("a", "1") is True
    assert opened == []
    assert codes.has_code("b", "2") is True
    assert codes.has_code("b", "3") is False
    assert codes.has_code("c", "2") is None
    assert codes.knows("b") is True
    assert codes.knows("c") is False
    assert codes.member_of("b", None, "2") is True
    assert codes.subsumes("b", "3", "2") is False
    assert codes.displays("b", "2") == {"2 of b"}
    assert opened == ["second"]


def test_of_units_nobody_else_is_asked() -> None:
    other = Told("http://unitsofmeasure.org", {"kg": True})
    codes = Codes(Told(), [lambda: other])
    assert codes.has_code("http://unitsofmeasure.org", "kg") is None
    assert other.asked == 0


def test_to_see_whether_a_server_runs_touches_nothing(tmp_path: Path) -> None:
    assert is_running(tmp_path / "var") is False
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "postmaster.pid").write_text("1\n")
    assert is_running(tmp_path) is False
    assert [path.name for path in tmp_path.iterdir()] == ["postgres"]


def run(folder: Path, *arguments: str, database: str = "") -> subprocess.CompletedProcess[str]:
    places = {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "TRUCYTE_LANGUAGE": "en",
              "TRUCYTE_DATA": str(folder / "var"), "TRUCYTE_DATABASE_URL": database}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", *arguments],
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )


def observation(folder: Path, *codings: Mapping[str, Any]) -> str:
    path = folder / "observation.json"
    made = {"resourceType": "Observation", "status": "final", "code": {"coding": codings}}
    path.write_text(json.dumps(made))
    return str(path)


@_BUILT
def test_codes_of_the_national_pack_are_checked_without_a_node(tmp_path: Path) -> None:
    known, unknown = {"system": SYSTEM, "code": "01"}, {"system": SYSTEM, "code": "99"}
    assert run(tmp_path, "validate", observation(tmp_path, known)).returncode == 0
    done = run(tmp_path, "validate", observation(tmp_path, known, unknown), "--json")
    assert done.returncode == 1
    issue = json.loads(done.stdout)["issue"][0]
    assert issue["expression"] == ["Observation.code.coding[1].code"]
    expression = "code.coding.select(memberOf('https://trucyte.vn/fhir/ValueSet/loai-kcb'))"
    done = run(tmp_path, "fhirpath", expression, observation(tmp_path, known, unknown))
    assert (done.stdout, done.stderr) == ("[true,false]\n", "")
    assert not (tmp_path / "var").exists()


@_BUILT
def test_lists_of_a_node_that_runs_are_asked(tmp_path: Path, empty_database: Database) -> None:
    listed = tmp_path / "xet-nghiem.csv"
    listed.write_text("code,name\nA1,Công thức máu\n")
    asked = ("xet-nghiem", str(listed), "--url", "http://test.vn/tests", "--from", "2026-01-01")
    loaded = run(tmp_path, "terminology", "load", *asked, database=empty_database.url)
    assert loaded.returncode == 0, loaded.stderr
    codings = [{"system": "http://test.vn/tests", "code": code} for code in ("A1", "A2")]
    file = observation(tmp_path, *codings)
    done = run(tmp_path, "validate", file, "--json", database=empty_database.url)
    assert [i["expression"] for i in json.loads(done.stdout)["issue"]] == [
        ["Observation.code.coding[1].code"]
    ]
    assert run(tmp_path, "validate", file).returncode == 0  # nobody there: nobody can tell


@_BUILT
def test_a_node_that_cannot_be_reached_is_said_and_stops_nothing(tmp_path: Path) -> None:
    file = observation(tmp_path, {"system": "http://test.vn/tests", "code": "A1"})
    done = run(tmp_path, "validate", file, database="postgresql://x@127.0.0.1:1/none")
    assert done.returncode == 0
    assert "Lists of the node not used" in done.stderr
