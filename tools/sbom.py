"""Write the bill of materials of what ships, as CycloneDX 1.6 JSON (ECMA-424).

    python tools/sbom.py [FILE]

Everything stands in it that `requirements/run.txt` and `requirements/data.txt` lock: name,
version, licence as the installed package says it, the hashes of its distributions, and who
needs whom. The same commit gives the same bytes.
"""

import hashlib
import json
import subprocess
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).parent))
from locked import ROOT, Locked, locked, normalised

_NAMESPACE = uuid.UUID("6f0c3c0e-5f5d-5d0b-9a55-8d4f6f3b2f11")
Json = dict[str, Any]


def main() -> int:
    """Write to the file named, or to standard output."""
    text = json.dumps(bill(ROOT), ensure_ascii=False, indent=2) + "\n"
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


def bill(root: Path) -> Json:
    """Return the bill of the project at `root`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run = list(locked(root / "requirements/run.txt"))
    data = list(locked(root / "requirements/data.txt"))
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    components = [component(one, "library") for one in run]
    components += [component(one, "data") for one in data]
    content = json.dumps(components, sort_keys=True).encode()
    serial = uuid.uuid5(_NAMESPACE, hashlib.sha256(content).hexdigest())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": committed_at(root),
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": own,
            },
        },
        "components": components,
        "dependencies": list(graph(own, project, run, data)),
    }


def component(one: Locked, kind: str) -> Json:
    """Return one package as a component; a package not installed here has no licence in it."""
    made: Json = {
        "type": kind,
        "bom-ref": reference(one),
        "name": one.name,
        "version": one.version,
        "purl": reference(one),
        "hashes": [{"alg": "SHA-256", "content": value} for value in one.hashes],
    }
    licence = licence_of(said_of(one.name))
    if licence:
        made["licenses"] = [{"license": {"name": licence}}]
    if one.marker:
        made["properties"] = [{"name": "python:marker", "value": one.marker}]
    return made


def reference(one: Locked) -> str:
    """Return the package's URL, which names it and leads nowhere."""
    return f"pkg:pypi/{one.name}@{one.version}"


def graph(own: str, project: Json, run: list[Locked], data: list[Locked]) -> Iterator[Json]:
    """Yield who needs whom, of what is locked."""
    by_name = {one.name: reference(one) for one in run}
    extras = project["optional-dependencies"]
    direct = [*project["dependencies"], *extras["link"], *extras["login"]]
    needed = {normalised(Requirement(line).name) for line in direct}
    yield {
        "ref": own,
        "dependsOn": sorted({by_name[name] for name in needed if name in by_name})
        + [reference(one) for one in data],
    }
    for one in run:
        lines = said_of(one.name).get_all("Requires-Dist") or ()
        names = {normalised(Requirement(line).name) for line in lines}
        needs = sorted(by_name[name] for name in names if name in by_name)
        yield {"ref": reference(one), "dependsOn": needs}
    for one in data:
        yield {"ref": reference(one), "dependsOn": []}


def said_of(name: str) -> Message:
    """Return what a package says of itself: installed, or a data wheel under `build/wheels`."""
    try:
        return metadata(name)  # type: ignore[return-value] # an email message, typed as its protocol
    except PackageNotFoundError:
        pass
    for file in sorted((ROOT / "build/wheels").glob("*.whl")):
        if normalised(file.name.split("-")[0]) == name:
            with zipfile.ZipFile(file) as wheel:
                inside = [part for part in wheel.namelist() if part.endswith(".dist-info/METADATA")]
                return HeaderParser().parsestr(wheel.read(inside[0]).decode("utf-8", "replace"))
    return Message()


def licence_of(said: Message) -> str:
    """Return a package's licence as its metadata says it, in a few words; "" where it does not."""
    expression = said.get("License-Expression")
    if expression:
        return str(expression)
    trove = [
        line.rpartition("::")[2].strip()
        for line in said.get_all("Classifier") or ()
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    told = " AND ".join(trove) or str(said.get("License") or "").strip()
    return told.splitlines()[0][:100] if told else ""


def committed_at(root: Path) -> str:
    """Return when what is shipped was committed, so that the same commit gives the same bytes."""
    done = subprocess.run(
        ["git", "log", "-1", "--format=%ct"],  # noqa: S607 - git
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = int(done.stdout.strip() or 0)
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    raise SystemExit(main())
