"""Dates, numbers and quantities as conditions, whatever unit says the same."""

# ruff: noqa: S608 - the text comes from this package alone, every value is a parameter

from functools import partial

from trucyte.records.hashing import Hasher
from trucyte.records.measures import UCUM, alternatives, in_base_units, to_base
from trucyte.records.search.asked.leaf import Value
from trucyte.records.search.bound import Parameters, any_of
from trucyte.records.search.ranges import DATE_TESTS, NUMBER_TESTS


class Amounts:
    """Compiles what has a range."""

    def __init__(self, bound: Parameters, hasher: Hasher, now: int) -> None:
        """Take the statement's values; `now` in µs since 1970 decides what is approximately."""
        self._bound = bound
        self._hasher = hasher
        self._now = now

    def range(self, tests: dict[str, str], value: Value, low: str, high: str) -> str:
        """Return the test of columns `low` and `high` against a date or number."""
        bounds: tuple[float, float] = (value.low, value.high)
        is_date = tests is DATE_TESTS
        if value.prefix == "ap":
            bounds = value.around_time(self._now) if is_date else value.around()
        cast = "bigint" if is_date else "double precision"
        text = tests[value.prefix]
        places = {
            name: self._bound.add(bound, cast)
            for name, bound in zip(("low", "high", "point"), (*bounds, value.point), strict=True)
            if f"{{{name}}}" in text
        }
        return text.format(l=low, h=high, **places)

    def rare_units(self, numbers: str, value: Value) -> list[str]:
        """Return conditions for the main quantity in a unit that is not common.

        It has a row in base units, under one of the parameters that `numbers` holds the place
        of. Few are so: as an array, for of a subquery the planner would expect half the table.
        """
        based = self._based(value)
        if based is None:
            return []
        form, asked = based
        test = self.range(NUMBER_TESTS, asked, "q.low", "q.high")
        held = self._bound.add([form], "bigint[]")
        return [
            f"e.seq = any(array(select q.seq from records.quantity q"
            f" where q.parameter = any({numbers})"
            f" and q.units @> {held} and {test}))"
        ]

    def _based(self, value: Value) -> tuple[int, Value] | None:
        """Return what a UCUM quantity measures, and it in base units."""
        if value.parts[:1] != (UCUM,):
            return None
        code = value.parts[1]
        base = in_base_units(code, (0.0,))
        if base is None:
            return None
        asked = value.around_itself().with_ends(partial(to_base, code))
        return self._hasher.measure(base[0]), asked

    def other_units(self, value: Value) -> list[tuple[int, Value]]:
        """Return the value in the common units that measure the same, with their form."""
        if value.parts[:1] != (UCUM,):
            return []
        value = value.around_itself()
        return [
            (self._hasher.system_code(UCUM, other.code), value.with_ends(other.converted))
            for other in alternatives(value.parts[1])
        ]

    def every_unit(self, value: Value) -> list[tuple[int | None, Value]]:
        """Return the value as it is asked, in other units, and in base units."""
        based = self._based(value)
        found: list[tuple[int | None, Value]] = [(self.unit(value), value)]
        found.extend(self.other_units(value))
        if based is not None:
            found.append(based)
        return found

    def amount(self, value: Value, row: str) -> str:
        """A number or quantity in a row of the side table, whatever unit says the same."""
        conditions = []
        for unit, asked in self.every_unit(value):
            test = self.range(NUMBER_TESTS, asked, f"{row}.low", f"{row}.high")
            if unit is not None:
                test = f"({row}.units @> {self._bound.add([unit], 'bigint[]')} and {test})"
            conditions.append(test)
        return any_of(conditions)

    def unit(self, value: Value) -> int | None:
        """Return the form of a quantity's unit, None where none is named."""
        if not any(value.parts):
            return None
        system, code = value.parts
        return self._hasher.system_code(system, code) if system else self._hasher.code(code)
