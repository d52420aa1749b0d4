"""Audit what is depended upon, without a network; one line a finding.

    python tools/dependencies.py [--advisories FOLDER]

Every locked version has hashes; what pyproject.toml asks for is there on purpose (a sentence
beside it) and imported by name; what ships comes under a licence that `dependencies.toml`
allows. Known vulnerabilities are looked up in OSV records (JSON, a folder of them or an
archive's content unpacked) where the operator has put some: `build/advisories` by default.
"""

import argparse
import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

sys.path.insert(0, str(Path(__file__).parent))
from locked import ROOT, Locked, locked, normalised
from sbom import licence_of, said_of

_FILES = ("run", "build", "dev", "fuzz", "clients", "data")
_SHIPPED = ("run", "data")
_CODE = ("src", "tests", "bench", "tools")
_ASKED = re.compile(r'^\s*"(?P<line>[^"]+)",(?P<rest>.*)$')
Json = dict[str, Any]


def main() -> int:
    """Print findings; return 1 where there are any."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--advisories", type=Path, default=ROOT / "build/advisories")
    told = parser.parse_args()
    rules = tomllib.loads((ROOT / "tools/dependencies.toml").read_text(encoding="utf-8"))
    files = {name: list(locked(ROOT / f"requirements/{name}.txt")) for name in _FILES}
    shipped = [one for name in _SHIPPED for one in files[name]]
    everything = [one for listed in files.values() for one in listed]
    advisories = list(read_advisories(told.advisories))
    findings = [
        *without_hashes(files),
        *without_sentence((ROOT / "pyproject.toml").read_text(encoding="utf-8")),
        *not_imported(ROOT, rules["not_imported"]),
        *of_other_licences(shipped, rules),
        *vulnerable(everything, advisories),
    ]
    for finding in sorted(set(findings)):
        sys.stdout.write(f"{finding}\n")
    looked = f"{len(advisories)} advisories" if advisories else "no advisories here"
    sys.stdout.write(
        f"dependencies: {len({(o.name, o.version) for o in everything})} versions,"
        f" {looked}, {len(set(findings))} findings\n"
    )
    return 1 if findings else 0


def without_hashes(files: dict[str, list[Locked]]) -> Iterator[str]:
    """Yield locked versions that anything could take the place of."""
    for name, listed in files.items():
        for one in listed:
            if not one.hashes:
                yield f"requirements/{name}.txt: {one.name} {one.version} has no hash"


def without_sentence(text: str) -> Iterator[str]:
    """Yield dependencies of pyproject.toml that say nothing of why they are there."""
    is_listed, had_sentence = False, True
    _, _, project = text.partition("\n[project]\n")
    for line in re.split(r"\n\[(?!project)", project, maxsplit=1)[0].splitlines():
        if re.match(r"^[\w-]+ = \[$", line):
            is_listed, had_sentence = True, False
        elif line.startswith("]"):
            is_listed = False
        asked = _ASKED.match(line) if is_listed else None
        if asked is None:
            continue
        # A line without one belongs to the sentence above: two clients, one reason.
        had_sentence = had_sentence or "#" in asked["rest"]
        if not had_sentence:
            yield f"pyproject.toml: {asked['line']} has no sentence"


def not_imported(root: Path, known: Json) -> Iterator[str]:
    """Yield direct dependencies that no line of ours imports."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(line for listed in extras.values() for line in listed)]
    names = {normalised(Requirement(line).name) for line in asked}
    found = packages_distributions()
    imported = {
        normalised(package)
        for module in imports(root)
        for package in (*found.get(module, ()), module)  # a bare extension module has its own name
    }
    for name in sorted(names - imported - set(known)):
        if said_of(name).get("Name"):  # what is not installed here cannot be told
            yield f"pyproject.toml: {name} is imported by nothing"


def imports(root: Path) -> set[str]:
    """Return the first names of all modules that our files import."""
    found: set[str] = set()
    for folder in _CODE:
        for file in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_bytes())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found


def of_other_licences(shipped: Iterable[Locked], rules: Json) -> Iterator[str]:
    """Yield what ships under a licence that is not allowed, or that nobody has told."""
    allowed = set(rules["allowed"])
    for one in shipped:
        said = said_of(one.name)
        if not said.get("Name") and one.name not in rules["said_elsewhere"]:
            if one.marker:
                continue  # for another system than this one
            yield f"{one.name}: not here, so its licence is not known"
            continue
        licence = rules["said_elsewhere"].get(one.name) or licence_of(said)
        if not is_allowed(licence, allowed):
            yield f"{one.name}: the licence is {licence or 'not said'}"


def is_allowed(licence: str, allowed: set[str]) -> bool:
    """Say whether an expression of licences may be used: of alternatives one, of sums each."""
    plain = licence.replace("(", "").replace(")", "") if licence not in allowed else licence
    sums = re.split(r"\s+AND\s+", plain)
    return bool(licence) and all(
        any(part.strip() in allowed for part in re.split(r"\s+OR\s+", one)) for one in sums
    )


def read_advisories(folder: Path) -> Iterator[Json]:
    """Yield the OSV records of a folder."""
    for file in sorted(folder.rglob("*.json")) if folder.is_dir() else ():
        record = json.loads(file.read_bytes())
        if isinstance(record, dict) and "affected" in record and not record.get("withdrawn"):
            yield record


def vulnerable(everything: Iterable[Locked], advisories: Iterable[Json]) -> Iterator[str]:
    """Yield locked versions that a record calls affected."""
    versions = {(one.name, one.version) for one in everything}
    for record in advisories:
        for affected in record["affected"]:
            package = affected.get("package", {})
            if package.get("ecosystem") != "PyPI":
                continue
            name = normalised(package.get("name", ""))
            for own, version in versions:
                if own == name and is_affected(version, affected):
                    yield f"{name} {version}: {record['id']} {record.get('summary', '')}".rstrip()


def is_affected(version: str, affected: Json) -> bool:
    """Say whether a version is named, or lies in a range (OSV schema, `affected`)."""
    if version in affected.get("versions", ()):
        return True
    ranges = [one for one in affected.get("ranges", ()) if one.get("type") == "ECOSYSTEM"]
    return any(_within(Version(version), one.get("events", ())) for one in ranges)


def _within(version: Version, events: Iterable[Json]) -> bool:
    """Say whether the last event at or before a version says that it is affected."""
    state, ordered = False, []
    for event in events:
        (kind, said), *_ = event.items()
        try:
            ordered.append((Version("0" if said == "0" else said), kind))
        except InvalidVersion:
            return True  # what cannot be read is looked at by people
    for at, kind in sorted(ordered, key=lambda pair: (pair[0], pair[1] != "last_affected")):
        if kind == "introduced" and at <= version:
            state = True
        elif (kind == "fixed" and at <= version) or (kind == "last_affected" and at < version):
            state = False
    return state


if __name__ == "__main__":
    raise SystemExit(main())
