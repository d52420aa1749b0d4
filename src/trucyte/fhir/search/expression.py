"""The part of FHIRPath that search parameters are written in, as data.

A search expression is a union of paths; a path is a list of steps. What this
module does not know raises `NotSupported`, and such parameters are left to the
full language.
"""

import re
from dataclasses import dataclass


class NotSupported(ValueError):  # noqa: N818 - a statement about the language, not about input
    """The expression needs the full language."""


@dataclass(frozen=True, slots=True)
class Key:
    """Go into the element `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class As:
    """Keep the values of the FHIR type `type`."""

    type: str


@dataclass(frozen=True, slots=True)
class Equal:
    """Keep the elements whose child `name` is `value`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ResolvesTo:
    """Keep the references to the resource type `type`."""

    type: str


@dataclass(frozen=True, slots=True)
class Extension:
    """Go into the value of the extension `url`."""

    url: str


@dataclass(frozen=True, slots=True)
class HasExtension:
    """Keep the elements that have the extension `url`."""

    url: str


@dataclass(frozen=True, slots=True)
class FirstEntry:
    """Go to the resource of a Bundle's first entry, where it is of the type `type`."""

    type: str


Step = Key | As | Equal | ResolvesTo | Extension | HasExtension | FirstEntry
Path = tuple[Step, ...]

_AS = re.compile(r"\(\s*([\w.%]+)\s+as\s+(\w+)\s*\)(.*)")
_FORMS: tuple[tuple[re.Pattern[str], type[Step]], ...] = (
    (re.compile(r"(\w+)"), Key),
    (re.compile(r"(?:as|ofType)\((\w+)\)"), As),
    (re.compile(r"where\((\w+)='([^']*)'\)"), Equal),
    (re.compile(r"where\(resolve\(\) is (\w+)\)"), ResolvesTo),
    (re.compile(r"extension\('([^']*)'\)"), Extension),
    (re.compile(r"where\(hasExtension\('([^']*)'\)\)"), HasExtension),
)


def parse(expression: str) -> tuple[Path, ...]:
    """Return the paths of a union. The first step is the resource type.

    Raises:
        NotSupported: something of the expression needs the full language.
    """
    return tuple(_parse_path(part.strip()) for part in split(expression, "|"))


def _parse_path(text: str) -> Path:
    shape = _AS.fullmatch(text)
    if shape is not None:
        inner, kind, rest = shape.groups()
        text = f"{inner}.as({kind}){rest}"
    return tuple(_parse_step(step) for step in split(text, "."))


def _parse_step(text: str) -> Step:
    for form, step in _FORMS:
        shape = form.fullmatch(text)
        if shape is not None:
            return step(*shape.groups())
    raise NotSupported(text)


def split(text: str, mark: str) -> list[str]:
    """Split at `mark` outside parentheses and quotes."""
    parts, depth, quoted, begin = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if letter == mark and depth == 0:
                parts.append(text[begin:place])
                begin = place + 1
    return [*parts, text[begin:]]
