"""The operators between two operands, compiled (FHIRPath 2.0 chapter 6)."""

from collections.abc import Callable
from typing import Any, Final

from trucyte.fhir.path import arithmetic
from trucyte.fhir.path.code import Code, Test, of_constant, of_run, of_test
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.values import (
    EMPTY,
    Items,
    compare,
    distinct,
    equal,
    equal_items,
    equivalent,
    key,
    single,
)

Join = Callable[[Code, Code], Code]


def signed(sign: str, operand: Code) -> Code:
    """Compile a sign: a number or quantity with the sign changed, or kept."""
    inside = operand.run

    def run(items: Items, scope: Scope) -> Items:
        value = single(inside(items, scope))
        if value is None:
            return EMPTY
        return [arithmetic.negative(value) if sign == "-" else arithmetic.positive(value)]

    return of_run(run)


# --- Equality ---------------------------------------------------------------------------


def _equals(left: Code, right: Code, *, wanted: bool) -> Code:
    if right.constant is not None and _is_text(right.constant):
        return of_test(_equals_text(left, right.constant[0], wanted=wanted))
    mine, other = left.run, right.run

    def test(items: Items, scope: Scope) -> bool | None:
        first, second = mine(items, scope), other(items, scope)
        scope.weigh(first)
        same = equal(first, second)
        return same if same is None else same is wanted

    return of_test(test)


def _is_text(items: Items) -> bool:
    return len(items) == 1 and items[0].__class__ is str


def _equals_text(left: Code, text: str, *, wanted: bool) -> Test:
    """Compare with a constant text, by far the most common comparison there is."""
    mine = left.run

    def test(items: Items, scope: Scope) -> bool | None:
        found = mine(items, scope)
        if len(found) == 1:
            item = found[0]
            value = item.kind.convert(item) if item.__class__ is Node else item
            return (value.__class__ is str and value == text) is wanted
        return (not wanted) if found else None

    return test


def _equivalent(left: Code, right: Code, *, wanted: bool) -> Code:
    mine, other = left.run, right.run

    def test(items: Items, scope: Scope) -> bool:
        first, second = mine(items, scope), other(items, scope)
        scope.weigh(first)
        scope.weigh(second)
        return equivalent(first, second) is wanted

    return of_test(test)


# --- Order ------------------------------------------------------------------------------


def _ordered(accepts: Callable[[int], bool]) -> Join:
    def join(left: Code, right: Code) -> Code:
        mine, other = left.run, right.run

        def test(items: Items, scope: Scope) -> bool | None:
            first, second = mine(items, scope), other(items, scope)
            if not first or not second:
                return None
            order = compare(single(first), single(second))
            return None if order is None else accepts(order)

        return of_test(test)

    return join


# --- Collections ------------------------------------------------------------------------


def _union(left: Code, right: Code) -> Code:
    mine, other = left.run, right.run
    if left.constant is not None and right.constant is not None:
        return of_constant(distinct(left.constant + right.constant))

    def run(items: Items, scope: Scope) -> Items:
        both = mine(items, scope) + other(items, scope)
        scope.weigh(both)
        return distinct(both)

    return of_run(run)


def _in(left: Code, right: Code) -> Code:
    if right.constant is not None:
        return of_test(_in_constant(left, right.constant))
    if right.is_settled:
        return of_test(_in_settled(left, right))
    return _in_either(left, right)


def _in_settled(left: Code, right: Code) -> Test:
    """Look up in a collection that is made once an evaluation, with its keys."""
    mine, other = left.run, right.run
    place = object()

    def test(items: Items, scope: Scope) -> bool | None:
        found = mine(items, scope)
        keys = scope.shared.settled.get(place)
        if keys is None:
            keys = frozenset(key(item) for item in other(items, scope))
            scope.shared.settled[place] = keys
        if not found:
            return None
        if len(found) > 1:
            single(found)
        return key(found[0]) in keys

    return test


