"""ValueSet.compose filters over one code system (R4 4.9.5, filter-operator).

The operators that hierarchies and properties of real lists need. One that is not here is
refused aloud: a value set with a filter left out would hold codes it must not.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import process_time
from typing import Any, Final

from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.path.regular.patterns import matches_full
from trucyte.shared.terminology.problems import FilterUnsupported, PatternRefused
from trucyte.shared.terminology.system import SystemContent

_PATTERN_MAX: Final = 256
_TEXT_MAX: Final = 1024
_SECONDS_MAX: Final = 2.0  # of CPU for one pattern over a whole code system
_LOOK_EVERY: Final = 256
_CODE_NAMES: Final = frozenset({"concept", "code"})

Kept = set[str] | frozenset[str]


def filtered(system: SystemContent, rule: Mapping[str, Any]) -> Kept:
    """Return the codes that one filter keeps.

    Raises FilterUnsupported and PatternRefused.
    """
    name, operator = str(rule.get("property", "")), str(rule.get("op", ""))
    value = str(rule.get("value", ""))
    found = _OPERATORS.get(operator)
    if found is None or (operator in _OF_CODE and name not in _CODE_NAMES):
        raise FilterUnsupported(property=_shown(name), op=_shown(operator))
    return found(system, name, value)


def _is_a(system: SystemContent, name: str, value: str) -> Kept:
    return system.below(value) | ({value} if value in system else set())


def _descendent_of(system: SystemContent, name: str, value: str) -> Kept:
    return system.below(value)


def _is_not_a(system: SystemContent, name: str, value: str) -> Kept:
    return set(system.codes) - _is_a(system, name, value)


def _generalizes(system: SystemContent, name: str, value: str) -> Kept:
    return (system.above(value) | {value}) if value in system else set()


def _equal(system: SystemContent, name: str, value: str) -> Kept:
    return {code for code, values in _values(system, name) if value in map(_text, values)}


def _in(system: SystemContent, name: str, value: str) -> Kept:
    wanted = {part.strip() for part in value.split(",")}
    return {code for code, values in _values(system, name) if wanted & set(map(_text, values))}


def _not_in(system: SystemContent, name: str, value: str) -> Kept:
    return set(system.codes) - _in(system, name, value)


def _exists(system: SystemContent, name: str, value: str) -> Kept:
    having = {code for code, _ in _values(system, name)}
    return having if value.strip().lower() == "true" else set(system.codes) - having


def _regex(system: SystemContent, name: str, value: str) -> Kept:
    if len(value) > _PATTERN_MAX:
        raise PatternRefused(reason=f"longer than {_PATTERN_MAX} characters")
    try:
        return set(_matching(_values(system, name), value))
    except PathProblem as problem:
        raise PatternRefused(reason=str(problem.facts.get("reason", ""))) from None


def _matching(found: Iterable[tuple[str, tuple[Any, ...]]], pattern: str) -> Iterator[str]:
    end = process_time() + _SECONDS_MAX
    for number, (code, values) in enumerate(found):
        if number % _LOOK_EVERY == 0 and process_time() > end:
            raise PatternRefused(reason="it takes too long over this code system")
        if any(matches_full(_text(value)[:_TEXT_MAX], pattern) for value in values):
            yield code


_Operator = Callable[[SystemContent, str, str], Kept]
_OPERATORS: Final[Mapping[str, _Operator]] = {
    "is-a": _is_a,
    "descendent-of": _descendent_of,
    "is-not-a": _is_not_a,
    "generalizes": _generalizes,
    "=": _equal,
    "in": _in,
    "not-in": _not_in,
    "exists": _exists,
    "regex": _regex,
}
_OF_CODE: Final = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})


def _values(system: SystemContent, name: str) -> Iterable[tuple[str, tuple[Any, ...]]]:
    if name in _CODE_NAMES:
        return ((code, (code,)) for code in system.codes)
    if name == "display":
        return (
            (code, (concept.display,))
            for code in system.codes
            if (concept := system.newest(code)) is not None
        )
    if name == "child":
        return ((code, tuple(below)) for code, below in system.children.items())
    return system.values(name).items()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shown(text: str) -> str:
    """Return a name as far as it is one; anything else could be anything."""
    return text if re.fullmatch(r"[A-Za-z0-9_=.-]{1,64}", text) else "(unreadable)"
