"""Fixed values, patterns, and limits of an element (R4 2.27 ElementDefinition)."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trucyte.fhir.packages.library import aliases
from trucyte.fhir.profiles.rules import ABOVE_MAXIMUM, BELOW_MINIMUM, FIXED, PATTERN, TEXT_LONG
from trucyte.fhir.profiles.scope import Check, Scope
from trucyte.fhir.validation.fault import Fault, Found, fault

_SHOWN_MAX = 120
_BESIDE = frozenset({"id", "extension"})


def given(own: Mapping[str, Any], kind: str) -> Any:
    """Return the value of `fixed[x]`, `pattern[x]`, `minValue[x]` or `maxValue[x]`, or None."""
    for key, value in own.items():
        if key.startswith(kind) and key[len(kind) : len(kind) + 1].isupper():
            return exact(value)
    return None


def exact(value: Any) -> Any:
    """Return a value with every float as the decimal it was written as."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return value


def same(value: Any, wanted: Any) -> bool:
    """Compare as fixed values are: exactly, but for how a number is written."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(same(value[key], item) for key, item in wanted.items())
        )
    if isinstance(wanted, list):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(same(one, item) for one, item in zip(value, wanted, strict=True))
        )
    return (
        type(value) is not float
        and isinstance(value, bool) == isinstance(wanted, bool)
        and bool(value == wanted)
    )


def fits(value: Any, pattern: Any) -> bool:
    """Say whether a value holds at least what a pattern holds."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and fits(value[key], item) for key, item in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(fits(one, item) for one in value) for item in pattern
        )
    return same(value, pattern)


def fixed_check(wanted: Any) -> Check:
    """Check that a value is exactly `wanted`; the fault lies where the two part.

    An address of one core of Viet Nam may be written as the other writes it.
    """
    names = frozenset(aliases(wanted)) if isinstance(wanted, str) else frozenset()

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        if value is None or same(value, wanted):
            return None
        if type(value) is str and value in names:
            return None
        return [_parted(value, wanted, "")]

    return check


def _parted(value: Any, wanted: Any, path: str) -> Fault:
    """Find the first place where a value is not what is fixed."""
    if isinstance(wanted, dict) and isinstance(value, dict):
        for key, item in wanted.items():
            if key in value and not same(value[key], item):
                return _parted(value[key], item, f"{path}.{key}")
    if isinstance(wanted, list) and isinstance(value, list) and len(wanted) == len(value):
        for index, item in enumerate(wanted):
            if not same(value[index], item):
                return _parted(value[index], item, f"{path}[{index}]")
    return Fault(FIXED, {"wanted": shown(wanted)}, path)


def pattern_check(pattern: Any) -> Check:
    """Check that a value holds what the pattern holds."""
    facts = {"wanted": shown(pattern)}

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        if value is None or fits(value, pattern):
            return None
        return [Fault(PATTERN, facts)]

    return check


def length_check(limit: int) -> Check:
    """Check a text against `maxLength`."""

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        if type(value) is str and len(value) > limit:
            return fault(TEXT_LONG, limit=limit)
        return None

    return check


def limit_check(limit: Any, *, is_minimum: bool) -> Check:
    """Check a number, date or quantity against `minValue` or `maxValue`."""
    rule = BELOW_MINIMUM if is_minimum else ABOVE_MAXIMUM
    facts = {"limit": shown(limit)}

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        order = _compared(value, limit)
        if order is None or order == 0 or (order < 0) != is_minimum:
            return None
        return [Fault(rule, facts)]

    return check


def _compared(value: Any, limit: Any) -> int | None:
    """Compare two values; None where they cannot be compared."""
    if isinstance(value, dict) and isinstance(limit, dict):
        if value.get("code") != limit.get("code") or value.get("system") != limit.get("system"):
            return None
        return _compared(value.get("value"), limit.get("value"))
    if isinstance(value, str) and isinstance(limit, str):
        length = min(len(value), len(limit), 10)
        one, other = value[:length], limit[:length]
        return (one > other) - (one < other)
    try:
        first, second = Decimal(value), Decimal(limit)
        return (first > second) - (first < second)
    except (TypeError, ValueError, InvalidOperation):
        return None


def shown(value: Any) -> str:
    """Write a value of a definition for a message: `system#code`, text or number."""
    if isinstance(value, dict):
        if "code" in value:
            return f"{value.get('system', '')}#{value['code']}"[:_SHOWN_MAX]
        parts = [f"{k}: {shown(v)}" for k, v in value.items() if k not in _BESIDE]
        return "; ".join(parts)[:_SHOWN_MAX]
    if isinstance(value, list):
        return ", ".join(shown(one) for one in value)[:_SHOWN_MAX]
    return str(value)[:_SHOWN_MAX]
