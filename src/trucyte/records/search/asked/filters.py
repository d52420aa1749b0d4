"""`_filter`: one expression instead of many parameters (R4 3.1.3), read into the same tree.

    name co "Dao" and (birthdate lt 1990 or not (organization[active eq true].name pr false))

`and` and `or` are taken from left to right, neither before the other, as R4 3.1.3 says.
"""

import json
import re
from dataclasses import dataclass, replace
from functools import partial

from trucyte.base.problem import Kind, Problem
from trucyte.records.search.asked.leaf import (
    BadSearchValue,
    Criterion,
    check_modifier,
    read_leaf,
    shown_name,
)
from trucyte.records.search.asked.names import Names
from trucyte.records.search.asked.tree import And, Node, Not, Or

LENGTH_MAX = 10_000
CONDITIONS_MAX = 100
DEPTH_MAX = 20
_BLANK = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][\w\-:]*", re.ASCII)
_OPERATOR = re.compile(r"\s+([a-z]{2})\s+", re.ASCII)
_WORD = re.compile(r"(and|or)\b", re.ASCII)
_NOT = re.compile(r"not\s*\(", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_TOKEN = re.compile(r'[^\s()\[\]"]+')
_RANGES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"})
_OPERATORS = {
    "string": frozenset({"eq", "ne", "co", "sw", "ew"}),
    "token": frozenset({"eq", "ne", "in", "ni", "ss", "sb"}),
    "reference": frozenset({"eq", "ne", "re"}),
    "uri": frozenset({"eq", "ne"}),
    "composite": frozenset({"eq", "ne"}),
    "id": frozenset({"eq", "ne"}),
    "date": _RANGES | {"po"},
    "lastUpdated": _RANGES | {"po"},
    "number": _RANGES,
    "quantity": _RANGES,
}
_MODIFIERS = {"co": "contains", "in": "in", "ni": "not-in", "ss": "above", "sb": "below"}
# What only filters can ask of a string.
_OF_STRINGS = {"eq": "equals", "ew": "ends"}


class FilterUnreadable(Problem):
    """The _filter cannot be read at character {at}: {reason}."""

    code = "search-filter"


class FilterTooLarge(Problem):
    """The _filter is longer or deeper than this node reads: {what}."""

    kind = Kind.TOO_LARGE
    code = "search-filter-large"


class OperatorNotSupported(Problem):
    """The operator {operator} of _filter cannot be asked of {parameter}."""

    code = "search-filter-operator"


def read_filter(names: Names, resource_type: str, text: str) -> Node:
    """Return what an expression asks of a resource of a type.

    Raises FilterUnreadable with the place, FilterTooLarge, OperatorNotSupported, and what
    `Names` raises.
    """
    if len(text) > LENGTH_MAX:
        raise FilterTooLarge(what=f"more than {LENGTH_MAX} characters")
    reader = _Reader(names, text)
    node = reader.expression(resource_type, 0)
    reader.end()
    return node


@dataclass(slots=True)
class _Reader:
    """A place in a text."""

    names: Names
    text: str
    place: int = 0
    conditions: int = 0

    def expression(self, type_name: str, depth: int) -> Node:
        """Read terms joined by `and` and `or`, from left to right."""
        if depth > DEPTH_MAX:
            raise FilterTooLarge(what=f"more than {DEPTH_MAX} levels")
        left = self._term(type_name, depth)
        while (word := self._take(_WORD)) is not None:
            right = self._term(type_name, depth)
            left = _joined(And if word == "and" else Or, left, right)
        return left

    def end(self) -> None:
        """Refuse what stands behind the expression."""
        self._take(_BLANK)
        if self.place < len(self.text):
            self._refuse("and, or, or the end was expected")

    def _term(self, type_name: str, depth: int) -> Node:
        if self._take(_NOT) is not None:
            return Not(self._closed(type_name, depth, ")"))
        if self._takes("("):
            return self._closed(type_name, depth, ")")
        return self._condition(type_name, depth)

    def _closed(self, type_name: str, depth: int, mark: str) -> Node:
        node = self.expression(type_name, depth + 1)
        if not self._takes(mark):
            self._refuse(f"{mark} was expected")
        return node

    def _condition(self, type_name: str, depth: int) -> Node:
        self.conditions += 1
        if self.conditions > CONDITIONS_MAX:
            raise FilterTooLarge(what=f"more than {CONDITIONS_MAX} conditions")
        return self._path(type_name, "", depth)

    def _path(self, type_name: str, before: str, depth: int) -> Node:
        """Read a name, the filter behind it if there is one, and go on behind the dot."""
        name = before + self._must_take(_NAME, "the name of a parameter was expected")
        if self._starts("["):
            return self._through(type_name, name, depth)
        if self._starts("."):
            self.place += 1
            return self._path(type_name, f"{name}.", depth)
        operator = self._operator()
        value = self._value()
        leaf = partial(self._leaf, name, operator, value)
        return self.names.follow(type_name, name, name, leaf)

    def _through(self, type_name: str, name: str, depth: int) -> Node:
        """`reference[filter].path`: both hold of the same resource that is referred to."""
        before, _, link = name.rpartition(".")
        begin, ends = self.place, [self.place]

        def rest(target: str) -> Node:
            self.place = begin + 1
            inner = self._closed(target, depth, "]")
            if not self._starts("."):
                self._refuse(". was expected")
            self.place += 1
            node = _joined(And, inner, self._path(target, "", depth + 1))
            ends.append(self.place)
            return node

        def chain(target: str, _: str) -> Node:
            return self.names.chain(target, name, link, rest)

        node = self.names.follow(type_name, name, name if before else link, chain)
        # A type that does not know what stands here left off somewhere.
        self.place = ends[-1]
        return node

    def _operator(self) -> str:
        found = _OPERATOR.match(self.text, self.place)
        if found is None:
            self._refuse("an operator of two letters was expected")
        assert found is not None
        self.place = found.end()
        return found[1]

    def _value(self) -> str:
        found = _STRING.match(self.text, self.place)
        if found is None:
            return self._must_take(_TOKEN, "a value was expected")
        self.place = found.end()
        try:
            return str(json.loads(found[0], strict=False))
        except ValueError:
            self._refuse("the text in quotes cannot be read")
            raise

    def _leaf(self, whole: str, operator: str, value: str, type_name: str, name: str) -> Node:
        code = name.partition(":")[0]
        is_of_index = code in ("_id", "_lastUpdated")
        parameter = None if is_of_index else self.names.parameter(type_name, code, whole)
        kind = parameter.type if parameter else code.removeprefix("_")
        shown = shown_name(whole)
        if code != name:
            check_modifier(shown, code, kind, name.partition(":")[2])
        if operator == "pr":
            return read_leaf(whole, code, "missing", _presence(value, shown), parameter)
        if operator not in _OPERATORS.get(kind, ()):
            raise OperatorNotSupported(operator=operator, parameter=shown)
        text = re.sub(r"([,\\])" if kind == "composite" else r"([,$\\])", r"\\\1", value)
        if kind in ("date", "lastUpdated", "number", "quantity"):
            return _ranged(read_leaf(whole, code, "", text, parameter), operator)
        modifier = _MODIFIERS.get(operator, name.partition(":")[2])
        if operator in ("ss", "sb", "in", "ni"):
            return self.names.coded(read_leaf(whole, code, modifier, text, parameter))
        read = read_leaf(whole, code, modifier, text, parameter)
        if kind == "string":
            wanted = "eq" if operator == "ne" else operator
            read = replace(read, modifier=_OF_STRINGS.get(wanted, read.modifier))
        if operator != "ne":
            return read
        # Unequal is what is there and differs.
        is_there = read_leaf(whole, code, "missing", "false", parameter)
        return Not(read) if kind == "composite" else And((is_there, Not(read)))

    def _starts(self, mark: str) -> bool:
        return self.text.startswith(mark, self.place)

    def _takes(self, mark: str) -> bool:
        blank = _BLANK.match(self.text, self.place)
        assert blank is not None
        if not self.text.startswith(mark, blank.end()):
            return False
        self.place = blank.end() + len(mark)
        return True

    def _take(self, shape: re.Pattern[str]) -> str | None:
        blank = _BLANK.match(self.text, self.place)
        assert blank is not None
        found = shape.match(self.text, blank.end())
        if found is None:
            return None
        self.place = found.end()
        return found[0]

    def _must_take(self, shape: re.Pattern[str], reason: str) -> str:
        found = self._take(shape)
        if found is None:
            self._refuse(reason)
        assert found is not None
        return found

    def _refuse(self, reason: str) -> None:
        raise FilterUnreadable(at=self.place, reason=reason)


def _ranged(criterion: Criterion, operator: str) -> Criterion:
    values = tuple(replace(value, prefix=operator) for value in criterion.values)
    return replace(criterion, values=values)


def _presence(value: str, shown: str) -> str:
    if value not in ("true", "false"):
        raise BadSearchValue(parameter=shown, expected="true | false")
    return "false" if value == "true" else "true"


def _joined(kind: type[And] | type[Or], left: Node, right: Node) -> Node:
    parts = left.parts if isinstance(left, kind) else (left,)
    return kind((*parts, right))
