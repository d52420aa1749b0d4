"""What a tree is compiled to, and how functions say what they are.

A `Code` is one closure in two forms: `run` gives a collection, `test` gives what the
collection means as a boolean. A function makes the Code of a call from the Code of its
focus (`before`), so that a whole expression is closures calling closures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.model import Model
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.quantity import Quantity
from trucyte.fhir.path.syntax.tree import Call, Tree, TypeName
from trucyte.fhir.path.values import EMPTY, TRUTHS, Items, single, truth, type_of

Run = Callable[[Items, Scope], Items]
Test = Callable[[Items, Scope], bool | None]
ItemTest = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Code:
    """A compiled tree.

    `constant` is its result where that never changes; `is_settled` says that it does
    not change within one evaluation.
    """

    run: Run
    test: Test
    constant: Items | None = None
    is_settled: bool = False


class Compiler(Protocol):
    """What functions ask of the compiler."""

    @property
    def model(self) -> Model:
        """The types of FHIR."""

    @property
    def is_strict(self) -> bool:
        """Whether what the specification calls an error is one, also where R4 itself errs."""

    def code(self, tree: Tree) -> Code:
        """Compile an argument, which is evaluated on `$this`."""

    def type_test(self, name: TypeName) -> ItemTest:
        """Return a test whether an item is of a type. Raises `PathMeaning`."""

    def type_argument(self, call: Call) -> TypeName:
        """Read the only argument of a call as a type. Raises `PathMeaning`."""


Build = Callable[[Compiler, Call, Code], Code]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: how many arguments it takes, and how it is compiled."""

    least: int
    most: int
    build: Build


def of_run(run: Run) -> Code:
    """Make the Code of something that gives a collection."""
    return Code(run, lambda items, scope: truth(run(items, scope)))


def of_test(test: Test) -> Code:
    """Make the Code of something that gives a boolean or nothing."""
    return Code(lambda items, scope: TRUTHS[test(items, scope)], test)


def of_constant(items: Items) -> Code:
    """Make the Code of a result that never changes."""
    return Code(lambda _, scope: items, lambda _, scope: truth(items), items)


# --- The common shapes of functions -----------------------------------------------------


def whole(function: Callable[[Items], Items]) -> Function:
    """Shape a function from collection to collection."""

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus = before.run
        return of_run(lambda items, scope: function(focus(items, scope)))

    return Function(0, 0, build)


def asked(function: Callable[[Items], bool | None]) -> Function:
    """Shape a question about a collection."""

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus = before.run
        return of_test(lambda items, scope: function(focus(items, scope)))

    return Function(0, 0, build)


def with_other(function: Callable[[Items, Items], Items]) -> Function:
    """Shape a function of a collection and another one."""

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus, other = before.run, compiler.code(call.arguments[0]).run

        def run(items: Items, scope: Scope) -> Items:
            mine, others = focus(items, scope), other(scope.this, scope)
            scope.weigh(mine)
            scope.weigh(others)
            return function(mine, others)

        return of_run(run)

    return Function(1, 1, build)


def asked_with_other(function: Callable[[Items, Items], bool | None]) -> Function:
    """Shape a question about a collection and another one."""

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus, other = before.run, compiler.code(call.arguments[0]).run

        def test(items: Items, scope: Scope) -> bool | None:
            mine, others = focus(items, scope), other(scope.this, scope)
            scope.weigh(mine)
            scope.weigh(others)
            return function(mine, others)

        return of_test(test)

    return Function(1, 1, build)


Read = Callable[[Items], Any]


def scalar(
    function: Callable[..., Any], focus: Read, *arguments: Read, optional: int = 0
) -> Function:
    """Shape a function of single values: nothing in gives nothing out.

    The last `optional` arguments may be left out; the function has defaults for them.
    """

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        subject = before.run
        if not arguments:
            return _of_subject(function, focus, subject)
        others = [
            (read, compiler.code(tree).run)
            for read, tree in zip(arguments, call.arguments, strict=False)
        ]

        def run(items: Items, scope: Scope) -> Items:
            value = focus(subject(items, scope))
            values = [read(argument(scope.this, scope)) for read, argument in others]
            if value is None or None in values:
                return EMPTY
            return scope.made(function(value, *values))

        return of_run(run)

    return Function(len(arguments) - optional, len(arguments), build)


def costly(function: Function, units: int) -> Function:
    """Charge for a function that takes as long as looking at `units` elements."""

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        inside = function.build(compiler, call, before).run

        def run(items: Items, scope: Scope) -> Items:
            scope.charge(units)
            return inside(items, scope)

        return of_run(run)

    return Function(function.least, function.most, build)


def _of_subject(function: Callable[..., Any], focus: Read, subject: Run) -> Code:
    def run(items: Items, scope: Scope) -> Items:
        value = focus(subject(items, scope))
        return EMPTY if value is None else scope.made(function(value))

    return of_run(run)


# --- How single values are read ---------------------------------------------------------


def text(items: Items) -> str | None:
    """Read a String."""
    value = single(items)
    if value is None or value.__class__ is str:
        return value
    raise PathEvaluation(reason=f"a String was expected, not {type_of(value)}")


def integer(items: Items) -> int | None:
    """Read an Integer."""
    value = single(items)
    if value is None or value.__class__ is int:
        return value
    raise PathEvaluation(reason=f"an Integer was expected, not {type_of(value)}")


def number(items: Items) -> int | Decimal | None:
    """Read an Integer or a Decimal."""
    value = single(items)
    if value is None or value.__class__ in (int, Decimal):
        return value
    raise PathEvaluation(reason=f"a number was expected, not {type_of(value)}")


def amount(items: Items) -> int | Decimal | Quantity | None:
    """Read a number or a Quantity."""
    value = single(items)
    if value is None or value.__class__ in (int, Decimal, Quantity):
        return value
    raise PathEvaluation(reason=f"a number or a Quantity was expected, not {type_of(value)}")


def temporal(items: Items) -> Moment | None:
    """Read a Date, DateTime or Time."""
    value = single(items)
    if value is None or value.__class__ is Moment:
        return value
    raise PathEvaluation(reason=f"a date or time was expected, not {type_of(value)}")


def anything(items: Items) -> Any:
    """Read a value of any type."""
    return single(items)
