"""The command `validate`: what is wrong with FHIR resources, and how to mend it."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from trucyte.base.problem import Problem
from trucyte.base.settings import load_settings
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.outcome import message, operation_outcome, problem_outcome
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.read import Definition, Package, read_definition, read_package
from trucyte.fhir.parse import bundle
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.profiles.validator import ProfileValidator
from trucyte.fhir.text import scan
from trucyte.node.cli import DONE, INPUT_ERRORS
from trucyte.node.codes import codes_of
from trucyte.node.packages import FOLDER, open_library

_WRONG = (Severity.ERROR, Severity.FATAL)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=_FILE)
@click.option("--profile", "profiles", multiple=True, metavar="URL", help="Check against it too.")
@click.option(
    "--definition",
    "definitions",
    multiple=True,
    type=_FILE,
    metavar="FILE|TGZ",
    help="A definition (JSON, XML) or a package to check with.",
)
@click.option("--json", "as_json", is_flag=True, help="One OperationOutcome a file, in order.")
def validate(
    files: Sequence[Path], profiles: Sequence[str], definitions: Sequence[Path], as_json: bool
) -> int:
    """Check resources (JSON or XML) against R4, the profiles they name, and those asked for.

    Codes are looked up in R4, the packages, the lists of the node if it runs, and the national
    pack. Exit code 1 says that a file has errors; warnings never change it.

    Example: trucyte validate patient.json --profile http://fhir.hl7.org.vn/core/… --json
    """
    settings = load_settings(os.environ)
    library = _library(settings.data / FOLDER, definitions)
    against = ", ".join((*library.packages, *(_named(url, library) for url in profiles)))
    code, language = DONE, settings.language
    with codes_of(settings, library) as codes:
        validator = full_validator(library, terminology=codes, now=datetime.now(UTC))
        for file in files:
            outcome, is_wrong, lines = _checked(file, validator, library, profiles, language)
            code = INPUT_ERRORS if is_wrong else code
            if as_json:
                click.echo(json.dumps(outcome, ensure_ascii=False))
            else:
                _say(file, is_wrong, lines, against, language)
    return code


def _library(folder: Path, given: Sequence[Path]) -> Library:
    """Return what to check with; a file that is no definition is wrong use."""
    packages: list[Package] = []
    loose: list[tuple[Path, bytes]] = []
    for path in given:
        body = path.read_bytes()
        if body.startswith(b"\x1f\x8b"):
            try:
                packages.append(read_package(body))
                packages[-1].read_whole()
            except Problem as problem:
                raise click.BadParameter(f"{path}: {problem}") from None
        else:
            loose.append((path, body))
    library = open_library(folder, packages)
    for path, body in loose:
        library.add(_definitions(path, body, library))
    return library


def _definitions(path: Path, body: bytes, library: Library) -> list[Definition]:
    """Read a file as a definition, or as a bundle of them."""
    try:
        read = read_definition(_as_json(body, library))
        if read.type != "Bundle":
            return [read]
        entries = (bytes(entry.resource) for entry in bundle(read.body).entry)
        return [read_definition(resource) for resource in entries if resource]
    except Problem as problem:
        raise click.BadParameter(f"{path}: {problem}") from None


def _as_json(body: bytes, library: Library) -> bytes:
    if _is_xml(body):
        return json.dumps(_read(body, library), default=float).encode()
    return body.removeprefix(b"\xef\xbb\xbf")


def _is_xml(body: bytes) -> bool:
    return body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _read(body: bytes, library: Library) -> dict[str, Any]:
    if _is_xml(body):
        from trucyte.fhir.xml import read_xml  # noqa: PLC0415 - lxml only for XML

        return read_xml(body, library.core)
    return scan(body).resource


def _checked(
    file: Path,
    validator: ProfileValidator,
    library: Library,
    profiles: Sequence[str],
    language: str,
) -> tuple[dict[str, Any], bool, list[str]]:
    """Return the outcome of one file, whether it has errors, and its lines for people."""
    try:
        issues = validator.check(_read(file.read_bytes(), library), profiles)
    except Problem as problem:
        outcome = problem_outcome(problem, language)
        return outcome, True, [outcome["issue"][0]["details"]["text"]]
    is_wrong = any(issue.severity in _WRONG for issue in issues)
    return operation_outcome(issues, language), is_wrong, [_line(i, language) for i in issues]


def _line(issue: Issue, language: str) -> str:
    return f"{issue.severity.value:<12} {message(issue, language)} [{issue.message_id}]"


def _named(url: str, library: Library) -> str:
    """Return a profile with its version, as far as it is known."""
    source = library.source(url)
    version = "" if source is None else source.get("version", "")
    return f"{url}|{version}" if version and "|" not in url else url


def _say(file: Path, is_wrong: bool, lines: Sequence[str], against: str, language: str) -> None:
    words = ("có lỗi", "hợp lệ", "kiểm theo")
    if language != "vi":
        words = ("has errors", "valid", "checked against")
    click.echo(f"{file}: {words[0] if is_wrong else words[1]} ({words[2]} {against})")
    for line in lines:
        click.echo(f"  {line}")
