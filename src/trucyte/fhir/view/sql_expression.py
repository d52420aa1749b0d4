"""From the tree of an expression to SQL, for the part of FHIRPath that views share.

SQL-on-FHIR v2, "Required FHIRPath Expressions/Functions". Names are checked against the
definitions; what is not of this part raises `NotInSql`, and closures do it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.numbers import plain
from trucyte.fhir.path.syntax.tree import (
    Binary,
    Call,
    Chain,
    Indexed,
    Literal,
    Name,
    Signed,
    Special,
    Tree,
    TypeTest,
    Variable,
    type_name,
)
from trucyte.fhir.view.definition import ROW_INDEX, Expression
from trucyte.fhir.view.forms import Form, form_of
from trucyte.fhir.view.functions import URN_PATTERN, reference_pattern, relative_pattern
from trucyte.fhir.view.problems import NotInSql, ViewPathRefused
from trucyte.fhir.view.sql_boundary import boundary
from trucyte.fhir.view.sql_order import arithmetic, equality, negative, order
from trucyte.fhir.view.sql_value import Value, Writer

_COMPARED: Final = frozenset({"<", "<=", ">", ">="})
_CALCULATED: Final = frozenset({"+", "-", "*", "/", "&"})
_INDEX_MAX: Final = 1_000_000
_LOGIC: Final = {
    "and": "({} AND {})", "or": "({} OR {})", "xor": "({} <> {})",
    "implies": "(NOT {} OR {})",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sight:
    """What an expression sees: `$this`, the resource, the number of its row."""

    this: Value
    resource: Value
    row_index: str


class SqlExpressions:
    """Compiles the expressions of one view."""

    def __init__(
        self, definitions: Definitions, constants: Mapping[str, Any], writer: Writer
    ) -> None:
        """Keep what names mean."""
        self._definitions = definitions
        self._constants = constants
        self.writer = writer
        self.primitives: set[str] = set()  # names of primitive elements that are read
        self.decimals: set[str] = set()  # those of them that are decimals

    def compiled(self, expression: Expression, sight: Sight) -> Value:
        """Compile an expression. Raises `NotInSql`, or `ViewPathRefused` at a wrong name."""
        try:
            return self._value(expression.tree, sight)
        except _Unknown as error:
            raise ViewPathRefused(at=expression.at, reason=str(error)) from None

    def condition(self, expression: Expression, sight: Sight) -> str:
        """Compile a condition of the view, which gives one boolean or nothing."""
        value = self.compiled(expression, sight)
        if value.choice is not None:
            raise NotInSql("a choice as a condition")
        if value.form is not Form.BOOLEAN:
            reason = f"a condition is a boolean, not {value.type}"
            raise ViewPathRefused(at=expression.at, reason=reason)
        return self.writer.one(value)

    def _value(self, tree: Tree, sight: Sight) -> Value:
        match tree:
            case Literal(value):
                return self._constant(value)
            case Special("$this"):
                return sight.this
            case Variable(name):
                return self._variable(name, sight)
            case Chain(first, steps):
                return self._chain(first, steps, sight)
            case Name() | Call() | Indexed():
                return self._step(tree, sight.this, sight, is_first=True)
        return self._operation(tree, sight)

    def _operation(self, tree: Tree, sight: Sight) -> Value:
        match tree:
            case Signed("-", operand):
                return negative(self.writer, self._value(operand, sight))
            case Signed(_, operand):
                return self._value(operand, sight)
            case TypeTest("as", operand, kind) if kind.namespace in ("", "FHIR"):
                return self._of_type(self._single(self._value(operand, sight)), kind.name)
            case Binary(operator, left, right):
                return self._binary(operator, self._value(left, sight), self._value(right, sight))
        raise NotInSql(type(tree).__name__)

    def _chain(self, first: Tree, steps: tuple[Tree, ...], sight: Sight) -> Value:
        if isinstance(first, Name | Call | Indexed):
            value = self._step(first, sight.this, sight, is_first=True)
        else:
            value = self._value(first, sight)
        for step in steps:
            value = self._step(step, value, sight, is_first=False)
        return value

    def _step(self, step: Tree, focus: Value, sight: Sight, *, is_first: bool) -> Value:
        match step:
            case Name(name):
                return focus if is_first and name == focus.type else self._child(focus, name)
            case Indexed(index):
                return self._indexed(focus, self._value(index, sight))
            case Call(name):
                build = _FUNCTIONS.get(name)
                if build is None:
                    raise NotInSql(name)
                return build(self, step, focus, sight)
        raise NotInSql(type(step).__name__)

    # --- Elements -----------------------------------------------------------------------

    def _child(self, focus: Value, name: str) -> Value:
        if focus.choice is not None or focus.form is not Form.JSON:
            raise NotInSql("children of a choice or of a primitive")
        definition = self._definitions.types.get(focus.type)
        if definition is None:
            raise NotInSql("children of what was computed")
        element = definition.elements.get(name)
        if element is None:
            if definition.is_abstract:
                raise NotInSql("a resource of any type")
            raise _Unknown(f"{focus.type} has no element {name[:60]}")
        if element.is_choice:
            return replace(focus, choice=element)
        return self._read(focus, name, element.types[0], is_array=element.is_array)

    def _read(self, focus: Value, key: str, kind: str, *, is_array: bool) -> Value:
        form = form_of(kind, self._definitions)
        if form is None or kind in ("Resource", "DomainResource", "xhtml"):
            raise NotInSql("a resource inside a resource")
        if form is not Form.JSON:
            self.primitives.add(key)
        if form is Form.DECIMAL:
            if is_array:
                raise NotInSql("a list of decimals")
            self.decimals.add(key)
        return focus.at(key, kind, form, is_array=is_array)

    def _of_type(self, focus: Value, name: str) -> Value:
        if focus.choice is None:
            if focus.type == name:
                return focus
            raise NotInSql("ofType of no choice")
        for key, kind in focus.choice.choices.items():
            if kind == name:
                return self._read(replace(focus, choice=None), key, kind, is_array=False)
        raise _Unknown(f"{focus.choice.path} is never {name[:60]}")

    def _single(self, value: Value) -> Value:
        if value.is_many:
            raise NotInSql("as of many")
        return value

    def _indexed(self, focus: Value, index: Value) -> Value:
        if index.form is not Form.INTEGER:
            raise NotInSql("an index of another type")
        if index.literal is not None and index.literal < _INDEX_MAX and focus.is_plain_list:
            return focus.item(index.literal)
        place = self.writer.one(index)
        text = f"({self.writer.many(focus)})[CASE WHEN {place} >= 0 THEN {place} + 1 END]"
        return Value(focus.type, focus.form, text)

    # --- Constants ----------------------------------------------------------------------

    def _variable(self, name: str, sight: Sight) -> Value:
        if name == ROW_INDEX:
            return Value("Integer", Form.INTEGER, sight.row_index)
        if name in self._constants:
            return self._constant(self._constants[name])
        if name in ("resource", "rootResource"):
            return sight.resource
        raise NotInSql(name)

    def _constant(self, value: Any) -> Value:
        parameter = self.writer.parameter
        if isinstance(value, bool):
            return Value("Boolean", Form.BOOLEAN, "true" if value else "false")
        if isinstance(value, int):
            return Value("Integer", Form.INTEGER, f"CAST({value} AS BIGINT)", literal=value)
        if isinstance(value, Decimal):
            return Value("Decimal", Form.DECIMAL, parameter(plain(value)))
        if isinstance(value, Moment):
            return Value(value.type, Form.TEXT, parameter(str(value)))
        if isinstance(value, str):
            return Value("String", Form.TEXT, parameter(value))
        raise NotInSql(type(value).__name__)

    # --- Operators ----------------------------------------------------------------------

    def _binary(self, operator: str, left: Value, right: Value) -> Value:
        writer = self.writer
        if operator in _LOGIC:
            return _boolean(_LOGIC[operator].format(self.truth(left), self.truth(right)))
        if operator == "=":
            return _boolean(equality(writer, left, right))
        if operator == "!=":
            return _boolean(f"(NOT {equality(writer, left, right)})")
        if operator in _COMPARED:
            return _boolean(order(writer, operator, left, right))
        if operator in _CALCULATED:
            return arithmetic(writer, operator, left, right)
        raise NotInSql(operator)

    def truth(self, value: Value) -> str:
        """Return SQL of a value as a boolean: any other single item is true (5.5)."""
        text = self.writer.one(value)
        return (
            text if value.form is Form.BOOLEAN else f"(CASE WHEN {text} IS NOT NULL THEN true END)"
        )

    # --- Functions ----------------------------------------------------------------------

    def filtered(self, focus: Value, criteria: Tree, sight: Sight) -> Value:
        """Compile `where(criteria)`."""
        item = self.writer.name()
        if focus.is_many:
            base = self.writer.sql(focus)
            inner = replace(sight, this=Value(focus.type, focus.form, item))
            test = self.truth(self._value(criteria, inner))
            text = f"list_filter({base}, lambda {item}: {test})"
            return Value(focus.type, focus.form, text, is_base_many=True)
        test = self.truth(self._value(criteria, replace(sight, this=focus)))
        return Value(
            focus.type, focus.form, f"(CASE WHEN {test} THEN {self.writer.sql(focus)} END)"
        )

    def existing(self, focus: Value, call: Call, sight: Sight) -> str:
        """Compile `exists([criteria])`."""
        if not call.arguments:
            if focus.choice is not None:
                self.primitives.update(focus.choice.choices)
            return "true" if focus == sight.resource else self.writer.exists(focus)
        return self.writer.exists(_where(self, call, focus, sight))

    def extension(self, focus: Value, url: Value) -> Value:
        """Compile `extension(url)`."""
        if focus.form is not Form.JSON or focus.choice is not None or url.form is not Form.TEXT:
            raise NotInSql("extensions of a primitive")
        all_of_them = self._child(focus, "extension")
        item = self.writer.name()
        test = f"json_extract_string({item}, '$.url') = {self.writer.one(url)}"
        text = f"list_filter({self.writer.sql(all_of_them)}, lambda {item}: {test})"
        return Value("Extension", Form.JSON, text, is_base_many=True)

    def argument(self, call: Call, sight: Sight) -> Value:
        """Compile the only argument."""
        return self._value(call.arguments[0], sight)

    def child(self, focus: Value, name: str) -> Value:
        """Return the children of a name."""
        return self._child(focus, name)

    def resource_type(self, tree: Tree) -> str:
        """Read an argument as a resource type."""
        kind = type_name(tree)
        if kind is None or kind.name not in self._definitions.resource_types:
            raise _Unknown("getReferenceKey takes the name of a resource type")
        return kind.name

    def of_type(self, focus: Value, call: Call) -> Value:
        """Compile `ofType(Type)`."""
        kind = type_name(call.arguments[0])
        if kind is None or kind.namespace not in ("", "FHIR"):
            raise NotInSql("ofType of such a type")
        return self._of_type(focus, kind.name)


class _Unknown(Exception):  # noqa: N818 - always turned into ViewPathRefused
    """A name that the definitions do not have."""


_Build = Callable[[SqlExpressions, Call, Value, Sight], Value]


def _boolean(text: str) -> Value:
    return Value("Boolean", Form.BOOLEAN, text)


def _where(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    if focus == sight.resource:
        test = made.truth(made.argument(call, replace(sight, this=focus)))
        # Only asked whether it exists, never read: an empty object stands for the resource.
        return Value("", Form.JSON, f"(CASE WHEN {test} THEN '{{}}'::JSON END)")
    return made.filtered(focus, call.arguments[0], sight)


def _exists(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    return _boolean(made.existing(focus, call, sight))


def _empty(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    return _boolean(f"(NOT {made.existing(focus, call, sight)})")


def _not(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    return _boolean(f"(NOT {made.truth(focus)})")


def _first(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    if not focus.is_many:
        return focus
    if focus.is_plain_list:
        return focus.item(0)
    return Value(focus.type, focus.form, f"({made.writer.sql(focus)})[1]")


def _count(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    return Value("Integer", Form.INTEGER, f"CAST(len({made.writer.many(focus)}) AS BIGINT)")


def _extension(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    return made.extension(focus, made.argument(call, sight))


def _of_type(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    return made.of_type(focus, call)


def _join(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    mark = made.writer.one(made.argument(call, sight)) if call.arguments else "''"
    if focus.form is not Form.TEXT:
        raise NotInSql("join of no texts")
    text = f"coalesce(array_to_string({made.writer.many(focus)}, {mark}), '')"
    return Value("String", Form.TEXT, text)


def _boundary(*, is_high: bool) -> _Build:
    def build(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
        if call.arguments:
            raise NotInSql("a boundary of a precision")
        return boundary(focus, made.writer.one(focus), is_high=is_high)

    return build


def _resource_key(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    if focus != sight.resource:
        raise NotInSql("the key of another resource")
    return replace(made.child(focus, "id"), type="String")


def _reference_key(made: SqlExpressions, call: Call, focus: Value, sight: Sight) -> Value:
    if focus.type != "Reference" or focus.choice is not None:
        raise NotInSql("the key of no reference")
    writer, wanted = made.writer, ""
    if call.arguments:
        wanted = made.resource_type(call.arguments[0])
    if not focus.is_many:
        text = writer.sql(made.child(focus, "reference"))
        named = writer.sql(made.child(focus, "type"))
        return Value("String", Form.TEXT, _key(text, named, wanted))
    item, other = writer.name(), writer.name()
    text, named = (f"json_extract_string({item}, '$.{key}')" for key in ("reference", "type"))
    keys = f"list_transform({writer.sql(focus)}, lambda {item}: {_key(text, named, wanted)})"
    text = f"list_filter({keys}, lambda {other}: {other} IS NOT NULL)"
    return Value("String", Form.TEXT, text, is_base_many=True)


def _key(text: str, named: str, wanted: str) -> str:
    """Return SQL of the key in a reference; `wanted` is a resource type or empty."""
    pattern = reference_pattern(wanted)
    urn = f"nullif(regexp_extract({text}, '{URN_PATTERN}', 1), '')"
    if wanted:
        urn = f"CASE WHEN {named} = '{wanted}' THEN {urn} END"
    # A relative reference, which most are, is told without catching groups: six times faster.
    return (
        f"(CASE WHEN regexp_matches({text}, '{relative_pattern(wanted)}') "
        f"THEN split_part({text}, '/', 2) WHEN starts_with({text}, 'urn:') THEN {urn} "
        f"ELSE nullif(regexp_extract({text}, '{pattern}', 1), '') END)"
    )


_FUNCTIONS: Final[Mapping[str, _Build]] = {
    "where": _where,
    "exists": _exists,
    "empty": _empty,
    "not": _not,
    "first": _first,
    "count": _count,
    "extension": _extension,
    "ofType": _of_type,
    "as": lambda made, call, focus, sight: made.of_type(made._single(focus), call),
    "join": _join,
    "lowBoundary": _boundary(is_high=False),
    "highBoundary": _boundary(is_high=True),
    "getResourceKey": _resource_key,
    "getReferenceKey": _reference_key,
}
