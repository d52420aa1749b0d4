"""From the tree of an expression to closures."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from trucyte.fhir.path import operators
from trucyte.fhir.path.code import Code, Function, ItemTest, Run, of_constant, of_run, of_test
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.functions import FUNCTIONS
from trucyte.fhir.path.model import Model, Node
from trucyte.fhir.path.problems import PathEvaluation, PathMeaning
from trucyte.fhir.path.settled import LOOPS, is_settled, kept
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
    TypeName,
    TypeTest,
    Variable,
    type_name,
)
from trucyte.fhir.path.types import item_test
from trucyte.fhir.path.values import EMPTY, Items, TypeInfo, single
from trucyte.fhir.path.variables import defines_variables, kept_inside, variable

_FOCUS: Final = of_run(lambda items, scope: items)


class ExpressionCompiler:
    """Compiles trees; the `Compiler` of all functions."""

    def __init__(
        self, model: Model, *, is_strict: bool, functions: Mapping[str, Function] = FUNCTIONS
    ) -> None:
        """Keep the types of FHIR, and the functions there are."""
        self.model = model
        self.is_strict = is_strict
        self._functions = functions
        self._loops = 0  # around what is being compiled

    def code(self, tree: Tree) -> Code:
        """Compile a tree that starts a path of its own."""
        if self._loops and isinstance(tree, Chain | Binary) and is_settled(tree):
            loops, self._loops = self._loops, 0
            compiled = self._code(tree)
            self._loops = loops
            return compiled if compiled.constant is not None else kept(compiled)
        compiled = self._code(tree)
        return kept_inside(compiled) if defines_variables(tree) else compiled

    def _code(self, tree: Tree) -> Code:
        match tree:
            case Name() | Call() | Indexed():
                return self._path(_FOCUS, (tree,))
            case Chain(Name() | Call() as first, steps):
                return self._path(_FOCUS, (first, *steps))
            case Chain(first, steps):
                return self._path(self._code(first), steps)
        return _leaf(tree) or self._operation(tree)

    def _operation(self, tree: Tree) -> Code:
        match tree:
            case Signed(sign, operand):
                return operators.signed(sign, self.code(operand))
            case TypeTest("is", operand, kind):
                return _is(self.code(operand), self.type_test(kind))
            case TypeTest(_, operand, kind):
                return self.narrowed(self.code(operand), self.type_test(kind))
            case Binary(operator, left, right):
                return operators.BINARY[operator](self.code(left), self.code(right))
        raise AssertionError(tree)

    def narrowed(self, before: Code, test: ItemTest) -> Code:
        """Compile `as`: one item at most where strict, all that are of the type else."""
        focus, is_strict = before.run, self.is_strict

        def run(items: Items, scope: Scope) -> Items:
            found = focus(items, scope)
            if is_strict:
                single(found)
            return [item for item in found if test(item)]

        return of_run(run)

    def _path(self, before: Code, steps: tuple[Tree, ...]) -> Code:
        names: list[str] = []
        code = before
        for step in steps:
            if isinstance(step, Name):
                if code is _FOCUS and not names and step.name[:1].isupper():
                    code = self._typed(step.name)
                else:
                    names.append(step.name)
                continue
            code, names = _children(code, names), []
            if isinstance(step, Indexed):
                code = _indexed(code, self.code(step.index))
            else:
                assert isinstance(step, Call)
                code = self._call(step, code)
        return _children(code, names)

    def _typed(self, name: str) -> Code:
        """Compile the first name of a path: the type of the focus, or one of its children."""

        def run(items: Items, scope: Scope) -> Items:
            found: Items = []
            for item in items:
                if item.__class__ is not Node:
                    continue
                if name in item.kind.ancestors:
                    found.append(item)
                    continue
                read = item.kind.readers[name]
                if read is not None and item.kind.names is not None:
                    read(item, found)
            return found

        return of_run(run)

    def _call(self, call: Call, before: Code) -> Code:
        function = self._functions.get(call.name)
        if function is None:
            raise PathMeaning(at=call.at, reason=f"there is no function {call.name[:40]}")
        if not function.least <= len(call.arguments) <= function.most:
            wanted = f"{function.least} to {function.most}"
            reason = f"{call.name} takes {wanted} arguments, not {len(call.arguments)}"
            raise PathMeaning(at=call.at, reason=reason)
        loops = call.name in LOOPS
        self._loops += loops
        code = function.build(self, call, before)
        self._loops -= loops
        return code

    def type_test(self, name: TypeName) -> ItemTest:
        """Return a test whether an item is of a type. Raises `PathMeaning`."""
        return item_test(self.model, name)

    def type_argument(self, call: Call) -> TypeName:
        """Read the only argument of a call as a type. Raises `PathMeaning`."""
        name = type_name(call.arguments[0])
        if name is None:
            raise PathMeaning(at=call.at, reason=f"{call.name} takes the name of a type")
        return name


def _leaf(tree: Tree) -> Code | None:
    match tree:
        case Literal(value):
            return of_constant([value])
        case Nothing():
            return of_constant(EMPTY)
        case Special(name):
            return _special(name)
        case Variable(name):
            return of_run(variable(name))
    return None


def _children(before: Code, names: list[str]) -> Code:
    """Compile steps into elements, all of them in one closure."""
    if not names:
        return before
    first = _first_children(names[0])
    run = first if before is _FOCUS else _after(before.run, first)
    for name in names[1:]:
        run = _after(run, _first_children(name))
    return of_run(run)


def _after(before: Run, then: Run) -> Run:
    return lambda items, scope: then(before(items, scope), scope)


def _first_children(name: str) -> Run:
    def run(items: Items, scope: Scope) -> Items:
        found: Items = []
        for item in items:
            if item.__class__ is Node:
                read = item.kind.readers[name]
                if read is not None:
                    read(item, found)
            elif item.__class__ is TypeInfo and name in ("namespace", "name"):
                found.append(getattr(item, name))
        return found

    return run


def _special(name: str) -> Code:
    runs: dict[str, Callable[[Items, Scope], Items]] = {
        "$this": lambda items, scope: scope.this,
        "$index": lambda items, scope: EMPTY if scope.index is None else [scope.index],
        "$total": lambda items, scope: EMPTY if scope.total is None else scope.total,
    }
    return of_run(runs[name])


def _is(operand: Code, test: ItemTest) -> Code:
    focus = operand.run

    def ask(items: Items, scope: Scope) -> bool | None:
        found = focus(items, scope)
        if len(found) > 1:
            single(found)
        return test(found[0]) if found else None

    return of_test(ask)


def _indexed(before: Code, index: Code) -> Code:
    focus = before.run

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        place: Any = single(index.run(scope.this, scope))
        if place is None:
            return EMPTY
        if place.__class__ is not int:
            raise PathEvaluation(reason="an index is an Integer")
        return [found[place]] if 0 <= place < len(found) else EMPTY

    return of_run(run)
