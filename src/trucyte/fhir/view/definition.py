"""ViewDefinition as it is written: read from bytes, checked, every expression parsed.

The shape is that of SQL-on-FHIR v2 (StructureDefinition ViewDefinition). Places are
named as `select[0].column[2].path`, so that whoever wrote the view finds them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.moment import read_literal
from trucyte.fhir.path.syntax.parser import parse
from trucyte.fhir.path.syntax.tree import (
    Binary,
    Call,
    Chain,
    Indexed,
    Signed,
    Tree,
    TypeTest,
    Variable,
)
from trucyte.fhir.text import scan
from trucyte.fhir.view.problems import ViewMalformed, ViewPathRefused

NESTING_MAX: Final = 40
COLUMNS_MAX: Final = 1000
ROW_INDEX: Final = "rowIndex"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
_KNOWN = frozenset({"resource", "rootResource", "context", "ucum", "sct", "loinc", ROW_INDEX})
_SQL_TYPE = re.compile(
    r"BOOLEAN|SMALLINT|INTEGER|BIGINT|REAL|FLOAT|DOUBLE|DOUBLE PRECISION|DATE|TIME|TIMESTAMP"
    r"|TIMESTAMP WITH TIME ZONE|(?:CHARACTER VARYING|VARCHAR|CHAR|CHARACTER)(?: ?\(\d{1,6}\))?"
    r"|(?:DECIMAL|NUMERIC)(?: ?\(\d{1,2}(?:, ?\d{1,2})?\))?"
)
_EACH = ("forEach", "forEachOrNull", "repeat")
_MOMENTS = {"valueDate": "@", "valueDateTime": "@", "valueInstant": "@", "valueTime": "@T"}
_TEXTS = frozenset(
    "value" + name
    for name in (
        "Base64Binary", "Canonical", "Code", "Id", "Markdown",
        "Oid", "String", "Uri", "Url", "Uuid",
    )
)  # fmt: skip
_INTEGERS = frozenset({"valueInteger", "valuePositiveInt", "valueUnsignedInt"})


@dataclass(frozen=True, slots=True)
class Expression:
    """A FHIRPath expression of a view and its place there."""

    text: str
    tree: Tree
    at: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `type` is empty where the view leaves it to the expression."""

    name: str
    path: Expression
    type: str
    is_collection: bool
    sql_type: str  # of the tag ansi/type, for typed files; empty without it
    at: str


@dataclass(frozen=True, slots=True)
class Each:
    """What gives a `select` its rows: `forEach`, `forEachOrNull` or `repeat`."""

    kind: str
    paths: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """Columns, selects whose rows are multiplied, and alternatives that follow each other."""

    each: Each | None
    columns: tuple[Column, ...]
    selects: tuple["Select", ...]
    unions: tuple["Select", ...]
    at: str

    def all_columns(self) -> Iterator[Column]:
        """Walk the columns of a row, in their order; alternatives have the same ones."""
        yield from self.columns
        for select in self.selects:
            yield from select.all_columns()
        if self.unions:
            yield from self.unions[0].all_columns()


