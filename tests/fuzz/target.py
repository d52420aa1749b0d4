"""What a fuzzing target is: one parser, seeds it understands, and what it may answer.

A target's check raises nothing for any input: documented errors are caught where they
are documented, so whatever gets out is a fault. Targets need no fuzzer: the regression
table of `tests/faults` runs them too.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from trucyte.fhir.issue import Issue
from trucyte.fhir.outcome import message
from trucyte.fhir.wording import LANGUAGES

Check = Callable[[bytes], None]
Json = dict[str, Any]

ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Shape(Enum):
    """What inputs look like, which decides how they are changed."""

    BYTES = "bytes"
    JSON = "json"  # a tree of JSON, changed as a tree
    MARKUP = "markup"  # tags and texts
    DOOR = "door"  # JSON changed as a tree or as bytes, by turns


@dataclass(frozen=True, slots=True)
class Target:
    """One parser under test."""

    name: str
    shape: Shape
    make: Callable[[], Check]  # called once; compiles what the check needs
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[str, ...] = ()  # what the language under test is made of
    length_max: int = 8192  # bytes of an input


def document(data: bytes) -> Json | None:
    """Return an input as JSON, None where the changes broke it."""
    try:
        found = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return None
    return found if isinstance(found, dict) else None


def said(issues: Iterable[Issue]) -> None:
    """Say every issue in every language, as whoever reads the result will."""
    for issue in issues:
        assert issue.location
        for language in LANGUAGES:
            assert message(issue, language)


def encoded(values: Iterable[Any]) -> Iterator[bytes]:
    """Write seeds that are JSON."""
    for value in values:
        yield ENCODER.encode(value)
