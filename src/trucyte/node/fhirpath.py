"""The command `fhirpath`: what an expression gives on one resource."""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click
import msgspec

from trucyte.base.problem import Problem
from trucyte.fhir import text
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.render import to_json
from trucyte.node.language import load_definitions

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
    items = to_json(path.evaluate(node, _environment(node)))
    sys.stdout.buffer.write(_ENCODER.encode(items) + b"\n")
    return 0


def _environment(node: Node | None) -> Environment:
    return Environment(
        resource=node,
        root_resource=node,
        now=datetime.now(timezone(timedelta(hours=7))),
        trace=_trace,
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
