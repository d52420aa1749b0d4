"""Functions whose argument is evaluated for each item (FHIRPath 2.0 5.2, 7)."""

from collections.abc import Mapping
from typing import Any, Final

from trucyte.fhir.path.code import Code, Compiler, Function, Run, Test, of_run, of_test
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.problems import PathEvaluation, PathTooCostly
from trucyte.fhir.path.quantity import Quantity
from trucyte.fhir.path.syntax.tree import Call, Signed, Tree
from trucyte.fhir.path.values import EMPTY, Items, compare, key, single

ITEMS_MAX: Final = 2_000_000


def _build_exists(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run
    if not call.arguments:
        return of_test(lambda items, scope: bool(focus(items, scope)))
    test = compiler.code(call.arguments[0]).test

    def ask(items: Items, scope: Scope) -> bool:
        return _any(focus(items, scope), scope, test, wanted=True)

    return of_test(ask)


def _any(items: Items, scope: Scope, test: Test, *, wanted: bool) -> bool:
    """Say whether the test is, or is not, true for any item."""
    inner = scope.inner(items)
    for place, item in enumerate(items):
        inner.this = one = [item]
        inner.index = place
        if (test(one, inner) is True) is wanted:
            return True
    return False


def _build_all(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, test = before.run, compiler.code(call.arguments[0]).test
    return of_test(lambda items, scope: not _any(focus(items, scope), scope, test, wanted=False))


def _build_where(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, test = before.run, compiler.code(call.arguments[0]).test

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        inner = scope.inner(found)
        kept: Items = []
        for place, item in enumerate(found):
            inner.this = one = [item]
            inner.index = place
            if test(one, inner) is True:
                kept.append(item)
        return kept

    return of_run(run)


def _build_select(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, projection = before.run, compiler.code(call.arguments[0]).run

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        inner = scope.inner(found)
        made: Items = []
        for place, item in enumerate(found):
            inner.this = one = [item]
            inner.index = place
            made += projection(one, inner)
            if len(made) > ITEMS_MAX:
                raise PathTooCostly(reason="it would make too many items")
        return made

    return of_run(run)


def _build_repeat(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, projection = before.run, compiler.code(call.arguments[0]).run
    all_of_them = call.name == "repeatAll"

    def run(items: Items, scope: Scope) -> Items:
        waiting = focus(items, scope)
        seen: set[object] = set()
        made: Items = []
        while waiting:
            inner = scope.inner(waiting)
            new: Items = []
            for place, item in enumerate(waiting):
                inner.this = one = [item]
                inner.index = place
                for found in projection(one, inner):
                    mark = None if all_of_them else key(found)
                    if all_of_them or mark not in seen:
                        seen.add(mark)
                        new.append(found)
            scope.weigh(new)
            made += new
            if len(made) > ITEMS_MAX:
                raise PathTooCostly(reason="it would make too many items")
            waiting = new
        return made

    return of_run(run)


def _build_aggregate(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, aggregator = before.run, compiler.code(call.arguments[0]).run
    start = compiler.code(call.arguments[1]).run if len(call.arguments) > 1 else None

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        inner = scope.inner(found)
        inner.total = start(scope.this, scope) if start else EMPTY
        for place, item in enumerate(found):
            inner.this = one = [item]
            inner.index = place
            inner.total = aggregator(one, inner)
            if len(inner.total) > ITEMS_MAX:
                raise PathTooCostly(reason="it would make too many items")
        return inner.total

    return of_run(run)


def _build_iif(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, condition = before.run, compiler.code(call.arguments[0]).run
    branches = [compiler.code(argument).run for argument in call.arguments[1:]]

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        inner = scope.inner(found)
        if found is not items:
            inner.this = found
            if compiler.is_strict and len(found) > 1:
                raise PathEvaluation(reason="iif is for one item")
        else:
            inner.this, inner.index = scope.this, scope.index
        verdict = single(condition(inner.this, inner))
        if verdict is not None and verdict.__class__ is not bool:
            raise PathEvaluation(reason="the condition of iif is no Boolean")
        if verdict:
            return branches[0](inner.this, inner)
        return branches[1](inner.this, inner) if len(branches) > 1 else EMPTY

    return of_run(run)


# --- sort -------------------------------------------------------------------------------


class _Place:
    """A place in the order; nothing comes first, whichever way it goes."""

    __slots__ = ("falls", "value")

    def __init__(self, value: Any, *, falls: bool) -> None:
        self.value = value
        self.falls = falls

    def __lt__(self, other: "_Place") -> bool:
        if self.value is None or other.value is None:
            return self.value is None and other.value is not None
        order = compare(self.value, other.value) or 0
        return order > 0 if self.falls else order < 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Place) and not self < other and not other < self

    __hash__ = None  # type: ignore[assignment]  # never in a set


def _build_sort(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run
    orders = [_order(compiler, tree) for tree in call.arguments]

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        inner = scope.inner(found)
        rows = []
        for place, item in enumerate(found):
            inner.this = one = [item]
            inner.index = place
            values = [(single(order(one, inner)), falls) for order, falls in orders]
            places = [_Place(_sortable(v), falls=falls) for v, falls in values]
            rows.append((places or [_Place(_sortable(single(one)), falls=False)], item))
        rows.sort(key=lambda row: row[0])
        return [item for _, item in rows]

    return of_run(run)


def _order(compiler: Compiler, tree: Tree) -> tuple[Run, bool]:
    """Read one key: a minus before it turns the order around."""
    if isinstance(tree, Signed) and tree.sign == "-":
        return compiler.code(tree.operand).run, True
    return compiler.code(tree).run, False


def _sortable(value: Any) -> Any:
    if (
        value is None
        or value.__class__ in (str, int, Moment, Quantity)
        or hasattr(value, "as_tuple")
    ):
        return value
    raise PathEvaluation(reason="this type has no order")


LOOPS: Final[Mapping[str, Function]] = {
    "exists": Function(0, 1, _build_exists),
    "all": Function(1, 1, _build_all),
    "where": Function(1, 1, _build_where),
    "select": Function(1, 1, _build_select),
    "repeat": Function(1, 1, _build_repeat),
    "repeatAll": Function(1, 1, _build_repeat),
    "aggregate": Function(1, 2, _build_aggregate),
    "iif": Function(2, 3, _build_iif),
    "sort": Function(0, 20, _build_sort),
}
