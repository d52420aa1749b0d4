"""Commands on code lists: `terminology load|list|lookup|expand|translate`.

Where a command takes a code system, value set or map, it takes its URL or, for lists of the
country, the short name: `gioi-tinh`, `icd10`. With --json answers are R4 resources.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from trucyte.base.settings import load_settings
from trucyte.base.terminal import bar, clear_line, draw_line
from trucyte.fhir.validate import Validator
from trucyte.node.cli import DONE, INPUT_ERRORS
from trucyte.node.wiring import Node, open_node
from trucyte.records import Hasher
from trucyte.shared.access.local import system_access
from trucyte.shared.terminology.answers import Expanded, Looked, Translated
from trucyte.shared.terminology.answers import Node as Place
from trucyte.shared.terminology.edition import whole_value_set
from trucyte.shared.terminology.follower import Follower
from trucyte.shared.terminology.library import Library
from trucyte.shared.terminology.loaders.load import Asked, edition_of, read_list
from trucyte.shared.terminology.loaders.report import Reading, RowNote
from trucyte.shared.terminology.national import (
    list_names,
    national_pack,
    system_of,
    value_set_of,
)
from trucyte.shared.terminology.problems import ListRowsFaulty
from trucyte.shared.terminology.service import Terminology
from trucyte.shared.terminology.store import Progress, Store, Written

NATIONAL = "national"
_MAPS = "https://trucyte.vn/fhir/ConceptMap/"
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")
_ON = click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="As of a day [today].")


def open_terminology(node: Node) -> Terminology:
    """Return the terminology of an open node, with everything accepted so far laid out."""
    Follower(node.database, node.journal).catch_up()
    return Terminology(node.database, _library(node), node.clock)


def open_store(node: Node) -> Store:
    """Return what writes lists into an open node."""
    return Store(
        node.journal,
        _library(node, fresh_seconds=0.0),
        Follower(node.database, node.journal),
        Validator(node.parts.definitions),
        Hasher(node.keyring.persons).person,
    )


def _library(node: Node, fresh_seconds: float = 1.0) -> Library:
    return Library(
        node.database,
        node.records,
        system_access("terminology"),
        node.parts.definitions,
        fresh_seconds=fresh_seconds,
    )


@click.group()
def terminology() -> None:
    """What codes mean: lists, value sets, maps."""


@terminology.command()
@click.argument("name", metavar="LIST")
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]), help="First day in force.")
@click.option("--to", "valid_to", type=click.DateTime(["%Y-%m-%d"]), help="Last day in force.")
@click.option("--version", default="", help="Version of the list [its first day].")
@click.option("--legal", default="", help="Decision or circular it comes from.")
@click.option("--url", default="", help="URL of the code system [that of the list].")
@click.option("--title", default="", help="Title [that of the list].")
@click.option("--sheet", default=None, help="Sheet of the workbook [the first].")
@click.option(
    "--code-width",
    type=click.IntRange(0, 64),
    default=0,
    help="Digits of a code; zeros that a spreadsheet dropped are put back.",
)
@_JSON
def load(
    name: str,
    path: Path | None,
    valid_from: datetime | None,
    valid_to: datetime | None,
    version: str,
    legal: str,
    url: str,
    title: str,
    sheet: str | None,
    code_width: int,
    as_json: bool,
) -> int:
    """Load the national pack, or a list from an operator's file; the same again writes nothing.

    LIST is national, icd10, dich-vu, thuoc, vat-tu, chi-so, co-so-kcb, loinc, snomed (FILE is
    the release folder) or a name of your own. FILE is Excel (.xlsx) or delimited text with a
    heading: code, name, TU_NGAY, DEN_NGAY and more. A row that cannot be taken is named, and
    then nothing of the file is loaded.

    Example: trucyte terminology load icd10 danh-muc.xlsx --from 2026-07-01
    """
    if (path is None) != (name == NATIONAL):
        raise click.UsageError("load national, or a list and its file")
    if path is not None and not path.exists():
        raise click.UsageError(f"there is no {path}")
    with open_node(load_settings(os.environ)) as node, _bar(as_json=as_json) as progress:
        if path is None:
            pack = national_pack()
            written = open_store(node).put(pack.editions, pack.others, progress)
            return _say_written(written, None, as_json=as_json)
        asked = Asked(
            name,
            path,
            _day(valid_from),
            _day(valid_to),
            version,
            legal,
            url,
            title,
            sheet,
            code_width,
        )
        reading = read_list(asked, lambda rows: progress(rows, 0))
        try:
            edition = edition_of(asked, reading)
        except ListRowsFaulty:
            _say_written(Written(0, 0, 0), reading, as_json=as_json)
            return INPUT_ERRORS
        everything = whole_value_set(edition, value_set_of(name))
        written = open_store(node).put([edition], [everything], progress)
    return _say_written(written, reading, as_json=as_json)


@terminology.command()
@click.argument("system")
@click.argument("code")
@_ON
@_JSON
def lookup(system: str, code: str, on: datetime | None, as_json: bool) -> int:
    """Say what a code means.

    Example: trucyte terminology lookup loai-kcb 03
    """
    with open_node(load_settings(os.environ)) as node:
        found = open_terminology(node).lookup(_system(system), code, _day(on))
    _write(found.resource()) if as_json else _show_looked(found)
    return DONE


@terminology.command()
@click.argument("value_set")
@click.option("--filter", "text", default=None, help="Words, with or without marks.")
@click.option("--offset", type=click.IntRange(min=0), default=None)
@click.option("--count", type=click.IntRange(min=0), default=None)
@click.option("--hierarchy", is_flag=True, help="Codes below their parents; not in pages.")
@_ON
@_JSON
def expand(
    value_set: str,
    text: str | None,
    offset: int | None,
    count: int | None,
    hierarchy: bool,
    on: datetime | None,
    as_json: bool,
) -> int:
    """List the codes of a value set.

    Example: trucyte terminology expand dan-toc --filter "kho me"
    """
    with open_node(load_settings(os.environ)) as node:
        found = open_terminology(node).expand(
            _value_set(value_set), text, offset, count, _day(on), hierarchy=hierarchy
        )
    _write(found.resource()) if as_json else _show_expanded(found)
    return DONE


@terminology.command()
@click.argument("concept_map", metavar="MAP")
@click.argument("system")
@click.argument("code")
@click.option("--reverse", is_flag=True, help="From the target's code back.")
@_JSON
def translate(concept_map: str, system: str, code: str, reverse: bool, as_json: bool) -> int:
    """Say what a code is in another code system; exit code 1 where there is nothing.

    Example: trucyte terminology translate nhom-chi-phi-697 nhom-chi-phi 4
    """
    url = concept_map if ":" in concept_map else _MAPS + concept_map
    with open_node(load_settings(os.environ)) as node:
        found = open_terminology(node).translate(url, _system(system), code, reverse=reverse)
    _write(found.resource()) if as_json else _show_translated(found)
    return DONE if found.result else INPUT_ERRORS


@terminology.command("list")
@_JSON
def list_all(as_json: bool) -> None:
    """Show the code systems, value sets and maps of this node.

    Example: trucyte terminology list --json
    """
    with open_node(load_settings(os.environ)) as node:
        open_terminology(node)
        found = _library(node).artefacts()
    for one in found:
        facts = {
            "type": one.type, "url": one.url, "version": one.edition, "title": one.title,
            "concepts": one.concepts, "keeper": one.keeper, "list": one.list,
            "valid_from": one.valid_from.isoformat() if one.valid_from else None,
            "valid_to": one.valid_to.isoformat() if one.valid_to else None,
        }  # fmt: skip
        if as_json:
            _write(facts)
        else:
            days = f"{facts['valid_from'] or ''}–{facts['valid_to'] or ''}".strip("–")
            name = one.list or one.url
            click.echo(f"{one.type:<11} {name:<28} {one.concepts:>7} {days:<22} {one.title}")


def _system(name: str) -> str:
    return system_of(name) if name in list_names() else name


def _value_set(name: str) -> str:
    return name if ":" in name else value_set_of(name)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _write(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def _say_written(written: Written, reading: Reading | None, *, as_json: bool) -> int:
    faulty = reading.faulty if reading else 0
    facts: dict[str, Any] = {
        "resources": written.resources,
        "unchanged": written.unchanged,
        "ended": written.ended,
    }
    if reading is not None:
        facts |= {"rows": reading.rows, "concepts": len(reading.concepts), "faulty": faulty}
        facts["errors"] = [_note(note) for note in reading.faults]
        facts["warnings"] = [_note(note) for note in reading.warnings]
    if as_json:
        _write(facts)
        return INPUT_ERRORS if faulty else DONE
    for kind in ("errors", "warnings"):
        for note in facts.pop(kind, ()):
            click.echo(f"{kind[:-1]}: {note['row']}: {note['reason']} {note['column']}", err=True)
    click.echo("  ".join(f"{name} {value}" for name, value in facts.items()))
    return INPUT_ERRORS if faulty else DONE


def _note(note: RowNote) -> dict[str, str | int]:
    return {"row": note.row, "reason": note.reason, "column": note.column}


def _show_looked(found: Looked) -> None:
    concept = found.concept
    click.echo(f"{concept.code}  {concept.display}")
    for word in concept.more.get("designation", ()):
        click.echo(f"  {word.get('language', ''):<4}{word.get('value', '')}")
    for parent in concept.parents:
        click.echo(f"  < {parent}")
    for item in concept.more.get("property", ()):
        values = [str(value) for key, value in item.items() if key.startswith("value")]
        click.echo(f"  {item['code']} = {', '.join(values)}")
    if concept.valid_from or concept.valid_to:
        click.echo(f"  {concept.valid_from or ''} – {concept.valid_to or ''}")
    if found.is_inactive:
        click.echo("  Không còn hiệu lực · Not in force")
    if not concept.verified:
        click.echo("  Chưa kiểm chứng · Not verified")


def _show_expanded(found: Expanded) -> None:
    def show(places: Any, depth: int) -> None:
        for place in places:
            _show_place(place, depth)
            show(place.below, depth + 1)

    show(found.nodes, 0)
    click.echo(f"{found.total} mã · codes", err=True)


def _show_place(place: Place, depth: int) -> None:
    click.echo(f"{'  ' * depth}{place.member.code:<12} {place.member.display}")


def _show_translated(found: Translated) -> None:
    for match in found.matches:
        click.echo(f"{match.equivalence:<12} {match.code:<12} {match.display} ({match.system})")
    if not found.matches:
        click.echo("Không có mã tương ứng · No mapping")


@contextmanager
def _bar(*, as_json: bool) -> Iterator[Progress]:
    """Show progress on a terminal, and nothing elsewhere."""
    if as_json:
        yield lambda done, total: None
        return
    yield lambda done, total: draw_line(
        f"{bar(done / total)} {done:,}/{total:,}" if total else f"{done:,}"
    )
    clear_line()
