"""How the answer of a search should come: order, size, totals, what comes along (R4 3.1.1.5).

A wish that cannot be met is refused by its name, as a criterion is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from trucyte.fhir.search.parameters import Parameter
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.search.asked.leaf import (
    BadSearchValue,
    ParameterNotSupported,
    SearchTooLarge,
    UnknownParameter,
    shown_name,
)
from trucyte.records.search.asked.names import Names

COUNT_DEFAULT = 50
COUNT_MAX = 1000
SORT_KEYS_MAX = 8
INCLUDES_MAX = 50
CONTROLS = frozenset(
    {"_count", "_sort", "_total", "_summary", "_contained", "_containedType", "_links"}
)
_INCLUDES = {"_include": False, "_revinclude": True}
_ITERATES = frozenset({"iterate", "recurse"})
_NOT_SORTED = frozenset({"composite", "special"})


class Total(Enum):
    """Whether the matches are counted."""

    NONE = "none"
    ESTIMATE = "estimate"
    ACCURATE = "accurate"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order: `_id`, `_lastUpdated`, or a parameter's values; absent ones last."""

    code: str
    parameter: Parameter | None
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Include:
    """What should come along: referred to by, or (`is_reverse`) referring to, what was found."""

    is_reverse: bool
    is_iterated: bool
    type: str  # of the resource that refers; "*": any
    code: str  # the reference parameter; "*": all
    target: str  # only of this type; "": any


@dataclass(frozen=True, slots=True)
class Wishes:
    """The controls of one search, read."""

    sort: tuple[SortKey, ...] = ()  # (): newest first
    count: int = COUNT_DEFAULT
    total: Total = Total.NONE
    only_count: bool = False
    includes: tuple[Include, ...] = ()
    is_exact: bool = False  # references mean the resource they name, whoever is one person


def is_wish(name: str) -> bool:
    """Say whether a parameter's name is a control, no criterion."""
    return name in CONTROLS or name.partition(":")[0] in _INCLUDES


def read_wishes(resource_type: str, pairs: Sequence[tuple[str, str]], names: Names) -> Wishes:
    """Read the controls among (name, value) pairs; of one given twice the last counts.

    Raises BadSearchValue, UnknownParameter, ParameterNotSupported, SearchTooLarge.
    """
    controls = dict(pairs)
    _check_contained(controls)
    includes = tuple(_include(name, text, names) for name, text in pairs if name not in CONTROLS)
    if len(includes) > INCLUDES_MAX:
        raise SearchTooLarge(most=INCLUDES_MAX)
    count = _count(controls.get("_count", str(COUNT_DEFAULT)))
    summary = _choice(controls, "_summary", ("false", "count"))
    return Wishes(
        sort=_sort(resource_type, controls.get("_sort", ""), names),
        count=min(count, COUNT_MAX),
        total=Total(_choice(controls, "_total", tuple(total.value for total in Total))),
        only_count=summary == "count" or count == 0,
        includes=includes,
        is_exact=_choice(controls, "_links", ("follow", "exact")) == "exact",
    )


def _check_contained(controls: Mapping[str, str]) -> None:
    """Contained resources are not found by themselves: only the defaults can be met."""
    if controls.get("_contained", "false") != "false":
        raise ParameterNotSupported(parameter="_contained")
    if controls.get("_containedType", "container") != "container":
        raise ParameterNotSupported(parameter="_containedType")


def _choice(controls: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = controls.get(name, allowed[0])
    if value not in allowed:
        raise BadSearchValue(parameter=name, expected=" | ".join(allowed))
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadSearchValue(parameter="_count", expected="number")
    return int(text)


def _sort(resource_type: str, text: str, names: Names) -> tuple[SortKey, ...]:
    if not text:
        return ()
    parts = text.split(",")
    if len(parts) > SORT_KEYS_MAX:
        raise SearchTooLarge(most=SORT_KEYS_MAX)
    return tuple(_sort_key(resource_type, part, names) for part in parts)


def _sort_key(resource_type: str, text: str, names: Names) -> SortKey:
    code = text.removeprefix("-")
    is_descending = code != text
    if code in ("_id", "_lastUpdated"):
        return SortKey(code, None, is_descending)
    try:
        parameter = names.parameter(resource_type, code, code)
    except UnknownParameter:
        raise BadSearchValue(parameter="_sort", expected="search parameter of the type") from None
    if parameter.type in _NOT_SORTED:
        raise ParameterNotSupported(parameter=f"_sort={shown_name(code)}")
    return SortKey(code, parameter, is_descending)


def _include(name: str, text: str, names: Names) -> Include:
    base, _, modifier = name.partition(":")
    if modifier and modifier not in _ITERATES:
        raise ParameterNotSupported(parameter=shown_name(name))
    if text == "*":
        return Include(_INCLUDES[base], bool(modifier), "*", "*", "")
    parts = text.split(":")
    expected = "Type:parameter[:target]"
    if not 2 <= len(parts) <= 3 or parts[0] not in TYPE_NUMBERS:
        raise BadSearchValue(parameter=base, expected=expected)
    target = parts[2] if len(parts) == 3 else ""
    if target and target not in TYPE_NUMBERS:
        raise BadSearchValue(parameter=base, expected=expected)
    if parts[1] != "*" and names.parameter(parts[0], parts[1], parts[1]).type != "reference":
        raise BadSearchValue(parameter=base, expected="reference parameter")
    return Include(_INCLUDES[base], bool(modifier), parts[0], parts[1], target)
