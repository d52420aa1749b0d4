"""Conditions on a pair of records, written once and read twice: as Python and as SQL.

A condition names columns of `Person`. "" in Python is NULL in SQL: what is not known
equals nothing. Python and SQL give the same answer on every pair (a property test holds
them to it), so that a model trained in bulk means the same at registration.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Protocol

from rapidfuzz.distance import DamerauLevenshtein, Hamming, JaroWinkler

Judge = Callable[[Any, Any], bool]
_LETTER = re.compile("[a-z]")


class Condition(Protocol):
    """Something that holds of a pair or does not."""

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        ...

    def sql(self) -> str:
        """Return it as an SQL expression on rows `l` and `r`; NULL counts as false."""
        ...


@dataclass(frozen=True, slots=True)
class Same:
    """Both have the column, and with one value."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)

        def same(left: Any, right: Any) -> bool:
            value = get(left)
            return bool(value) and value == get(right)

        return same

    def sql(self) -> str:
        """Return it as SQL."""
        return f"l.{self.column} = r.{self.column}"


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the two has exactly this value."""

    column: str
    value: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get, value = attrgetter(self.column), self.value
        return lambda left, right: get(left) == value or get(right) == value

    def sql(self) -> str:
        """Return it as SQL."""
        return f"(l.{self.column} = '{self.value}' OR r.{self.column} = '{self.value}')"


@dataclass(frozen=True, slots=True)
class Both:
    """Each of the two has exactly this value."""

    column: str
    value: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get, value = attrgetter(self.column), self.value
        return lambda left, right: get(left) == value and get(right) == value

    def sql(self) -> str:
        """Return it as SQL."""
        return f"(l.{self.column} = '{self.value}' AND r.{self.column} = '{self.value}')"


@dataclass(frozen=True, slots=True)
class OtherWords:
    """Both have the column, and not with the same words in whatever order."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)

        def other(left: Any, right: Any) -> bool:
            one, two = get(left), get(right)
            return bool(one and two) and sorted(one.split(" ")) != sorted(two.split(" "))

        return other

    def sql(self) -> str:
        """Return it as SQL."""
        words = (f"list_sort(string_split({row}.{self.column}, ' '))" for row in ("l", "r"))
        return " <> ".join(words)


@dataclass(frozen=True, slots=True)
class Lettered:
    """Each of the two has a letter in the column: "3" alone is no address but a hamlet's number."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)

        def lettered(left: Any, right: Any) -> bool:
            return bool(_LETTER.search(get(left)) and _LETTER.search(get(right)))

        return lettered

    def sql(self) -> str:
        """Return it as SQL."""
        return " AND ".join(
            f"regexp_matches({row}.{self.column}, '{_LETTER.pattern}')" for row in ("l", "r")
        )


@dataclass(frozen=True, slots=True)
class Lacking:
    """At least one of the two has nothing in the column."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)
        return lambda left, right: not get(left) or not get(right)

    def sql(self) -> str:
        """Return it as SQL."""
        return f"(l.{self.column} IS NULL OR r.{self.column} IS NULL)"


