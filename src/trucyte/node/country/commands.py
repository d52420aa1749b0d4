"""The commands `vietnam name|number|address|text`: how the country's data reads what is written.

Each takes one TEXT, or `-` for lines of the standard input; with --json one object a line.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from trucyte.vietnam.numbers import read_number
from trucyte.vietnam.numbers.number import KINDS
from trucyte.vietnam.numbers.personal import birthplace, parse_personal_number
from trucyte.vietnam.people.encodings import decode_text
from trucyte.vietnam.people.name import read_name
from trucyte.vietnam.places import Address, Unit, read_address

_JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")
_TEXT = click.argument("text")

Facts = Mapping[str, Any]


@click.group()
def vietnam() -> None:
    """How names, numbers, addresses and old encodings of Viet Nam are understood."""


@vietnam.command()
@_TEXT
@_JSON
def name(text: str, as_json: bool) -> int:
    """Take a person's name apart.

    Example: trucyte vietnam name "Nguyeenx Thij Hoaf"
    """
    return _show(text, as_json, name_facts)


@vietnam.command()
@_TEXT
@click.option("--expected", type=click.Choice(KINDS), help="What it is meant to be.")
@_JSON
def number(text: str, expected: str | None, as_json: bool) -> int:
    """Say what kind of number it is, and whether it tells who carries it.

    Example: trucyte vietnam number 001085000001
    """
    return _show(text, as_json, lambda line: number_facts(line, expected or ""))


@vietnam.command()
@_TEXT
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Written on this day [not known].")
@_JSON
def address(text: str, on: datetime | None, as_json: bool) -> int:
    """Read an address into units, in force and former.

    Example: trucyte vietnam address "P. Trúc Bạch, Q. Ba Đình, Hà Nội"
    """
    day = on.date() if on else None
    return _show(text, as_json, lambda line: address_facts(read_address(line, day=day)))


@vietnam.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_JSON
def text(file: Path, as_json: bool) -> int:
    """Write a file in TCVN3, VNI or another encoding as UTF-8 on standard output.

    Example: trucyte vietnam text patients.csv > patients-utf8.csv
    """
    found = decode_text(file.read_bytes())
    if as_json:
        click.echo(json.dumps({"encoding": found.encoding, "confidence": found.confidence}))
        return 0
    click.echo(f"{found.encoding} ({found.confidence:.2f})", err=True)
    sys.stdout.buffer.write(found.text.encode())
    return 0


def name_facts(line: str) -> Facts:
    """Return what was understood of a name; what is empty or false is left out."""
    found = read_name(line)
    facts = {field: getattr(found, field) for field in found.__struct_fields__}
    return {"text": found.text} | {key: fact for key, fact in facts.items() if fact}


def number_facts(line: str, expected: str) -> Facts:
    """Return what was understood of a number."""
    found = read_number(line, expected=expected)
    facts: dict[str, Any] = {"kind": found.kind, "value": found.value, "usable": found.usable}
    facts |= {key: getattr(found, key) for key in ("why", "recalled", "repaired")}
    parsed = parse_personal_number(found.value) if found.kind == "personal" else None
    if parsed is not None:
        place = birthplace(parsed.province)
        facts |= {"sex": parsed.sex, "birth_year": parsed.birth_year}
        facts |= {"registered": place.name or place.kind}
    return {key: fact for key, fact in facts.items() if fact or key == "usable"}


def address_facts(found: Address) -> Facts:
    """Return what was understood of an address."""
    units = ("province", "commune", "former_province", "former_district", "former_commune")
    facts: dict[str, Any] = {
        key: unit_words(getattr(found, key)) for key in units if getattr(found, key) is not None
    }
    facts |= {"communes": list(found.communes), "confidence": found.confidence}
    facts |= {"rest": found.rest, "cut": found.cut}
    others = (one.commune or one.district or one.province for one in found.candidates)
    facts["candidates"] = [unit_words(unit) for unit in others if unit is not None]
    return {key: fact for key, fact in facts.items() if fact or key == "confidence"}


def unit_words(unit: Unit) -> str:
    """Return a unit as code and name."""
    return f"{unit.code} {unit.name}"


def _show(text: str, as_json: bool, facts_of: Callable[[str], Facts]) -> int:
    for line in _lines(text):
        facts = facts_of(line)
        if as_json:
            click.echo(json.dumps(facts, ensure_ascii=False))
        else:
            for key, fact in facts.items():
                click.echo(f"{key:16} {_words(fact)}")
    return 0


def _lines(text: str) -> Iterable[str]:
    return (line.rstrip("\n") for line in sys.stdin) if text == "-" else [text]


def _words(fact: Any) -> str:
    return "; ".join(map(str, fact)) if isinstance(fact, list | tuple) else str(fact)
