"""Commands on registers: `registers import|standing`."""

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from trucyte.base.clock import VIETNAM
from trucyte.base.settings import load_settings
from trucyte.base.terminal import clear_line, draw_line
from trucyte.fhir.validate import Validator
from trucyte.node.cli import DONE, INPUT_ERRORS
from trucyte.node.wiring import Node, open_node
from trucyte.records import Hasher
from trucyte.shared.access.local import system_access
from trucyte.shared.identity.registers.files.load import Asked, Loaded, Loader
from trucyte.shared.identity.registers.files.rows import Kind, words
from trucyte.shared.identity.registers.licence import NUMBERS
from trucyte.shared.terminology.loaders.report import RowNote

_JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")


@click.group()
def registers() -> None:
    """Who may practise and where, and which facilities there are."""


def loader_of(node: Node) -> Loader:
    """Return what writes registers into an open node."""
    return Loader(
        node.journal,
        Validator(node.parts.definitions),
        Hasher(node.keyring.persons).person,
        node.keyring.ids,
        node.clock,
    )


def facility_names(node: Node) -> Callable[[str], str]:
    """Return what gives the name of a facility by its code: the register's, else the list's."""
    access = system_access("registers")

    def name(code: str) -> str:
        found = node.facilities.name(access, code)
        if found:
            return found
        term = node.parts.lists.find("co-so-kcb", code)
        return term.vi if term else ""

    return name


@registers.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--kind", required=True, type=click.Choice([kind.value for kind in Kind]), help="What it lists."
)
@click.option("--sheet", default=None, help="Sheet of the workbook [the first].")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="PURPOSE=HEADING",
    help="What a column of yours is for, where its heading is not known.",
)
@click.option("--check", "only_check", is_flag=True, help="Say what would be done; write nothing.")
@_JSON
def take_in(
    path: Path, kind: str, sheet: str | None, columns: tuple[str, ...], *, only_check: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Take in a list of facilities or practitioners; the same again writes nothing.

    FILE is Excel (.xlsx) or delimited UTF-8 text with a heading. Lines that cannot be taken
    are named and left out, and the exit code is 1; all others are taken.

    Example: trucyte registers import danh-sach.xlsx --kind practitioners
    """
    asked = Asked(Kind(kind), path, sheet, _columns(kind, columns), only_check)
    with open_node(load_settings(os.environ)) as node:
        loaded = loader_of(node).load(asked, lambda lines: None if as_json else _draw(lines))
    if not as_json:
        clear_line()
    return _say(loaded, as_json=as_json)


@registers.command()
@click.argument("licence")
@click.option("--at", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="When [now].")
@click.option("--scope", default=None, help="For which scope of practice.")
@click.option("--place", default=None, help="At which facility, by its code.")
@_JSON
def standing(
    licence: str, at: datetime | None, scope: str | None, place: str | None, *, as_json: bool
) -> int:
    """Say whether the holder of a licence may sign; exit code 1 where not.

    Example: trucyte registers standing 000123/HNO-GPHN --at 2026-11-01
    """
    with open_node(load_settings(os.environ)) as node:
        found = node.registers.standing(
            system_access("registers"),
            {"identifier": {"system": NUMBERS, "value": licence}},
            at=at.replace(tzinfo=VIETNAM) if at else datetime.now(UTC),
            scope=scope,
            place=place,
        )
    until = found.until.astimezone(VIETNAM).isoformat() if found.until else None
    facts = {"may_sign": found.may_sign, "why": found.why.value, "until": until}
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo("  ".join(f"{name} {value}" for name, value in facts.items() if value != ""))
    return DONE if found.may_sign else INPUT_ERRORS


def _columns(kind: str, columns: Iterable[str]) -> dict[str, str]:
    found = {}
    for column in columns:
        purpose, sign, heading = column.partition("=")
        if not sign or purpose not in words()[kind]:
            known = ", ".join(words()[kind])
            raise click.UsageError(f"--column PURPOSE=HEADING; purposes are {known}")
        found[purpose] = heading
    return found


def _draw(lines: int) -> None:
    draw_line(f"{lines:,}")


def _say(loaded: Loaded, *, as_json: bool) -> int:
    notes = loaded.notes
    facts: dict[str, Any] = {
        "rows": notes.rows,
        "taken": loaded.units,
        "written": loaded.written,
        "unchanged": loaded.unchanged,
        "faulty": notes.faulty,
    }
    if as_json:
        facts["errors"] = [_note(note) for note in notes.faults]
        facts["warnings"] = [_note(note) for note in notes.warnings]
        click.echo(json.dumps(facts))
        return INPUT_ERRORS if notes.faulty else DONE
    for kind, said in (("error", notes.faults), ("warning", notes.warnings)):
        for note in said:
            click.echo(f"{kind}: {note.row}: {note.reason} {note.column}".rstrip(), err=True)
    click.echo("  ".join(f"{name} {value}" for name, value in facts.items()))
    return INPUT_ERRORS if notes.faulty else DONE


def _note(note: RowNote) -> dict[str, str | int]:
    return {"row": note.row, "reason": note.reason, "column": note.column}
