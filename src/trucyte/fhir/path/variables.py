"""Variables: those of the specification, of the environment, and `defineVariable`."""

from collections.abc import Callable
from typing import Final

from trucyte.fhir.path.code import Code, Compiler, of_run
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.syntax.tree import Call, Tree, parts
from trucyte.fhir.path.values import EMPTY, Items, truth

_CONSTANTS: Final = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_PREFIXES: Final = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}
_RESERVED: Final = frozenset({*_CONSTANTS, "resource", "rootResource", "context"})


def variable(name: str) -> Callable[[Items, Scope], Items]:
    """Compile `%name`; an unknown one is an error of evaluation."""
    constant = _constant(name)
    if constant is not None:
        return lambda items, scope: constant
    if name == "context":
        return lambda items, scope: scope.context
    if name == "resource":
        return lambda items, scope: _resource(scope)
    if name == "rootResource":
        return lambda items, scope: _root(scope)

    def run(items: Items, scope: Scope) -> Items:
        if scope.variables is not None and name in scope.variables:
            return scope.variables[name]
        if name not in scope.environment.variables:
            raise PathEvaluation(reason=f"there is no variable %{name[:40]}")
        value = scope.environment.variables[name]
        return value if value.__class__ is list else [value]

    return run


def _constant(name: str) -> Items | None:
    if name in _CONSTANTS:
        return [_CONSTANTS[name]]
    for prefix, url in _PREFIXES.items():
        if name.startswith(prefix):
            return [url + name.removeprefix(prefix)]
    return None


def _resource(scope: Scope) -> Items:
    resource = scope.environment.resource
    if resource is None:
        resource = _own_resource(scope)
    return EMPTY if resource is None else [resource]


def _own_resource(scope: Scope) -> Node | None:
    first = scope.context[0] if scope.context else None
    if first.__class__ is not Node:
        return None
    node: Node = first
    return node if node.kind.is_resource else node.owner


def _root(scope: Scope) -> Items:
    root = scope.environment.root_resource or scope.environment.resource
    if root is None:
        root = _own_resource(scope)
        # A contained resource stands in the one that contains it.
        if root is not None and root.owner is not None and _contains(root.owner, root):
            root = root.owner
    return EMPTY if root is None else [root]


def _contains(outer: Node, inner: Node) -> bool:
    contained = outer.value.get("contained")
    return contained.__class__ is list and any(one is inner.value for one in contained)


# --- defineVariable ---------------------------------------------------------------------


def build_define(compiler: Compiler, call: Call, before: Code) -> Code:
    """Compile `defineVariable(name [, value])`, seen by the steps behind it."""
    focus = before.run
    name_of = compiler.code(call.arguments[0]).run
    value_of = compiler.code(call.arguments[1]).run if len(call.arguments) > 1 else None

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        names = name_of(scope.this, scope)
        if len(names) != 1 or names[0].__class__ is not str:
            raise PathEvaluation(reason="the name of a variable is a String")
        name: str = names[0]
        known = scope.variables or {}
        if name in known or name in scope.environment.variables or name in _RESERVED:
            raise PathEvaluation(reason=f"%{name[:40]} is defined already")
        if value_of is None:
            value = found
        else:
            inner = scope.inner(found)
            inner.this = found
            value = value_of(found, inner)
        scope.variables = {**known, name: value}
        return found

    return of_run(run)


def defines_variables(tree: Tree) -> bool:
    """Say whether a tree defines variables that must not be seen outside of it."""
    return any(isinstance(part, Call) and part.name == "defineVariable" for part in parts(tree))


def kept_inside(code: Code) -> Code:
    """Let the variables that a part defines end with it."""
    inside = code.run

    def run(items: Items, scope: Scope) -> Items:
        before = scope.variables
        try:
            return inside(items, scope)
        finally:
            scope.variables = before

    return Code(run, lambda items, scope: truth(run(items, scope)))
