"""Orders of a search as SQL: each sort key a column of the page, absent ones last.

Dates, numbers and texts are sorted by their rows of the index, codes and addresses by the
list of distinct ones (`records.phrase`). What the index holds as hashes alone, references
and identifiers, is read from the bodies (`records.results.by_body`).
Of several values the least counts upwards, the greatest downwards.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Sequence
from dataclasses import dataclass

from trucyte.fhir.search.parameters import Parameter
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.hashing import parameter_number
from trucyte.records.listing import is_listed, sorted_number
from trucyte.records.mains import MAIN_DATES, MAIN_QUANTITIES
from trucyte.records.results.wishes import SortKey
from trucyte.records.search.bound import Parameters
from trucyte.records.search.page_token import Key

# Texts are told apart by so many characters.
TEXT_MAX = 100
_SIDES = {
    "date": ("records.date", "low", "bigint"),
    "number": ("records.quantity", "low", "double precision"),
    "quantity": ("records.quantity", "low", "double precision"),
    "string": ("records.text", "value", "text"),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """One sort key: an expression over a row `e`, or "" where only bodies tell."""

    sql: str
    cast: str
    is_descending: bool
    walk: str = ""  # rows of the index in this order: (seq, k)


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a page."""

    keys: tuple[Placed, ...]
    # Behind all keys: the newest first, but where the time itself is asked for upwards.
    tie_is_descending: bool = True

    @property
    def is_by_body(self) -> bool:
        """Whether a key is not in the index."""
        return any(not key.sql for key in self.keys)

    @property
    def columns(self) -> str:
        """What a row of the index gives to a page."""
        made = (f", {key.sql or 'null::text'} as k{n}" for n, key in enumerate(self.keys))
        return "e.seq" + "".join(made)

    @property
    def by(self) -> str:
        """The order of rows that have the columns."""
        keys = [f"e.k{n} {_way(key.is_descending)} nulls last" for n, key in enumerate(self.keys)]
        return ", ".join([*keys, f"e.seq {_way(self.tie_is_descending)}"])

    def behind(self, keys: Sequence[Key], seq: int, bound: Parameters) -> str:
        """Return that a row with the columns comes after the one with these keys."""
        condition = f"e.seq {'<' if self.tie_is_descending else '>'} {bound.add(seq, 'bigint')}"
        for number in range(len(self.keys) - 1, -1, -1):
            key, value, column = self.keys[number], keys[number], f"e.k{number}"
            if value is None:
                condition = f"({column} is null and {condition})"
                continue
            place = bound.add(value, key.cast) + (' collate "C"' if key.cast == "text" else "")
            further = "<" if key.is_descending else ">"
            condition = (
                f"({column} {further} {place} or {column} is null"
                f" or ({column} = {place} and {condition}))"
            )
        return condition

    def start(self, keys: Sequence[Key], bound: Parameters) -> str:
        """Return where a walk by the first key may begin: at the last one's value, or nowhere."""
        if keys[0] is None:
            return "false"
        further = "<=" if self.keys[0].is_descending else ">="
        place = bound.add(keys[0], self.keys[0].cast)
        return f"w.k {further} {place}" + (' collate "C"' if self.keys[0].cast == "text" else "")


def _way(is_descending: bool) -> str:
    return "desc" if is_descending else "asc"


def order_of(
    type_name: str, keys: Sequence[SortKey], parameters: Sequence[Parameter], bound: Parameters
) -> Order:
    """Return the order that sort keys of a type ask for."""
    if keys and keys[0].code == "_lastUpdated":
        # Nothing is as new as another: the time decides alone.
        return Order((), keys[0].is_descending)
    placed = []
    for key in keys:
        placed.append(_placed(type_name, key, parameters, bound))
        if key.code in ("_id", "_lastUpdated"):
            break
    return Order(tuple(placed))


def _placed(
    type_name: str, key: SortKey, parameters: Sequence[Parameter], bound: Parameters
) -> Placed:
    if key.code == "_lastUpdated":
        return Placed("e.seq", "bigint", key.is_descending)
    parameter = key.parameter
    if parameter is None:
        sql = "(select c.id from journal.change c where c.seq = e.seq)"
        return Placed(sql, "text", key.is_descending)
    if is_of_body(parameter):
        return Placed("", "text", key.is_descending)
    sources = [parameters[source].code for source in parameter.sources]
    if parameter.type in ("token", "uri"):
        listed = sorted_number if parameter.type == "token" else parameter_number
        numbers = bound.add([listed(type_name, code) for code in sources], "integer[]")
        choice = "max" if key.is_descending else "min"
        sql = (
            f"(select left({choice}(t.value), {TEXT_MAX}) from records.phrase t"
            f" where t.token = any(e.tokens) and t.parameter = any({numbers}))"
        )
        return Placed(sql, "text", key.is_descending)
    return _ranged(type_name, key, parameter.type, sources, bound)


def _ranged(
    type_name: str, key: SortKey, kind: str, sources: Sequence[str], bound: Parameters
) -> Placed:
    table, column, cast = _SIDES[kind]
    mains = {MAIN_DATES.get(type_name): "e.date_low"} if kind == "date" else {}
    if kind == "quantity":
        mains = {MAIN_QUANTITIES.get(type_name): "e.quantity_low"}
    beside = [code for code in sources if code not in mains]
    found = [f"{mains[code]}" for code in sources if code in mains]
    walk = ""
    if found == ["e.date_low"] and not beside:
        number = TYPE_NUMBERS[type_name]
        walk = (
            f"select e.seq, e.date_low as k from records.entry e where e.type = {number}"
            " and e.date_low is not null"
        )
    if beside:
        numbers = [parameter_number(type_name, code) for code in beside]
        choice = "max" if key.is_descending else "min"
        chosen = f"{choice}(s.{column})"
        chosen = f"left({chosen}, {TEXT_MAX})" if cast == "text" else chosen
        found.append(
            f"(select {chosen} from {table} s"
            f" where s.seq = e.seq and s.parameter = any({bound.add(numbers, 'integer[]')}))"
        )
        if len(sources) == 1 and cast != "text":
            own = bound.add(numbers[0], "integer")
            walk = f"select s.seq, s.{column} as k from {table} s where s.parameter = {own}"
    chosen = "greatest" if key.is_descending else "least"
    sql = found[0] if len(found) == 1 else f"{chosen}({', '.join(found)})"
    return Placed(sql, cast, key.is_descending, walk)


def is_of_body(parameter: Parameter) -> bool:
    """Say whether the index does not know an order of a parameter's values."""
    if parameter.type == "token":
        return not is_listed(parameter)
    return parameter.type == "reference" or parameter.code == "_source"