@dataclass(frozen=True, slots=True)
class Begins:
    """The one is the beginning of the other: an initial, or a name cut short."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)

        def begins(left: Any, right: Any) -> bool:
            one, other = get(left), get(right)
            return bool(one and other) and (one.startswith(other) or other.startswith(one))

        return begins

    def sql(self) -> str:
        """Return it as SQL."""
        left, right = f"l.{self.column}", f"r.{self.column}"
        return f"(starts_with({left}, {right}) OR starts_with({right}, {left}))"


@dataclass(frozen=True, slots=True)
class Similar:
    """Jaro-Winkler similarity of ASCII texts, 0 to 1, at least so much."""

    column: str
    at_least: float

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get, least = attrgetter(self.column), self.at_least
        similarity = JaroWinkler.similarity

        def similar(left: Any, right: Any) -> bool:
            one, other = get(left), get(right)
            return bool(one and other) and similarity(one, other) >= least

        return similar

    def sql(self) -> str:
        """Return it as SQL."""
        return f"jaro_winkler_similarity(l.{self.column}, r.{self.column}) >= {self.at_least}"


@dataclass(frozen=True, slots=True)
class Slip:
    """One letter is wrong, missing, too many or exchanged with its neighbour, at most."""

    column: str
    length_min: int  # of the shorter text: one wrong letter of two is no slip

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get, shortest = attrgetter(self.column), self.length_min
        distance = DamerauLevenshtein.distance

        def slip(left: Any, right: Any) -> bool:
            one, other = get(left), get(right)
            return (
                len(one) >= shortest
                and len(other) >= shortest
                and abs(len(one) - len(other)) <= 1
                and distance(one, other, score_cutoff=1) <= 1
            )

        return slip

    def sql(self) -> str:
        """Return it as SQL; the dear distance is asked for only where the cheap one is 2."""
        left, right = f"l.{self.column}", f"r.{self.column}"
        pair = f"({left}, {right})"
        shortest = f"least(length({left}), length({right})) >= {self.length_min}"
        return (
            f"CASE WHEN abs(length({left}) - length({right})) > 1 THEN false"
            f" WHEN levenshtein{pair} <= 1 THEN {shortest}"
            f" WHEN length({left}) <> length({right}) OR levenshtein{pair} > 2 THEN false"
            f" ELSE damerau_levenshtein{pair} <= 1 AND {shortest} END"
        )


@dataclass(frozen=True, slots=True)
class Digits:
    """Two numbers of one length differ in at most so many places."""

    column: str
    at_most: int

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get, most = attrgetter(self.column), self.at_most
        distance = Hamming.distance

        def digits(left: Any, right: Any) -> bool:
            one, other = get(left), get(right)
            return bool(one) and len(one) == len(other) and distance(one, other) <= most

        return digits

    def sql(self) -> str:
        """Return it as SQL; lengths that differ never reach the distance, which refuses them."""
        left, right = f"l.{self.column}", f"r.{self.column}"
        return (
            f"CASE WHEN length({left}) = length({right})"
            f" THEN hamming({left}, {right}) <= {self.at_most} ELSE false END"
        )


@dataclass(frozen=True, slots=True)
class Near:
    """Two whole numbers, written as text, lie at most so far apart."""

    column: str
    at_most: int

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get, most = attrgetter(self.column), self.at_most

        def near(left: Any, right: Any) -> bool:
            one, other = get(left), get(right)
            return bool(one and other) and abs(int(one) - int(other)) <= most

        return near

    def sql(self) -> str:
        """Return it as SQL."""
        return f"abs(CAST(l.{self.column} AS INTEGER) - CAST(r.{self.column} AS INTEGER))" + (
            f" <= {self.at_most}"
        )


@dataclass(frozen=True, slots=True)
class Far:
    """Two whole numbers, written as text, lie at least so far apart."""

    column: str
    at_least: int

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get, least = attrgetter(self.column), self.at_least

        def far(left: Any, right: Any) -> bool:
            one, other = get(left), get(right)
            return bool(one and other) and abs(int(one) - int(other)) >= least

        return far

    def sql(self) -> str:
        """Return it as SQL."""
        left, right = f"l.{self.column}", f"r.{self.column}"
        return f"abs(CAST({left} AS INTEGER) - CAST({right} AS INTEGER)) >= {self.at_least}"


@dataclass(frozen=True, slots=True)
class Has:
    """At least one of the two has something in the column."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)
        return lambda left, right: bool(get(left) or get(right))

    def sql(self) -> str:
        """Return it as SQL."""
        return f"(l.{self.column} IS NOT NULL OR r.{self.column} IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class Neither:
    """None of the two has anything in the column."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)
        return lambda left, right: not get(left) and not get(right)

    def sql(self) -> str:
        """Return it as SQL."""
        return f"(l.{self.column} IS NULL AND r.{self.column} IS NULL)"


@dataclass(frozen=True, slots=True)
class Differ:
    """Both have the column, with two values."""

    column: str

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        get = attrgetter(self.column)

        def differ(left: Any, right: Any) -> bool:
            one, other = get(left), get(right)
            return bool(one and other) and one != other

        return differ

    def sql(self) -> str:
        """Return it as SQL."""
        return f"l.{self.column} <> r.{self.column}"


class All:
    """Each of them holds; asked from left to right."""

    def __init__(self, *parts: Condition) -> None:
        self.parts = parts

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        judges = tuple(part.judge() for part in self.parts)
        if len(judges) == 2:
            first, second = judges
            return lambda left, right: first(left, right) and second(left, right)
        return lambda left, right: all(judge(left, right) for judge in judges)

    def sql(self) -> str:
        """Return it as SQL."""
        return "(" + " AND ".join(part.sql() for part in self.parts) + ")"


class AnyOf:
    """At least one of them holds."""

    def __init__(self, *parts: Condition) -> None:
        self.parts = parts

    def judge(self) -> Judge:
        """Return what decides it for two persons."""
        judges = tuple(part.judge() for part in self.parts)
        return lambda left, right: any(judge(left, right) for judge in judges)

    def sql(self) -> str:
        """Return it as SQL."""
        return "(" + " OR ".join(f"({part.sql()})" for part in self.parts) + ")"
