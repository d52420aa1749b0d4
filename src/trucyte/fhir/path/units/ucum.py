"""Units of UCUM: what they measure, and how much of it, exactly.

Reads case-sensitive UCUM expressions (terms, exponents, prefixes, annotations); what it
cannot read is none, so it is also what says whether a code is UCUM. A unit becomes a
factor and the powers of base units. Arbitrary units (`[iU]`) and logarithmic
ones (`[pH]`) measure something of their own, so they convert only into themselves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Final

from trucyte.fhir.path.units.ucum_table import (
    ARBITRARY,
    BASE,
    BINARY_PREFIXES,
    DEFINED,
    PREFIXES,
    SHIFTED,
)

LENGTH_MAX: Final = 100
_EXPONENT_MAX: Final = 40
_DEPTH_MAX: Final = 10
_METRIC_ARBITRARY: Final = frozenset(
    {"[iU]", "[IU]", "B", "Np", "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[W]", "B[kW]", "B[10.nV]"}
)
_NUMBER = re.compile(r"[0-9]+")
_SYMBOL = re.compile(r"(?:\[[^\[\]]+\]|[^\[\](){}./0-9+\-]|(?:10[*^]))+")
_EXPONENT = re.compile(r"[+-]?[0-9]+")
# R4's own list of units has blanks in annotations, though UCUM allows visible ASCII only.
_ANNOTATION = re.compile(r"\{[ -z|~]*\}")

Dimensions = tuple[tuple[str, int], ...]  # base unit and power, sorted, no power of 0


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit measures: `value` units are `(value + shift) * factor` base units."""

    dimensions: Dimensions
    factor: Fraction
    shift: Fraction = Fraction(0)

    def to_base(self, value: Fraction) -> Fraction:
        """Express an amount of this unit in base units."""
        return (value + self.shift) * self.factor

    def from_base(self, value: Fraction) -> Fraction:
        """Express an amount of base units in this unit."""
        return value / self.factor - self.shift


_ONE = Unit((), Fraction(1))


@lru_cache(maxsize=2048)
def read_unit(text: str) -> Unit | None:
    """Return what a UCUM expression means; None where it is none."""
    if not text or len(text) > LENGTH_MAX or not text.isascii():
        return None
    try:
        reader = _Reader(text)
        unit = reader.terms(0)
    except _NotAUnit:
        return None
    return unit if reader.at == len(text) else None


def is_unit(text: str) -> bool | None:
    """Say whether a text is a UCUM expression; None where it is too large to be read."""
    if read_unit(text) is not None:
        return True
    if not text.isascii():
        return False
    return None if len(text) > LENGTH_MAX or _is_too_large(text) else False


def _is_too_large(text: str) -> bool:
    try:
        _Reader(text).terms(0)
    except _TooLarge:
        return True
    except _NotAUnit:
        return False
    return False


class _NotAUnit(Exception):  # noqa: N818 - never leaves this module
    pass


class _TooLarge(_NotAUnit):
    pass


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def _here(self) -> str:
        return self._text[self.at : self.at + 1]

    def terms(self, depth: int) -> Unit:
        """Read components joined by `.` and `/`."""
        if depth > _DEPTH_MAX:
            raise _TooLarge
        unit = _ONE if self._here() == "/" else self._component(depth)
        while self._here() in (".", "/") and self._here():
            power = 1 if self._here() == "." else -1
            self.at += 1
            unit = _times(unit, self._component(depth), power)
        return unit

    def _component(self, depth: int) -> Unit:
        if self._here() == "(":
            self.at += 1
            unit = self.terms(depth + 1)
            if self._here() != ")":
                raise _NotAUnit
            self.at += 1
            self._match(_ANNOTATION)
            return unit
        annotation = self._match(_ANNOTATION)
        if annotation:
            return _ONE
        unit = self._simple()
        self._match(_ANNOTATION)
        return unit

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def _simple(self) -> Unit:
        if not self._text.startswith(("10*", "10^"), self.at):
            number = self._match(_NUMBER)
            if number:
                return Unit((), Fraction(int(number))) if int(number) else _refuse()
        symbol = self._match(_SYMBOL)
        unit = _symbol(symbol) if symbol else None
        if unit is None:
            raise _NotAUnit
        exponent = self._match(_EXPONENT)
        return _times(_ONE, unit, int(exponent)) if exponent else unit


def _refuse() -> Unit:
    raise _NotAUnit


def _times(left: Unit, right: Unit, power: int) -> Unit:
    if abs(power) > _EXPONENT_MAX:
        raise _TooLarge
    if left is _ONE and power == 1:
        return right
    powers = dict(left.dimensions)
    for name, count in right.dimensions:
        powers[name] = powers.get(name, 0) + count * power
    dimensions = tuple(sorted((name, count) for name, count in powers.items() if count))
    factor = left.factor * right.factor**power
    if max(factor.numerator.bit_length(), factor.denominator.bit_length()) > 4096:
        raise _TooLarge
    return Unit(dimensions, factor)


@lru_cache(maxsize=2048)
def _symbol(symbol: str) -> Unit | None:
    """Find a unit by its symbol, with or without a prefix."""
    found = _atom(symbol)
    if found is not None:
        return found[0]
    for length in (1, 2):
        prefix = _prefix(symbol[:length])
        found = _atom(symbol[length:]) if prefix is not None else None
        if prefix is not None and found is not None and found[1]:
            return _times(Unit((), prefix), found[0], 1)
    return None


def _prefix(symbol: str) -> Fraction | None:
    if symbol in PREFIXES:
        return Fraction(10) ** PREFIXES[symbol]
    return Fraction(2) ** BINARY_PREFIXES[symbol] if symbol in BINARY_PREFIXES else None


@cache
def _rows() -> Mapping[str, tuple[str, str, bool]]:
    rows = {}
    for line in DEFINED.strip().splitlines():
        symbol, factor, unit, *metric = line.split()
        rows[symbol] = (factor, unit, bool(metric))
    return rows


def _atom(symbol: str) -> tuple[Unit, bool] | None:
    """Return a unit without prefix, and whether it takes prefixes."""
    if symbol in BASE:
        return Unit(((symbol, 1),), Fraction(1)), True
    if symbol in ARBITRARY:
        return Unit(((ARBITRARY[symbol], 1),), Fraction(1)), symbol in _METRIC_ARBITRARY
    if symbol in SHIFTED:
        factor, shift = SHIFTED[symbol]
        return Unit((("K", 1),), Fraction(factor), Fraction(shift)), symbol == "Cel"
    row = _rows().get(symbol)
    if row is None:
        return None
    factor, text, metric = row
    unit = read_unit(text)
    assert unit is not None, symbol
    return Unit(unit.dimensions, unit.factor * Fraction(factor)), metric
