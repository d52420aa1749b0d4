"""Existence, subsetting and combining (FHIRPath 2.0 5.1, 5.3, 5.4)."""

from collections.abc import Callable, Mapping
from typing import Final

from trucyte.fhir.path.code import (
    Code,
    Compiler,
    Function,
    asked,
    asked_with_other,
    integer,
    of_run,
    of_test,
    whole,
    with_other,
)
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.values import EMPTY, Items, distinct, key, single, system, type_of


def _build_not(compiler: Compiler, call: Call, before: Code) -> Code:
    test = before.test

    def ask(items: object, scope: Scope) -> bool | None:
        verdict = test(items, scope)  # type: ignore[arg-type]  # passed on as it came
        return None if verdict is None else not verdict

    return of_test(ask)


def _booleans(items: Items) -> list[bool | None]:
    values = [system(item) for item in items]
    for value in values:
        if value is not None and value.__class__ is not bool:
            raise PathEvaluation(reason=f"a Boolean was expected, not {type_of(value)}")
    return values


def _last(items: Items) -> Items:
    return items[-1:]


def _single(items: Items) -> Items:
    if len(items) > 1:
        single(items)
    return items


def _part(cut: Callable[[Items, int], Items]) -> Function:
    """Shape a function of a collection and a count."""

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus, count = before.run, compiler.code(call.arguments[0]).run

        def run(items: Items, scope: Scope) -> Items:
            found, number = focus(items, scope), integer(count(scope.this, scope))
            return EMPTY if number is None else cut(found, number)

        return of_run(run)

    return Function(1, 1, build)


def subset(left: Items, right: Items) -> bool:
    """Say whether all items of one collection are in another."""
    keys = {key(item) for item in right}
    return all(key(item) in keys for item in left)


def _intersect(left: Items, right: Items) -> Items:
    keys = {key(item) for item in right}
    return distinct([item for item in left if key(item) in keys])


def _exclude(left: Items, right: Items) -> Items:
    keys = {key(item) for item in right}
    return [item for item in left if key(item) not in keys]


COLLECTIONS: Final[Mapping[str, Function]] = {
    "empty": asked(lambda items: not items),
    "not": Function(0, 0, _build_not),
    "allTrue": asked(lambda items: False not in _booleans(items)),
    "anyTrue": asked(lambda items: True in _booleans(items)),
    "allFalse": asked(lambda items: True not in _booleans(items)),
    "anyFalse": asked(lambda items: False in _booleans(items)),
    "subsetOf": asked_with_other(subset),
    "supersetOf": asked_with_other(lambda left, right: subset(right, left)),
    "count": whole(lambda items: [len(items)]),
    "distinct": whole(distinct),
    "isDistinct": asked(lambda items: len(distinct(items)) == len(items)),
    "single": whole(_single),
    "first": whole(lambda items: items[:1]),
    "last": whole(_last),
    "tail": whole(lambda items: items[1:]),
    "skip": _part(lambda items, count: items[max(count, 0) :]),
    "take": _part(lambda items, count: items[: max(count, 0)]),
    "intersect": with_other(_intersect),
    "exclude": with_other(_exclude),
    "union": with_other(lambda left, right: distinct(left + right)),
    "combine": with_other(lambda left, right: left + right),
}