@dataclass(frozen=True, slots=True)
class View:
    """A ViewDefinition."""

    name: str
    resource: str
    constants: Mapping[str, Any]
    where: tuple[Expression, ...]
    selects: tuple[Select, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a row, in their order."""
        return tuple(column for select in self.selects for column in select.all_columns())


def read_view(data: bytes, definitions: Definitions) -> View:
    """Read a ViewDefinition. Raises `ViewMalformed`, `ViewPathRefused` or what `scan` does."""
    source = scan(data).resource
    _refuse(source.get("resourceType", "ViewDefinition") != "ViewDefinition",
            "resourceType", "it is no ViewDefinition")  # fmt: skip
    resource = _text(source, "resource", "")
    _refuse(resource not in definitions.resource_types, "resource", "R4 has no such resource")
    constants = _constants(source)
    known = _KNOWN | constants.keys()
    reader = _Reader(known)
    where = tuple(reader.expression(one, "path", at) for at, one in _objects(source, "where", ""))
    selects = tuple(reader.select(one, at, 0) for at, one in _objects(source, "select", ""))
    _refuse(not selects, "select", "a view has one at least")
    view = View(_optional(source, "name", ""), resource, constants, where, selects)
    _check_names(view.columns)
    return view


@dataclass(frozen=True, slots=True)
class _Reader:
    known: frozenset[str]

    def select(self, source: dict[str, Any], at: str, depth: int) -> Select:
        _refuse(depth > NESTING_MAX, at, f"it nests deeper than {NESTING_MAX}")
        columns = tuple(self._column(one, place) for place, one in _objects(source, "column", at))
        selects = tuple(
            self.select(one, place, depth + 1) for place, one in _objects(source, "select", at)
        )
        unions = tuple(
            self.select(one, place, depth + 1) for place, one in _objects(source, "unionAll", at)
        )
        _refuse(not (columns or selects or unions), at, "it has no column, select or unionAll")
        _check_unions(unions)
        return Select(self._each(source, at), columns, selects, unions, at)

    def _each(self, source: dict[str, Any], at: str) -> Each | None:
        found = [kind for kind in _EACH if kind in source]
        _refuse(len(found) > 1, at, f"{' and '.join(found)} exclude each other")
        if not found:
            return None
        if found[0] != "repeat":
            return Each(found[0], (self.expression(source, found[0], at),))
        paths = source["repeat"]
        _refuse(type(paths) is not list or not paths, f"{at}.repeat", "a list of paths is needed")
        return Each("repeat", tuple(
            self._parsed(path, f"{at}.repeat[{place}]") for place, path in enumerate(paths)
        ))  # fmt: skip

    def _column(self, source: dict[str, Any], at: str) -> Column:
        name = _text(source, "name", at)
        _refuse(_NAME.fullmatch(name) is None, f"{at}.name", "it is no name of a column")
        collection = source.get("collection", False)
        _refuse(type(collection) is not bool, f"{at}.collection", "true or false is needed")
        type_name = _optional(source, "type", at).rpartition("/")[2]
        path = self.expression(source, "path", at)
        return Column(name, path, type_name, collection, _sql_type(source, at), at)

    def expression(self, source: dict[str, Any], key: str, at: str) -> Expression:
        """Read and parse the expression under `key`."""
        return self._parsed(source.get(key), f"{at}.{key}" if at else key)

    def _parsed(self, text: Any, at: str) -> Expression:
        _refuse(type(text) is not str or not text, at, "a FHIRPath expression is needed")
        try:
            tree = parse(text)
        except Problem as problem:
            raise ViewPathRefused(at=at, reason=problem.message) from None
        for name in _variables(tree):
            if name not in self.known and not name.startswith(("vs-", "ext-")):
                raise ViewPathRefused(at=at, reason=f"there is no constant %{name[:60]}")
        return Expression(text, tree, at)


def _sql_type(source: dict[str, Any], at: str) -> str:
    """Read the tag `ansi/type`; other tags are for other readers."""
    found = ""
    for place, tag in _objects(source, "tag", at):
        name, value = _text(tag, "name", place), _text(tag, "value", place)
        if name == "ansi/type":
            found = " ".join(value.upper().split())
            is_type = _SQL_TYPE.fullmatch(found) is not None
            _refuse(not is_type, f"{place}.value", "this SQL type is not known here")
    return found


def _check_names(columns: tuple[Column, ...]) -> None:
    _refuse(len(columns) > COLUMNS_MAX, "select", f"there are more than {COLUMNS_MAX} columns")
    seen: set[str] = set()
    for column in columns:
        # SQL does not tell capitals from small letters in names.
        _refuse(column.name.lower() in seen, f"{column.at}.name", "it is given twice")
        seen.add(column.name.lower())


def _check_unions(unions: tuple[Select, ...]) -> None:
    for union in unions[1:]:
        first = [(column.name, column.is_collection) for column in unions[0].all_columns()]
        other = [(column.name, column.is_collection) for column in union.all_columns()]
        _refuse(first != other, union.at, "the parts of unionAll have the same columns in order")


def _constants(source: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at, one in _objects(source, "constant", ""):
        name = _text(one, "name", at)
        _refuse(_NAME.fullmatch(name) is None, f"{at}.name", "it is no name of a constant")
        _refuse(name in found or name in _KNOWN, f"{at}.name", "it is taken")
        values = [(key, value) for key, value in one.items() if key.startswith("value")]
        _refuse(len(values) != 1, at, "exactly one value[x] is needed")
        found[name] = _constant(*values[0], at)
    return found


def _constant(key: str, value: Any, at: str) -> Any:
    kind = type(value)
    if key in _TEXTS and kind is str:
        return value
    if key in _INTEGERS and kind is int and abs(value) < 2**31:
        return value
    if key == "valueBoolean" and kind is bool:
        return value
    if key == "valueDecimal" and kind in (int, Decimal):
        return Decimal(value)
    if key in _MOMENTS and kind is str:
        moment = read_literal(_MOMENTS[key] + value)
        if moment is not None:
            return moment
    raise ViewMalformed(at=f"{at}.{key[:40]}", reason="no such type, or no value of it")


def _objects(source: dict[str, Any], key: str, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    place = f"{at}.{key}" if at else key
    values = source.get(key, [])
    _refuse(type(values) is not list, place, "a list is needed")
    for index, one in enumerate(values):
        _refuse(type(one) is not dict, f"{place}[{index}]", "an object is needed")
        yield f"{place}[{index}]", one


def _text(source: dict[str, Any], key: str, at: str) -> str:
    value = source.get(key)
    _refuse(type(value) is not str or not value, f"{at}.{key}" if at else key, "a text is needed")
    return str(value)


def _optional(source: dict[str, Any], key: str, at: str) -> str:
    return _text(source, key, at) if key in source else ""


def _refuse(is_wrong: bool, at: str, reason: str) -> None:
    if is_wrong:
        raise ViewMalformed(at=at, reason=reason)


def _variables(tree: Tree) -> Iterator[str]:
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        match part:
            case Variable(name):
                yield name
            case Chain(first, steps):
                waiting += [first, *steps]
            case Call(arguments=arguments):
                waiting += arguments
            case Indexed(index):
                waiting.append(index)
            case Binary(left=left, right=right):
                waiting += [left, right]
            case Signed(operand=operand) | TypeTest(operand=operand):
                waiting.append(operand)


def uses_variable(expression: Expression, name: str) -> bool:
    """Say whether an expression reads a variable."""
    return name in _variables(expression.tree)
