"""Compile and evaluate FHIRPath: the door of this package."""

from typing import Any, Final

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.check import check
from trucyte.fhir.path.code import Code
from trucyte.fhir.path.compiler import ExpressionCompiler
from trucyte.fhir.path.environment import NO_ENVIRONMENT, Environment, Scope, Shared
from trucyte.fhir.path.model import Model, Node
from trucyte.fhir.path.problems import PathTooCostly
from trucyte.fhir.path.syntax.parser import parse
from trucyte.fhir.path.values import Items

_KEPT_MAX: Final = 5000


class Path:
    """A compiled expression; may be kept and used by many threads."""

    __slots__ = ("_code", "text")

    def __init__(self, text: str, code: Code) -> None:
        """Keep the closures."""
        self.text = text
        self._code = code

    def evaluate(self, node: Node | None, environment: Environment = NO_ENVIRONMENT) -> Items:
        """Return the collection an expression gives on an element, or on nothing.

        Items are `Node`, or bool, int, Decimal, str, `Moment`, `Quantity`, `TypeInfo`.
        Raises `PathEvaluation`, `PathPattern` or `PathTooCostly`.
        """
        items = [] if node is None else [node]
        scope = Scope(environment, items, Shared(environment.work_max))
        try:
            return self._code.run(items, scope)
        except RecursionError:
            raise PathTooCostly(reason="the input or the expression nests too deeply") from None

    def holds(self, node: Node, environment: Environment = NO_ENVIRONMENT) -> bool | None:
        """Return what the expression says as a condition; None where it gives nothing.

        Raises as `evaluate` does.
        """
        items = [node]
        scope = Scope(environment, items, Shared(environment.work_max))
        try:
            return self._code.test(items, scope)
        except RecursionError:
            raise PathTooCostly(reason="the input or the expression nests too deeply") from None


class Paths:
    """Compiles expressions for the types of one package; make one and keep it."""

    def __init__(self, definitions: Definitions) -> None:
        """Keep the definitions; nothing is compiled yet."""
        self.model = Model(definitions)
        self._kept: dict[tuple[str, bool], Path] = {}

    def compile(self, text: str, *, is_strict: bool = True) -> Path:
        """Compile an expression, once.

        Not strict, `as` keeps all items of a type, as R4's own invariants expect.
        Raises `PathSyntax` or `PathMeaning`.
        """
        path = self._kept.get((text, is_strict))
        if path is None:
            try:
                code = ExpressionCompiler(self.model, is_strict=is_strict).code(parse(text))
            except RecursionError:
                raise PathTooCostly(reason="the expression nests too deeply") from None
            path = Path(text, code)
            if len(self._kept) < _KEPT_MAX:
                self._kept[text, is_strict] = path
        return path

    def check(self, text: str, type_name: str) -> None:
        """Check names and types of an expression that will be evaluated on `type_name`.

        Raises `PathSyntax` or `PathMeaning`.
        """
        try:
            check(parse(text), self.model, type_name)
        except RecursionError:
            raise PathTooCostly(reason="the expression nests too deeply") from None

    def resource(self, value: dict[str, Any]) -> Node:
        """Return the node of a parsed resource."""
        return self.model.resource(value)
