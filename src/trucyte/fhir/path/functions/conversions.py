"""Conversions between the types of the language (FHIRPath 2.0 5.5)."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from trucyte.fhir.path import moment, quantity
from trucyte.fhir.path.code import Code, Compiler, Function, of_run, of_test, text
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.numbers import is_integer, is_ordinary, plain
from trucyte.fhir.path.quantity import CALENDAR_WORDS, Quantity
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.values import EMPTY, Items, single

_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?\d{1,12}")
_DECIMAL = re.compile(r"[+-]?\d{1,60}(?:\.\d{1,60})?")
_QUANTITY = re.compile(r"([+-]?\d{1,60}(?:\.\d{1,60})?)(?:\s*'([^']{1,100})'|\s+([a-zA-Z]{1,20}))?")


CALENDAR_UNITS: Final = frozenset(CALENDAR_WORDS.values())


def to_boolean(value: Any) -> bool | None:
    """Convert to a Boolean; None where it cannot be."""
    if value.__class__ is str:
        word = value.lower() if len(value) <= len("false") else ""
        return True if word in _TRUE else False if word in _FALSE else None
    if value.__class__ in (bool, int, Decimal):
        return bool(value) if value in (0, 1) else None
    return None


def to_integer(value: Any) -> int | None:
    """Convert to an Integer; None where it cannot be."""
    if value.__class__ is str:
        if not (len(value) <= 13 and value.isascii() and _INTEGER.fullmatch(value)):
            return None
        value = int(value)
    if value.__class__ in (bool, int):
        return int(value) if is_integer(value) else None
    return None


def to_decimal(value: Any) -> Decimal | None:
    """Convert to a Decimal; None where it cannot be."""
    if value.__class__ in (bool, int, Decimal):
        return Decimal(value)
    if value.__class__ is str and len(value) <= 130 and _is_decimal(value):
        return Decimal(value)
    return None


def _is_decimal(value: str) -> bool:
    return value.isascii() and _DECIMAL.fullmatch(value) is not None


def to_string(value: Any) -> str | None:
    """Convert to a String; None of an element that is no single value."""
    if value.__class__ is str:
        return value
    if value.__class__ is bool:
        return "true" if value else "false"
    if value.__class__ is Decimal:
        return plain(value)
    if value.__class__ is int:
        return str(value) if is_ordinary(value) else None
    if value.__class__ is Quantity:
        return quantity_text(value)
    return str(value) if value.__class__ is Moment else None


def quantity_text(value: Quantity) -> str:
    """Write a quantity as a literal of the language."""
    word = value.unit in CALENDAR_UNITS
    number = plain(value.value)
    if not word:
        return f"{number} '{value.unit}'"
    return f"{number} {value.unit}{'' if value.value in (1, -1) else 's'}"


def _to_moment(type: str) -> Callable[[Any], Moment | None]:
    def convert(value: Any) -> Moment | None:
        if value.__class__ is str:
            return moment.read(value, type) or _from_longer(value, type)
        if value.__class__ is not Moment or (value.type == moment.TIME) is not (
            type == moment.TIME
        ):
            return None
        if type == moment.DATE and value.type == moment.DATE_TIME:
            return Moment(moment.DATE, value.parts[:3])
        if type == moment.DATE_TIME and value.type == moment.DATE:
            return Moment(moment.DATE_TIME, value.parts)
        return value

    return convert


def _from_longer(value: str, type: str) -> Moment | None:
    """Take the date of a text that holds a dateTime."""
    longer = moment.read(value, moment.DATE_TIME) if type == moment.DATE else None
    return None if longer is None else Moment(moment.DATE, longer.parts[:3])


def to_quantity(value: Any) -> Quantity | None:
    """Convert to a Quantity; None where it cannot be."""
    if value.__class__ is Quantity:
        return value
    if value.__class__ in (bool, int, Decimal):
        return Quantity(Decimal(value), "1")
    if value.__class__ is not str or len(value) > 300:
        return None
    match = _QUANTITY.fullmatch(value)
    if match is None or not match[1].isascii():
        return None
    unit = match[2] or "1"
    if match[3] is not None:
        unit = CALENDAR_WORDS.get(match[3], "")
    return Quantity(Decimal(match[1]), unit) if unit else None


def _build_to_quantity(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run
    unit_of = compiler.code(call.arguments[0]).run if call.arguments else None
    asks = call.name.startswith("converts")

    def run(items: Items, scope: Scope) -> Items:
        value = single(focus(items, scope))
        if value is None:
            return EMPTY
        found = to_quantity(value)
        unit = text(unit_of(scope.this, scope)) if unit_of else None
        if found is not None and unit is not None and unit != found.unit:
            found = quantity.converted(found, CALENDAR_WORDS.get(unit, unit))
        return [found is not None] if asks else EMPTY if found is None else [found]

    return of_run(run)


def _to(convert: Callable[[Any], Any]) -> Function:
    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus = before.run

        def run(items: Items, scope: Scope) -> Items:
            value = single(focus(items, scope))
            result = None if value is None else convert(value)
            return EMPTY if result is None else [result]

        return of_run(run)

    return Function(0, 0, build)


def _converts(convert: Callable[[Any], Any]) -> Function:
    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus = before.run

        def ask(items: Items, scope: Scope) -> bool | None:
            value = single(focus(items, scope))
            return None if value is None else convert(value) is not None

        return of_test(ask)

    return Function(0, 0, build)


_TYPES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Decimal": to_decimal,
    "String": to_string,
    "Date": _to_moment(moment.DATE),
    "DateTime": _to_moment(moment.DATE_TIME),
    "Time": _to_moment(moment.TIME),
}

CONVERSIONS: Final[Mapping[str, Function]] = {
    **{f"to{name}": _to(convert) for name, convert in _TYPES.items()},
    **{f"convertsTo{name}": _converts(convert) for name, convert in _TYPES.items()},
    "toQuantity": Function(0, 1, _build_to_quantity),
    "convertsToQuantity": Function(0, 1, _build_to_quantity),
}