def _in_constant(left: Code, constant: Items) -> Test:
    keys = frozenset(key(item) for item in constant)
    mine = left.run

    def test(items: Items, scope: Scope) -> bool | None:
        found = mine(items, scope)
        if not found:
            return None
        if len(found) > 1:
            single(found)
        return key(found[0]) in keys

    return test


def _contains(left: Code, right: Code) -> Code:
    return _in_either(right, left)


def _in_either(item: Code, collection: Code) -> Code:
    mine, other = item.run, collection.run

    def test(items: Items, scope: Scope) -> bool | None:
        found, among = mine(items, scope), other(items, scope)
        scope.charge(len(among))
        return is_in(found, among)

    return of_test(test)


def is_in(one: Items, collection: Items) -> bool | None:
    """Say whether a single item is in a collection; None of none (6.4)."""
    if not one:
        return None
    if len(one) > 1:
        single(one)
    return any(equal_items(one[0], item) for item in collection)


# --- Logic of three values (6.5) --------------------------------------------------------


def _and(left: Code, right: Code) -> Code:
    mine, other = left.test, right.test

    def test(items: Items, scope: Scope) -> bool | None:
        first = mine(items, scope)
        if first is False:
            return False
        second = other(items, scope)
        return second if first is True or second is False else None

    return of_test(test)


def _or(left: Code, right: Code) -> Code:
    mine, other = left.test, right.test

    def test(items: Items, scope: Scope) -> bool | None:
        first = mine(items, scope)
        if first is True:
            return True
        second = other(items, scope)
        return second if first is False or second is True else None

    return of_test(test)


def _xor(left: Code, right: Code) -> Code:
    mine, other = left.test, right.test

    def test(items: Items, scope: Scope) -> bool | None:
        first, second = mine(items, scope), other(items, scope)
        return None if first is None or second is None else first is not second

    return of_test(test)


def _implies(left: Code, right: Code) -> Code:
    mine, other = left.test, right.test

    def test(items: Items, scope: Scope) -> bool | None:
        first = mine(items, scope)
        if first is False:
            return True
        second = other(items, scope)
        return second if first is True or second is True else None

    return of_test(test)


# --- Arithmetic and text ----------------------------------------------------------------


def _arithmetic(function: Callable[[Any, Any], Any]) -> Join:
    def join(left: Code, right: Code) -> Code:
        mine, other = left.run, right.run

        def run(items: Items, scope: Scope) -> Items:
            first, second = single(mine(items, scope)), single(other(items, scope))
            if first is None or second is None:
                return EMPTY
            return scope.made(function(first, second))

        return of_run(run)

    return join


def _concatenated(left: Code, right: Code) -> Code:
    mine, other = left.run, right.run

    def run(items: Items, scope: Scope) -> Items:
        first, second = single(mine(items, scope)), single(other(items, scope))
        first, second = "" if first is None else first, "" if second is None else second
        if first.__class__ is not str or second.__class__ is not str:
            raise PathEvaluation(reason="& joins Strings")
        return scope.made(arithmetic.joined(first, second))

    return of_run(run)


BINARY: Final[dict[str, Join]] = {
    "=": lambda left, right: _equals(left, right, wanted=True),
    "!=": lambda left, right: _equals(left, right, wanted=False),
    "~": lambda left, right: _equivalent(left, right, wanted=True),
    "!~": lambda left, right: _equivalent(left, right, wanted=False),
    "<": _ordered(lambda order: order < 0),
    "<=": _ordered(lambda order: order <= 0),
    ">": _ordered(lambda order: order > 0),
    ">=": _ordered(lambda order: order >= 0),
    "|": _union,
    "in": _in,
    "contains": _contains,
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "+": _arithmetic(arithmetic.plus),
    "-": _arithmetic(arithmetic.minus),
    "*": _arithmetic(arithmetic.times),
    "/": _arithmetic(arithmetic.divided),
    "div": _arithmetic(arithmetic.whole_quotient),
    "mod": _arithmetic(arithmetic.remainder),
    "&": _concatenated,
}
