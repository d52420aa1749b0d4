"""A GraphQL document as a plan: read, bounded, and checked against R4's definitions.

Every field of the document is looked at before anything is read, so that a mistake in a
part that has no data today is still said today. What fields there are follows from the
definitions when they are asked for; no schema of all types is built.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from graphql import GraphQLError, parse
from graphql.language import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    Node,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)
from graphql.language.ast import BooleanValueNode, IntValueNode, NonNullTypeNode

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.graphql.names import shown_name
from trucyte.fhir.graphql.problems import QueryRefused, QueryTooCostly

SOURCE_MAX: Final = 64 * 1024  # characters
TOKENS_MAX: Final = 10_000
FIELDS_MAX: Final = 1_000  # after fragments are put in
DEPTH_MAX: Final = 24
_LISTS: Final = ("List", "Connection")
RESOURCE_FIELDS: Final = frozenset({"id", "meta", "implicitRules", "language", "resourceType"})
_CONNECTION: Final = frozenset({"count", "pagesize", "first", "next", "edges"})
_EDGE: Final = frozenset({"mode", "resource"})
_DIRECTIVES: Final = frozenset({"include", "skip", "flatten", "first", "singleton", "slice"})
_TYPENAME: Final = "__typename"
# GraphQL's own types (October 2021, section 4.2): their fields, to the types of these.
_META: Final[Mapping[str, Mapping[str, str]]] = {
    "*Query": {"__schema": "__Schema", "__type": "__Type"},
    "__Schema": {
        "description": "", "types": "__Type", "queryType": "__Type", "mutationType": "__Type",
        "subscriptionType": "__Type", "directives": "__Directive",
    },
    "__Type": {
        "kind": "", "name": "", "description": "", "specifiedByURL": "", "isOneOf": "",
        "fields": "__Field", "interfaces": "__Type", "possibleTypes": "__Type",
        "enumValues": "__EnumValue", "inputFields": "__InputValue", "ofType": "__Type",
    },
    "__Field": {
        "name": "", "description": "", "args": "__InputValue", "type": "__Type",
        "isDeprecated": "", "deprecationReason": "",
    },
    "__InputValue": {
        "name": "", "description": "", "type": "__Type", "defaultValue": "",
        "isDeprecated": "", "deprecationReason": "",
    },
    "__EnumValue": {
        "name": "", "description": "", "isDeprecated": "", "deprecationReason": "",
    },
    "__Directive": {
        "name": "", "description": "", "locations": "", "args": "__InputValue",
        "isRepeatable": "",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field of an answer."""

    key: str
    name: str
    kind: str  # "element", "typename", "reference", "read", "list", "connection", "schema"
    type: str  # of its values; of a resource to be read, which
    arguments: Mapping[str, Any] = field(default_factory=dict)
    on: frozenset[str] | None = None  # types it is of; None: any
    is_flat: bool = False
    is_first: bool = False
    is_single: bool = False
    slice: str = ""
    wanted: Sequence["Wanted"] = ()
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the document, which of its operations, and the values of its variables."""

    query: str
    operation: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)


def read_plan(asked: Asked, definitions: Definitions, type: str) -> Sequence[Wanted]:
    """Return what is wanted of a resource of `type`, or ("") of the whole node.

    Raises QueryRefused, QueryTooCostly.
    """
    document = read_document(asked.query)
    operation = _operation(document, asked.operation)
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    planner = _Planner(definitions, fragments, _values(operation, asked.variables))
    return planner.selected(operation.selection_set, type or "*Query", ())


def read_document(query: str) -> DocumentNode:
    """Parse a document within bounds. Raises QueryRefused, QueryTooCostly."""
    if len(query) > SOURCE_MAX:
        raise QueryTooCostly(what="characters", most=SOURCE_MAX)
    try:
        return parse(query, max_tokens=TOKENS_MAX)
    except GraphQLError as error:
        place = error.locations[0] if error.locations else None
        line, column = (place.line, place.column) if place else (0, 0)
        # The parser's words may hold what was written: a value, which may be a name.
        reason = f"syntax error at line {line}, column {column}"
        raise QueryRefused(reason, line, column) from None
    except RecursionError:
        raise QueryTooCostly(what="depth", most=DEPTH_MAX) from None


def _operation(document: DocumentNode, name: str) -> OperationDefinitionNode:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in operations if not name or (one.name and one.name.value == name)]
    if len(named) != 1:
        raise QueryRefused("operationName names one of its operations")
    if named[0].operation is not OperationType.QUERY:
        raise QueryRefused("only queries are answered here", *_place(named[0]))
    return named[0]


def _values(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for one in operation.variable_definitions or ():
        name = one.variable.name.value
        if name in given:
            values[name] = given[name]
        elif one.default_value is not None:
            values[name] = literal(one.default_value, {})
        elif isinstance(one.type, NonNullTypeNode):
            raise QueryRefused(f"the variable ${name} is needed", *_place(one))
        else:
            values[name] = None
    return values


def literal(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """Return what an argument says. Raises QueryRefused."""
    if isinstance(node, VariableNode):
        name = node.name.value
        if name not in variables:
            raise QueryRefused(f"the variable ${name} is not declared", *_place(node))
        return variables[name]
    if isinstance(node, ListValueNode):
        return [literal(one, variables) for one in node.values]
    if isinstance(node, NullValueNode):
        return None
    value = getattr(node, "value", None)
    if isinstance(node, BooleanValueNode):
        return bool(value)
    if isinstance(node, IntValueNode):
        return int(str(value)) if len(str(value)) < 10 else str(value)
    if not isinstance(value, str):
        raise QueryRefused("objects are no arguments here", *_place(node))
    return value


@dataclass(slots=True)
class _Planner:
    definitions: Definitions
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    count: int = 0

    def selected(
        self, selections: SelectionSetNode | None, type: str, within: tuple[str, ...],
        depth: int = 0,
    ) -> Sequence[Wanted]:  # fmt: skip
        if depth > DEPTH_MAX:
            raise QueryTooCostly(what="depth", most=DEPTH_MAX)
        if selections is None or not selections.selections:
            return ()
        found: dict[tuple[str, frozenset[str] | None], Wanted] = {}
        for one in self._fields(selections, type, None, within, depth):
            key = (one.key, one.on)
            before = found.get(key)
            if before is None:
                found[key] = one
            elif (before.name, before.arguments) != (one.name, one.arguments):
                raise QueryRefused(f"{one.key} is asked for in two ways", one.line, one.column)
            else:
                found[key] = replace(before, wanted=[*before.wanted, *one.wanted])
        return list(found.values())

    def _fields(
        self, selections: SelectionSetNode, type: str, on: frozenset[str] | None,
        within: tuple[str, ...], depth: int,
    ) -> Iterator[Wanted]:  # fmt: skip
        for node in selections.selections:
            self.count += 1
            if self.count > FIELDS_MAX:
                raise QueryTooCostly(what="fields", most=FIELDS_MAX)
            if not self._is_included(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                yield self._field(node, type, on, within, depth)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else ""
                yield from self._fragment(node, condition, type, on, within, depth)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self.fragments.get(name)
                if fragment is None or name in within:
                    reason = "is not there" if fragment is None else "holds itself"
                    raise QueryRefused(f"the fragment {name} {reason}", *_place(node))
                condition = fragment.type_condition.name.value
                yield from self._fragment(fragment, condition, type, on, (*within, name), depth)

    def _fragment(
        self, node: InlineFragmentNode | FragmentDefinitionNode, condition: str, type: str,
        on: frozenset[str] | None, within: tuple[str, ...], depth: int,
    ) -> Iterator[Wanted]:  # fmt: skip
        if depth + len(within) > DEPTH_MAX:
            raise QueryTooCostly(what="depth", most=DEPTH_MAX)
        if condition and condition not in (shown_name(type), "Resource"):
            if type != "Resource" or condition not in self.definitions.resource_types:
                raise QueryRefused(f"a {type} is never a {condition}", *_place(node))
            narrowed = frozenset({condition})
            on = narrowed if on is None else on & narrowed
            type = condition
        yield from self._fields(node.selection_set, type, on, within, depth + 1)

    def _is_included(self, directives: Sequence[DirectiveNode]) -> bool:
        for one in directives:
            name = one.name.value
            if name not in _DIRECTIVES:
                raise QueryRefused(f"@{name} is not known", *_place(one))
            if name in ("include", "skip"):
                condition = self._arguments(one.arguments).get("if")
                if not isinstance(condition, bool):
                    raise QueryRefused(f"@{name} needs if: Boolean", *_place(one))
                if condition != (name == "include"):
                    return False
        return True

    def _field(
        self, node: FieldNode, type: str, on: frozenset[str] | None, within: tuple[str, ...],
        depth: int,
    ) -> Wanted:  # fmt: skip
        name = node.name.value
        kind, of = self._meaning(name, type, node)
        named = {one.name.value: one for one in node.directives or ()}
        arguments = self._arguments(node.arguments)
        if kind == "reference" and isinstance(arguments.get("type"), str):
            of = arguments["type"]
            if of not in self.definitions.resource_types:
                raise QueryRefused("type is a resource type of R4", *_place(node))
        wanted = self.selected(node.selection_set, of, within, depth + 1) if of else ()
        if bool(of) != (node.selection_set is not None):
            reason = "needs fields" if of else "has no fields"
            raise QueryRefused(f"{name} {reason}", *_place(node))
        sliced = self._arguments(named["slice"].arguments).get("path") if "slice" in named else ""
        line, column = _place(node)
        return Wanted(
            key=node.alias.value if node.alias else name,
            name=name,
            kind=kind,
            type=of,
            arguments=arguments,
            on=on,
            is_flat="flatten" in named,
            is_first="first" in named,
            is_single="singleton" in named,
            slice=str(sliced or ""),
            wanted=wanted,
            line=line,
            column=column,
        )

    def _meaning(self, name: str, type: str, node: Node) -> tuple[str, str]:
        """Return what a field is, and the type its fields are of; "" where it has none."""
        if name == _TYPENAME:
            return "typename", ""
        part = _part(name, type)
        if part is not None:
            return part
        if type == "*Query" or type in self.definitions.resource_types or type == "Resource":
            found = self._of_resource(name, type)
            if found is not None:
                return found
        elif type == "Reference" and name == "resource":
            return "reference", "Resource"
        if not type.startswith(("*", "__")) and type != "Resource":
            key = self._keys(type).get(name)
            if key is not None:
                return "element", key
        raise QueryRefused(f"{type.removeprefix('*')} has no field {name}", *_place(node))

    def _of_resource(self, name: str, type: str) -> tuple[str, str] | None:
        types = self.definitions.resource_types
        if name == "resourceType" and type != "*Query":
            return "element", ""
        if type == "*Query" and name in types:
            return "read", name
        for end in _LISTS:
            of = name.removesuffix(end)
            if of != name and of in types:
                return ("list", of) if end == "List" else ("connection", f"*Connection {of}")
        if type == "Resource" and name in RESOURCE_FIELDS:
            return "element", "Meta" if name == "meta" else ""
        return None

    def _keys(self, type: str) -> Mapping[str, str]:
        """Return what may stand in a type, to the type of its fields; "" for primitives."""
        keys: dict[str, str] = {}
        for key, (_, kind) in self.definitions.types[type].keys.items():
            held = self.definitions.types.get(kind)
            is_primitive = held is None or held.kind == "primitive-type"
            keys[key] = "" if is_primitive or kind == "xhtml" else kind
            if is_primitive:
                keys["_" + key] = "Element"
        return keys

    def _arguments(self, nodes: Sequence[ArgumentNode] | None) -> dict[str, Any]:
        return {one.name.value: literal(one.value, self.variables) for one in nodes or ()}


def _part(name: str, type: str) -> tuple[str, str] | None:
    """Return the meaning of a field of the schema, a connection or edge; None of any other."""
    meta = _META.get(type, {}).get(name)
    if meta is not None:
        return "schema", meta
    head, _, of = type.partition(" ")
    if head == "*Connection" and name in _CONNECTION:
        return "part", f"*Edge {of}" if name == "edges" else ""
    if head == "*Edge" and name in _EDGE:
        return "part", of if name == "resource" else ""
    return None


def _place(node: Node) -> tuple[int, int]:
    token = node.loc.start_token if node.loc else None
    return (token.line, token.column) if token else (0, 0)
