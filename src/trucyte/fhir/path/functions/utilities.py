"""Types and utilities (FHIRPath 2.0 5.9, 5.10, 6.3)."""

from collections.abc import Mapping
from typing import Any, Final

from trucyte.fhir.path import quantity
from trucyte.fhir.path.code import Code, Compiler, Function, of_run, of_test, text, whole
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.model import Node, children, descendants
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.quantity import Quantity
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.types import type_info
from trucyte.fhir.path.values import Items, single
from trucyte.fhir.path.variables import build_define


def _build_is(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, test = before.run, compiler.type_test(compiler.type_argument(call))

    def ask(items: Items, scope: Scope) -> bool | None:
        found = focus(items, scope)
        if len(found) > 1:
            single(found)
        return test(found[0]) if found else None

    return of_test(ask)


def _build_as(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, test = before.run, compiler.type_test(compiler.type_argument(call))
    is_strict = compiler.is_strict

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        if is_strict:
            single(found)
        return [item for item in found if test(item)]

    return of_run(run)


def _build_of_type(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, test = before.run, compiler.type_test(compiler.type_argument(call))
    return of_run(lambda items, scope: [item for item in focus(items, scope) if test(item)])


def _build_children(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run

    def run(items: Items, scope: Scope) -> Items:
        found: Items = []
        for item in focus(items, scope):
            if item.__class__ is Node:
                found += children(item)
        scope.charge(len(found))
        return found

    return of_run(run)


def _build_descendants(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run

    def run(items: Items, scope: Scope) -> Items:
        found: Items = []
        for item in focus(items, scope):
            if item.__class__ is Node:
                before_it = len(found)
                found += descendants(item)
                scope.charge(len(found) - before_it)
        return found

    return of_run(run)


def _build_trace(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, name_of = before.run, compiler.code(call.arguments[0]).run
    projection = compiler.code(call.arguments[1]).run if len(call.arguments) > 1 else None

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        trace = scope.environment.trace
        if trace is not None:
            shown = found
            if projection is not None:
                inner = scope.inner(found)
                shown = []
                for item in found:
                    inner.this = one = [item]
                    shown += projection(one, inner)
            trace(text(name_of(scope.this, scope)) or "", shown)
        return found

    return of_run(run)


def _build_comparable(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, other = before.run, compiler.code(call.arguments[0]).run

    def ask(items: Items, scope: Scope) -> bool | None:
        left: Any = single(focus(items, scope))
        right: Any = single(other(scope.this, scope))
        if left is None or right is None:
            return None
        if left.__class__ is not Quantity or right.__class__ is not Quantity:
            raise PathEvaluation(reason="comparable is for Quantities")
        return quantity.comparable(left, right)

    return of_test(ask)


UTILITIES: Final[Mapping[str, Function]] = {
    "is": Function(1, 1, _build_is),
    "as": Function(1, 1, _build_as),
    "ofType": Function(1, 1, _build_of_type),
    "type": whole(lambda items: [type_info(item) for item in items]),
    "children": Function(0, 0, _build_children),
    "descendants": Function(0, 0, _build_descendants),
    "trace": Function(1, 2, _build_trace),
    "defineVariable": Function(1, 2, build_define),
    "comparable": Function(1, 1, _build_comparable),
}
