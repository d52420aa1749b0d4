"""The tools that say what ships: the bill of materials, the audit, the signed sums."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])


def tool(name: str) -> Any:
    return import_module(name)


HASH = "--hash=sha256:" + "0" * 64


def test_a_locked_line_says_name_version_marker_and_hashes(tmp_path: Path) -> None:
    file = tmp_path / "run.txt"
    file.write_text(
        f"Some_Package[extra]==1.2 ; sys_platform == 'win32' \\\n    {HASH} \\\n    {HASH}\n"
    )
    (one,) = tool("locked").locked(file)
    assert (one.name, one.version, one.marker) == (
        "some-package",
        "1.2",
        "sys_platform == 'win32'",
    )
    assert one.hashes == ("0" * 64,) * 2


@pytest.mark.parametrize("line", ["a>=1", "-r other.txt", "a @ https://example.org/a.whl"])
def test_a_line_that_locks_nothing_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "run.txt"
    file.write_text(line + "\n")
    with pytest.raises(ValueError, match=r"run\.txt"):
        list(tool("locked").locked(file))


def test_the_bill_names_all_that_is_locked_and_who_needs_whom() -> None:
    sbom = tool("sbom")
    made = sbom.bill(sbom.ROOT)
    # What ECMA-424 requires of a bill and of each component.
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert made["serialNumber"].startswith("urn:uuid:")
    for one in made["components"]:
        assert one["type"] in {"library", "data"}
        assert one["name"] and one["version"] and one["hashes"]
    references = [one["bom-ref"] for one in made["components"]]
    assert len(set(references)) == len(references)
    known = {*references, made["metadata"]["component"]["bom-ref"]}
    assert {one["ref"] for one in made["dependencies"]} == known
    assert {need for one in made["dependencies"] for need in one["dependsOn"]} <= known
    psycopg = next(one for one in made["components"] if one["name"] == "psycopg")
    assert psycopg["licenses"] == [{"license": {"name": "LGPL-3.0-only"}}]
    assert json.dumps(made) == json.dumps(sbom.bill(sbom.ROOT))


@pytest.mark.parametrize(
    ("licence", "is_allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("AGPL-3.0-or-later", False),
        ("", False),
    ],
)
def test_of_alternatives_one_licence_is_enough_of_sums_each(licence: str, is_allowed: bool) -> None:
    assert tool("dependencies").is_allowed(licence, {"MIT", "MPL-2.0"}) is is_allowed


AFFECTED = {
    "package": {"ecosystem": "PyPI", "name": "Some_Package"},
    "ranges": [
        {
            "type": "ECOSYSTEM",
            "events": [
                {"introduced": "1.0"},
                {"fixed": "1.4"},
                {"introduced": "2.0"},
                {"last_affected": "2.3"},
            ],
        }
    ],
    "versions": ["0.5"],
}


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [("0.5", True), ("0.9", False), ("1.0", True), ("1.3.9", True), ("1.4", False),
     ("1.10", False), ("2.0", True), ("2.3", True), ("2.3.1", False)],
)  # fmt: skip
def test_a_version_is_affected_as_osv_says(tmp_path: Path, version: str, is_affected: bool) -> None:
    dependencies, locked = tool("dependencies"), tool("locked")
    (tmp_path / "OSV-1.json").write_text(json.dumps({"id": "OSV-1", "affected": [AFFECTED]}))
    gone = {"id": "OSV-2", "affected": [AFFECTED], "withdrawn": "2026-01-01T00:00:00Z"}
    (tmp_path / "OSV-2.json").write_text(json.dumps(gone))
    advisories = list(dependencies.read_advisories(tmp_path))
    listed = [locked.Locked("some-package", version, "", ("0",))]
    found = list(dependencies.vulnerable(listed, advisories))
    assert found == ([f"some-package {version}: OSV-1"] if is_affected else [])


def test_each_dependency_says_why_it_is_there() -> None:
    dependencies = tool("dependencies")
    text = (dependencies.ROOT / "pyproject.toml").read_text()
    assert list(dependencies.without_sentence(text)) == []
    added = text.replace("dependencies = [\n", 'dependencies = [\n  "left-pad>=1",\n', 1)
    assert list(dependencies.without_sentence(added)) == [
        "pyproject.toml: left-pad>=1 has no sentence"
    ]


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    release = tool("release")
    (tmp_path / "a.whl").write_bytes(b"wheel")
    (tmp_path / "bill.json").write_bytes(b"{}")
    assert release.main(["key", str(tmp_path)]) == 0
    files = [str(tmp_path / name) for name in ("a.whl", "bill.json")]
    assert release.main(["sign", str(tmp_path / "release.key"), *files]) == 0
    return tmp_path


def verified(folder: Path) -> int:
    told = ["verify", str(folder / "release.pub"), str(folder / "SHA256SUMS")]
    return int(tool("release").main(told))


def test_signed_files_verify_and_the_key_is_nobody_elses(signed: Path) -> None:
    assert verified(signed) == 0
    assert (signed / "release.key").stat().st_mode & 0o077 == 0
    assert tool("release").main(["key", str(signed)]) == 1  # no key takes another's place


@pytest.mark.parametrize("name", ["a.whl", "SHA256SUMS", "SHA256SUMS.sig", "release.pub"])
def test_one_changed_byte_anywhere_is_found(signed: Path, name: str) -> None:
    content = bytearray((signed / name).read_bytes())
    content[0] ^= 1
    (signed / name).write_bytes(content)
    assert verified(signed) == 1


def test_a_missing_file_is_found(signed: Path) -> None:
    (signed / "bill.json").unlink()
    assert verified(signed) == 1
