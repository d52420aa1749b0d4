"""Parts of an expression that do not change while it is evaluated.

`%resource.descendants()` inside a `where()` is the same for every item. Such a part is
evaluated when it is first met and kept until the evaluation ends.
"""

from typing import Final

from trucyte.fhir.path.code import Code
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.syntax.tree import (
    Binary,
    Call,
    Chain,
    Indexed,
    Literal,
    Name,
    Nothing,
    Signed,
    Special,
    Tree,
    TypeTest,
    Variable,
    parts,
)
from trucyte.fhir.path.values import Items, truth

LOOPS: Final = frozenset({"where", "select", "exists", "all", "repeat", "repeatAll",
                          "aggregate", "sort"})  # fmt: skip
_FIXED_VARIABLES: Final = frozenset({"resource", "rootResource", "context"})
_UNSETTLED: Final = frozenset({"defineVariable", "trace", "iif"})
_TYPES: Final = frozenset({"is", "as", "ofType"})


def is_settled(tree: Tree) -> bool:
    """Say whether a part depends on nothing but the input of the whole expression."""
    match tree:
        case Literal() | Nothing():
            return True
        case Variable(name):
            return name in _FIXED_VARIABLES
        case Chain(first, steps):
            return is_settled(first) and all(_keeps(step) for step in steps)
        case Binary(left=left, right=right):
            return is_settled(left) and is_settled(right)
        case Signed(operand=operand) | TypeTest(operand=operand):
            return is_settled(operand)
    return False


def _keeps(step: Tree) -> bool:
    match step:
        case Name():
            return True
        case Indexed(index):
            return is_settled(index)
        case Call(name, arguments):
            if name in LOOPS:
                return not any(_looks_out(argument) for argument in arguments)
            known = name in _TYPES or all(is_settled(argument) for argument in arguments)
            return known and name not in _UNSETTLED
    return False


def _looks_out(tree: Tree) -> bool:
    """Say whether the argument of a loop uses what only loops around it know."""
    return any(_is_outside(part) for part in parts(tree))


def _is_outside(part: Tree) -> bool:
    match part:
        case Special(name):
            return name == "$total"
        case Variable(name):
            return name not in _FIXED_VARIABLES
        case Call(name):
            return name in _UNSETTLED
    return False


def kept(code: Code) -> Code:
    """Evaluate a settled part once an evaluation."""
    inside = code.run
    place = object()

    def run(items: Items, scope: Scope) -> Items:
        found: Items | None = scope.shared.settled.get(place)
        if found is None:
            found = scope.shared.settled[place] = inside(items, scope)
        return found

    return Code(run, lambda items, scope: truth(run(items, scope)), is_settled=True)
