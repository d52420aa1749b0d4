"""Codes that a modifier stands for: members of a value set, what is below or above a code.

They are looked up once, when the search is read; what follows sees plain tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from trucyte.base.problem import Kind, Problem
from trucyte.records.search.asked.leaf import BadSearchValue, Criterion, Value, shown_name

CODES_MAX = 5_000
_OF_CODES = ("in", "not-in", "below", "above")


class TooManyCodes(Problem):
    """The search parameter {parameter} stands for more than {most} codes."""

    kind = Kind.TOO_LARGE
    code = "search-codes"


class CodesNotKnown(Problem):
    """This node cannot tell which codes {parameter} stands for: it has no terminology."""

    kind = Kind.UNSUPPORTED
    code = "search-codes-unknown"


class Codes(Protocol):
    """Knows what value sets hold."""

    def codings(self, value_set: str | Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return (system, code) of the members of a value set: its url, `ValueSet/id` or itself.

        Raises a Problem where it is not known, has no end or more members than can be given.
        """


def asks_codes(criterion: Criterion) -> bool:
    """Whether a criterion names codes by a value set or a hierarchy."""
    return criterion.type == "token" and criterion.modifier in _OF_CODES


def with_codes(criterion: Criterion, codes: Codes | None) -> Criterion:
    """Return the criterion with the codes it stands for.

    Raises CodesNotKnown, TooManyCodes, BadSearchValue, and what the terminology raises.
    """
    shown = shown_name(criterion.name)
    if codes is None:
        raise CodesNotKnown(parameter=shown)
    found: dict[tuple[str, str], None] = {}
    for value in criterion.values:
        found |= dict.fromkeys(codes.codings(_value_set(criterion.modifier, value, shown)))
        if len(found) > CODES_MAX:
            raise TooManyCodes(parameter=shown, most=CODES_MAX)
    modifier = "not" if criterion.modifier == "not-in" else ""
    values = tuple(Value(parts=coding if coding[0] else coding[1:]) for coding in found)
    return replace(criterion, modifier=modifier, values=values)


def _value_set(modifier: str, value: Value, shown: str) -> str | Mapping[str, Any]:
    if modifier in ("in", "not-in"):
        return value.parts[0]
    if len(value.parts) != 2 or not all(value.parts):
        raise BadSearchValue(parameter=shown, expected="system|code")
    system, code = value.parts
    operator = "is-a" if modifier == "below" else "generalizes"
    rule = {"property": "concept", "op": operator, "value": code}
    return {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": system, "filter": [rule]}]},
    }


class CodesOf:
    """Codes as a terminology expands them, and of the value sets that are resources here."""

    def __init__(self, codes: Codes, read: Callable[[str], Mapping[str, Any]]) -> None:
        """Ask `codes`; `read` gives a ValueSet by its id, under the permission of who asks."""
        self._codes = codes
        self._read = read

    def codings(self, value_set: str | Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the members of a value set, which may be `ValueSet/id`."""
        if isinstance(value_set, str) and value_set.startswith("ValueSet/"):
            return self._codes.codings(self._read(value_set.removeprefix("ValueSet/")))
        return self._codes.codings(value_set)
