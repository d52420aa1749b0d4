"""The commands `validate` and `packages`, as people and scripts call them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.profiles import URL, package, profile

PATIENT = {"resourceType": "Patient", "active": True}
PROFILE = profile("x", "Patient", {"path": "photo", "min": 1})
GENERATED = Path(__file__).parents[2] / "src/trucyte/fhir/generated/r4.structures"

pytestmark = pytest.mark.skipif(
    not GENERATED.exists(), reason="the definitions are not built (make setup)"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "patient.json").write_text(json.dumps(PATIENT))
    (tmp_path / "wrong.json").write_text(json.dumps({**PATIENT, "gender": "x"}))
    (tmp_path / "patient.xml").write_text(
        '<Patient xmlns="http://hl7.org/fhir"><gender value="x"/></Patient>'
    )
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "profile.json").write_text(json.dumps(PROFILE))
    entries = [{"resource": PROFILE}, {"request": {}}]
    held = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (tmp_path / "bundle.json").write_text("\ufeff" + json.dumps(held))
    (tmp_path / "profile.xml").write_text(
        '<StructureDefinition xmlns="http://hl7.org/fhir">'
        f'<url value="{URL}x"/><name value="X"/><status value="active"/><kind value="resource"/>'
        '<abstract value="false"/><type value="Patient"/>'
        '<baseDefinition value="http://hl7.org/fhir/StructureDefinition/Patient"/>'
        '<derivation value="constraint"/><differential><element><path value="Patient.photo"/>'
        '<min value="1"/></element></differential></StructureDefinition>'
    )
    (tmp_path / "package.tgz").write_bytes(package("test.one", "1.0.0", PROFILE))
    (tmp_path / "needy.tgz").write_bytes(package("test.two", "1.0.0", needs={"test.three": "1"}))
    return tmp_path


def run(folder: Path, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", *arguments],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
            "TRUCYTE_DATA": str(folder / "var"),
            "TRUCYTE_LANGUAGE": language,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def outcomes(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_outcome_a_file_in_their_order_and_1_for_errors(folder: Path) -> None:
    files = ("patient.json", "wrong.json", "patient.xml", "broken.json")
    result = run(folder, "validate", *files, "--json")
    assert result.returncode == 1
    found = [one["issue"][0]["diagnostics"] for one in outcomes(result)]
    assert found == ["no-issues", "code-not-allowed", "code-not-allowed", "json-malformed"]
    assert outcomes(result)[1]["issue"][0]["expression"] == ["Patient.gender"]


def test_a_sound_file_is_0_and_people_read_a_sentence(folder: Path) -> None:
    result = run(folder, "validate", "patient.json", language="vi")
    said = "patient.json: hợp lệ (kiểm theo hl7.fhir.r4.core 4.0.1)\n"
    assert (result.returncode, result.stdout) == (0, said)


@pytest.mark.parametrize("given", ["profile.json", "profile.xml", "bundle.json", "package.tgz"])
def test_a_profile_asked_for_comes_from_a_file_or_a_package(folder: Path, given: str) -> None:
    asked = ("--profile", URL + "x", "--definition", given)
    result = run(folder, "validate", "patient.json", *asked, "--json")
    assert result.returncode == 1
    assert outcomes(result)[0]["issue"][0]["diagnostics"] == "profile-too-few"


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate",),
        ("validate", "nowhere.json"),
        ("validate", "patient.json", "--definition", "broken.json"),
        ("packages", "add"),
    ],
)
def test_wrong_use_is_2(folder: Path, arguments: tuple[str, ...]) -> None:
    assert run(folder, *arguments).returncode == 2


def test_an_added_package_is_listed_and_used(folder: Path) -> None:
    added = run(folder, "packages", "add", "package.tgz", "--json")
    assert outcomes(added) == [{"name": "test.one", "version": "1.0.0", "resources": 1}]
    listed = outcomes(run(folder, "packages", "list", "--json"))
    assert [(one["name"], one["version"]) for one in listed] == [
        ("hl7.fhir.r4.core", "4.0.1"),
        ("test.one", "1.0.0"),
    ]
    result = run(folder, "validate", "patient.json", "--profile", URL + "x", "--json")
    assert outcomes(result)[0]["issue"][0]["diagnostics"] == "profile-too-few"


def test_what_an_added_package_needs_is_named(folder: Path) -> None:
    needy = run(folder, "packages", "add", "needy.tgz", "--json")
    assert needy.returncode == 0
    assert needy.stderr == "test.two: needs test.three 1\n"


def test_a_package_is_refused_whole(folder: Path) -> None:
    assert run(folder, "packages", "add", "package.tgz", "patient.json").returncode == 1
    assert not (folder / "var" / "packages").exists()
    assert run(folder, "packages", "add", "package.tgz").returncode == 0
    other = package("test.one", "1.0.0")
    (folder / "other.tgz").write_bytes(other)
    assert run(folder, "packages", "add", "other.tgz").returncode == 1
    assert [path.name for path in (folder / "var" / "packages").iterdir()] == ["test.one#1.0.0.tgz"]


@pytest.mark.parametrize(
    ("name", "version"), [("../up", "1"), ("a", "../1"), (".a", "1"), ("a", "")]
)
def test_a_name_that_leads_elsewhere_is_refused(folder: Path, name: str, version: str) -> None:
    (folder / "odd.tgz").write_bytes(package(name, version))
    result = run(folder, "packages", "add", "odd.tgz")
    assert result.returncode == 1
    assert not (folder / "var" / "packages").exists()
