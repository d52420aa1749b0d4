"""Commands for FHIR packages: `packages add` and `packages list`.

Added packages lie in the data folder under `packages/`, one archive a name and version,
put in place whole and only after every file in it was read.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import load_settings
from trucyte.fhir.package import NotAPackage
from trucyte.fhir.packages.library import Library, Missing, in_order
from trucyte.fhir.packages.read import Package, read_package
from trucyte.node.language import load_definitions, load_structures

FOLDER = "packages"
_BAD = frozenset("/\\:\0 ")


class PackageThere(Problem):
    """The package {name} {version} is already there with other content."""

    kind = Kind.CONFLICT
    code = "package-there"


class PackageUnreadable(Problem):
    """The package {file} of the data folder cannot be read: {reason}."""

    code = "package-unreadable"


@click.group()
def packages() -> None:
    """FHIR packages: the profiles and code lists that `validate` checks against."""


@packages.command()
@click.argument(
    "files",
    metavar="PACKAGE.tgz…",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a package.")
def add(files: Sequence[Path], as_json: bool) -> None:
    """Add packages; each is read whole before it counts. Missing dependencies are named.

    Example: trucyte packages add hl7.fhir.vn.core.tgz
    """
    settings = load_settings(os.environ)
    folder = settings.data / FOLDER
    bodies = [file.read_bytes() for file in files]
    given = [read_package(body) for body in bodies]
    for package in given:
        _check_name(package)
        package.read_whole()
    for package, body in zip(given, bodies, strict=True):
        _put(folder, package, body)
        _show(package, as_json=as_json)
    for lack in in_order(stored(folder))[1]:
        click.echo(_lack(lack, settings.language), err=True)


@packages.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a package.")
def list_packages(as_json: bool) -> None:
    """List what checks rest on: R4 itself and the packages that were added.

    Example: trucyte packages list --json
    """
    definitions, structures = load_definitions(), load_structures()
    name, version = definitions.package, definitions.version
    _print(name, version, structures.resources, as_json=as_json)
    for package in stored(load_settings(os.environ).data / FOLDER):
        _show(package, as_json=as_json)


def stored(folder: Path) -> Iterator[Package]:
    """Yield the packages of a data folder by name; raises PackageUnreadable."""
    for path in sorted(folder.glob("*.tgz")):
        try:
            yield read_package(path.read_bytes())
        except NotAPackage as problem:
            reason = str(problem.facts.get("reason", ""))
            raise PackageUnreadable(file=path.name, reason=reason) from None


def open_library(folder: Path, given: Iterable[Package] = ()) -> Library:
    """Return R4 with the packages of a data folder and those given over it."""
    library = Library(load_definitions(), load_structures())
    for package in in_order([*stored(folder), *given])[0]:
        library.add_package(package)
    return library


def _check_name(package: Package) -> None:
    """Refuse names that could lead out of the folder."""
    for part in (package.name, package.version):
        if not part or part.startswith(".") or _BAD & set(part) or len(part) > 100:
            raise NotAPackage(reason="its name or version cannot be a file name")


def _put(folder: Path, package: Package, body: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package.name}#{package.version}.tgz"
    if path.exists():
        if path.read_bytes() != body:
            raise PackageThere(name=package.name, version=package.version)
        return
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(body)
    partial.replace(path)


def _lack(lack: Missing, language: str) -> str:
    words = "cần" if language == "vi" else "needs"
    return f"{lack.package}: {words} {lack.dependency} {lack.version}"


def _show(package: Package, *, as_json: bool) -> None:
    _print(package.name, package.version, len(package.definitions), as_json=as_json)


def _print(name: str, version: str, resources: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"name": name, "version": version, "resources": resources}))
    else:
        click.echo(f"{name:<40} {version:<16} {resources:>6}")
