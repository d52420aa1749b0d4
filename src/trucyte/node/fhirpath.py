"""The command `fhirpath`: what an expression gives on one resource."""

import os
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click
import msgspec

from trucyte.base.problem import Problem
from trucyte.base.settings import load_settings
from trucyte.fhir import text
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.render import to_json
from trucyte.fhir.profiles.standard import full_validator
from trucyte.node.codes import codes_of
from trucyte.node.language import load_definitions
from trucyte.node.packages import FOLDER, open_library

# Functions that ask for codes or definitions; for others neither is opened.
_ASKING = ("memberOf", "subsume", "conformsTo", "slice", "elementDefinition")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class FileUnreadable(Problem):
    """The file {file} cannot be read: {reason}."""

    code = "file-unreadable"


@click.command()
@click.argument("expression")
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--lenient", is_flag=True, help="Let names and types pass that R4 does not know.")
@click.option("--json", is_flag=True, expose_value=False, help="The same: it is JSON.")
def fhirpath(expression: str, file: str | None, lenient: bool) -> int:
    """Evaluate a FHIRPath EXPRESSION on a resource (JSON or XML) and print a JSON array.

    Without FILE the expression is evaluated on nothing; - is the standard input.

    Example: trucyte fhirpath "Patient.name.given.first()" patient.json
    """
    definitions = load_definitions()
    paths = Paths(definitions)
    path = paths.compile(expression, is_strict=not lenient)
    node = None
    if file is not None:
        node = paths.resource(_read(file, definitions))
        if not lenient:
            paths.check(expression, node.kind.name)
    with ExitStack() as closing:
        environment = _environment(node, expression, closing)
        items = to_json(path.evaluate(node, environment))
    sys.stdout.buffer.write(_ENCODER.encode(items) + b"\n")
    return 0


def _environment(node: Node | None, expression: str, closing: ExitStack) -> Environment:
    now = datetime.now(timezone(timedelta(hours=7)))
    codes = profiles = None
    if any(name in expression for name in _ASKING):
        settings = load_settings(os.environ)
        library = open_library(settings.data / FOLDER)
        codes = closing.enter_context(codes_of(settings, library))
        profiles = full_validator(library, terminology=codes, now=now)
    return Environment(
        resource=node,
        root_resource=node,
        now=now,
        trace=_trace,
        terminology=codes,
        profiles=profiles,
    )


def _trace(name: str, items: list[Any]) -> None:
    """Show what `trace()` looked at, beside the result."""
    click.echo(b"%b: %b" % (name.encode(), _ENCODER.encode(to_json(items))), err=True)


def _read(file: str, definitions: Definitions) -> dict[str, Any]:
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise FileUnreadable(file=file, reason=error.strerror or "?") from None
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        from trucyte.fhir.xml import read_xml  # noqa: PLC0415 - lxml only for XML

        return read_xml(body, definitions)
    return text.scan(body).resource
