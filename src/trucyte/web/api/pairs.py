"""Queries and forms as pairs of names and values, with bounds, and what is common to all.

What cannot be read is refused with its reason, never with the text: a query may name a
person.
"""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from trucyte.base.problem import Problem

PAIRS_MAX = 200
# What every path takes: the form of the answer, not its content.
FORM_ONLY = frozenset({"_format", "_pretty"})


class BadQuery(Problem):
    """The query cannot be read: {reason}."""

    code = "bad-query"


Pairs = Sequence[tuple[str, str]]


def read_pairs(text: str) -> list[tuple[str, str]]:
    """Return the decoded pairs in their order. Raises BadQuery."""
    if not text:
        return []
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=PAIRS_MAX, errors="strict")
    except ValueError:
        raise BadQuery(reason="too many fields, or not UTF-8") from None


def read_form(body: bytes) -> list[tuple[str, str]]:
    """Return the pairs of a form. Raises BadQuery."""
    try:
        return read_pairs(body.decode())
    except UnicodeDecodeError:
        raise BadQuery(reason="not UTF-8") from None


def number(text: str, name: str, default: int) -> int:
    """Return a number of a query; `default` where it is empty. Raises BadQuery."""
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise BadQuery(reason=f"{name} is not a number")
    return int(text)


def without(pairs: Pairs, names: frozenset[str]) -> list[tuple[str, str]]:
    """Return the pairs but those of these names."""
    return [(name, value) for name, value in pairs if name not in names]
