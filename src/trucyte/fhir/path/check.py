"""Check the names and types of an expression against the definitions, before it runs.

Finds names that no element has, texts asked of what is no text, conditions that are no
Booleans, and order asked of what has none (FHIRPath 2.0 chapter 11). What cannot be
known beforehand is let through.
"""

from dataclasses import dataclass, replace
from typing import Final

from trucyte.fhir.path.functions import FUNCTIONS
from trucyte.fhir.path.functions.strings import STRINGS
from trucyte.fhir.path.model import Model, system_type
from trucyte.fhir.path.problems import PathMeaning
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
    type_name,
)
from trucyte.fhir.path.types import SYSTEM_TYPES, item_test
from trucyte.fhir.path.values import type_of

_ANY_CHILD: Final = frozenset(
    {"Resource", "DomainResource", "Element", "BackboneElement", "Extension", "Unknown"}
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAME: Final = _words(
    """
    where first last tail skip take distinct single trace sort exclude intersect
    defineVariable checkModifiers
    """
)
_BOOLEAN: Final = _words(
    """
    empty exists not all allTrue anyTrue allFalse anyFalse subsetOf supersetOf isDistinct is
    hasValue hasExtension memberOf subsumes subsumedBy conformsTo htmlChecks comparable
    startsWith endsWith contains matches matchesFull
    """
)
_LOOPS: Final = _words("where select exists all repeat aggregate sort iif trace")
_IN_ORDER: Final = _words("first last tail skip take")
_TEXTS: Final = frozenset(STRINGS) - {"join"}
_TO_BOOLEAN: Final = frozenset({"=", "!=", "~", "!~", "<", "<=", ">", ">=", "in", "contains",
                                "and", "or", "xor", "implies"})  # fmt: skip
_IS_A_BOOLEAN: Final = "System.Boolean"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a collection: its types (None: nothing), whether it has an order."""

    types: frozenset[str] | None = None
    is_ordered: bool = True


_UNKNOWN: Final = Known()


def check(tree: Tree, model: Model, root: str) -> None:
    """Check an expression that is evaluated on an element of type `root`.

    Raises `PathMeaning`.
    """
    known = Known(frozenset({root}) if root in model.definitions.types else None)
    _Checker(model, known).known(tree, known)


class _Checker:
    def __init__(self, model: Model, root: Known) -> None:
        self._model = model
        self._root = root

    def known(self, tree: Tree, this: Known) -> Known:
        """Return what is known of a tree whose paths start at `this`."""
        match tree:
            case Literal(value):
                return Known(frozenset({f"System.{type_of(value)}"}))
            case Nothing():
                return Known(frozenset())
            case Name() | Call() | Indexed():
                return self._step(tree, this, this, is_first=True)
            case Chain(first, steps):
                known = self.known(first, this)
                for step in steps:
                    known = self._step(step, known, this, is_first=False)
                return known
            case Special("$this"):
                return this
        return self._operation(tree, this)

    def _operation(self, tree: Tree, this: Known) -> Known:
        match tree:
            case Signed(operand=operand):
                return self.known(operand, this)
            case TypeTest(operator, operand, kind):
                self.known(operand, this)
                return self._narrowed(kind) if operator == "as" else _boolean()
            case Binary(operator, left, right):
                both = self.known(left, this), self.known(right, this)
                if operator == "|":
                    return _joined(*both)
                return _boolean() if operator in _TO_BOOLEAN else _UNKNOWN
        return _UNKNOWN

    def _narrowed(self, kind: TypeName) -> Known:
        item_test(self._model, kind)
        if kind.namespace == "System" or (not kind.namespace and kind.name in SYSTEM_TYPES):
            is_both = not kind.namespace and kind.name in self._model.definitions.types
            return _UNKNOWN if is_both else Known(frozenset({f"System.{kind.name}"}))
        return Known(frozenset({kind.name}))

    def _step(self, step: Tree, focus: Known, this: Known, *, is_first: bool) -> Known:
        match step:
            case Name(name, at):
                return self._child(name, at, focus, is_first=is_first)
            case Indexed(index, at):
                self.known(index, this)
                _check_order(focus, at, "[]")
                return focus
        assert isinstance(step, Call)
        return self._call(step, focus, this)

    def _child(self, name: str, at: int, focus: Known, *, is_first: bool) -> Known:
        if focus.types is None or not focus.types:
            return Known(None, focus.is_ordered)
        if is_first and name[:1].isupper() and any(self._is_a(t, name) for t in focus.types):
            return focus
        found: set[str] = set()
        for kind in focus.types:
            definition = self._model.definitions.types.get(kind)
            element = definition.elements.get(name) if definition else None
            if element is not None:
                found.update(element.types)
            elif kind in _ANY_CHILD and name not in (definition.elements if definition else ()):
                return Known(None, focus.is_ordered)
        if not found:
            shown = " | ".join(sorted(focus.types)[:3])
            raise PathMeaning(at=at, reason=f"{shown} has no element {name[:40]}")
        return Known(None if found & _ANY_CHILD else frozenset(found), focus.is_ordered)

    def _is_a(self, kind: str, name: str) -> bool:
        return name in self._model.kind(kind).ancestors

    def _call(self, call: Call, focus: Known, this: Known) -> Known:
        function = FUNCTIONS.get(call.name)
        if function is None:
            raise PathMeaning(at=call.at, reason=f"there is no function {call.name[:40]}")
        if call.name in _IN_ORDER:
            _check_order(focus, call.at, call.name)
        if call.name in _TEXTS:
            self._check_text(focus, call)
        arguments = self._arguments(call, focus, this)
        if call.name == "iif" and arguments:
            _check_condition(arguments[0], call)
        return self._result(call, focus, arguments)

    def _arguments(self, call: Call, focus: Known, this: Known) -> list[Known]:
        if call.name in ("is", "as", "ofType"):
            return []
        start = focus if call.name in _LOOPS else this
        return [self.known(argument, start) for argument in call.arguments]

    def _result(self, call: Call, focus: Known, arguments: list[Known]) -> Known:
        name = call.name
        if name in _SAME:
            return replace(focus, is_ordered=True) if name == "sort" else focus
        if name in _BOOLEAN or name.startswith("convertsTo"):
            return _boolean()
        if name in ("as", "ofType") and call.arguments:
            kind = type_name(call.arguments[0])
            known = self._narrowed(kind) if kind else _UNKNOWN
            return replace(known, is_ordered=focus.is_ordered)
        if name in ("union", "combine", "select") and arguments:
            other = arguments[0]
            ordered = focus.is_ordered and other.is_ordered
            return replace(other, is_ordered=ordered) if name == "select" else _joined(focus, other)
        if name == "elementDefinition":
            return Known(frozenset({"ElementDefinition"}), focus.is_ordered)
        return Known(None, name not in ("children", "descendants"))

    def _check_text(self, focus: Known, call: Call) -> None:
        if not focus.types or any(self._is_text(kind) for kind in focus.types):
            return
        shown = " | ".join(sorted(focus.types)[:3])
        raise PathMeaning(at=call.at, reason=f"{call.name} is for texts, not {shown}")

    def _is_text(self, kind: str) -> bool:
        if kind.startswith("System."):
            return kind == "System.String"
        return system_type(self._model.kind(kind)) == "String" or kind in _ANY_CHILD


def _boolean() -> Known:
    return Known(frozenset({_IS_A_BOOLEAN}))


def _joined(left: Known, right: Known) -> Known:
    if left.types is None or right.types is None:
        return _UNKNOWN
    return Known(left.types | right.types)


def _check_order(focus: Known, at: int, name: str) -> None:
    if not focus.is_ordered:
        raise PathMeaning(at=at, reason=f"{name} needs an order, children() has none")


def _check_condition(condition: Known, call: Call) -> None:
    types = condition.types
    if types and not types & {_IS_A_BOOLEAN, "boolean"}:
        raise PathMeaning(at=call.at, reason="the condition of iif is no Boolean")
