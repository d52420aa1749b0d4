"""The rows of single resources, by closures: exact, and it names what does not fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Any, Final

from trucyte.fhir.path.compiler import ExpressionCompiler
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.model import Model, Node
from trucyte.fhir.path.path import Path
from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.view.definition import (
    ROW_INDEX,
    Column,
    Each,
    Expression,
    Select,
    View,
    uses_variable,
)
from trucyte.fhir.view.forms import Form, NotOfForm, held
from trucyte.fhir.view.functions import VIEW_FUNCTIONS
from trucyte.fhir.view.problems import ViewPathRefused, ViewRowRefused

ROWS_MAX: Final = 100_000  # of one resource
REPEAT_MAX: Final = 10_000  # elements that one repeat may walk

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row is being made."""

    item: Any
    environment: Environment
    index: int

    def values(self, path: "_Compiled") -> list[Any]:
        environment = self.environment
        if path.is_indexed:
            variables = {**environment.variables, ROW_INDEX: self.index}
            environment = replace(environment, variables=variables)
        try:
            return path.path.evaluate(self.item, environment)
        except PathProblem as problem:
            raise ViewRowRefused(at=path.at, reason=problem.message) from None


@dataclass(frozen=True, slots=True)
class _Compiled:
    path: Path
    at: str
    is_indexed: bool


_Make = Callable[[_Place], list[Row]]
_Cell = Callable[[_Place], Any]


class Rows:
    """Makes the rows of one resource after another; make one for a view and keep it."""

    def __init__(
        self,
        view: View,
        model: Model,
        forms: Mapping[str, Form],
        now: datetime | None = None,
    ) -> None:
        """Compile the view; `forms` gives the form of a column by its name.

        Without `now`, `now()` and `today()` are refused. Raises `ViewPathRefused`.
        """
        self._view = view
        self._model = model
        self._forms = forms
        self._environment = Environment(now=now, variables=view.constants)
        self._compiler = ExpressionCompiler(model, is_strict=True, functions=VIEW_FUNCTIONS)
        self._where = [self._compiled(one) for one in view.where]
        self._make = self._joined([self._select(one) for one in view.selects])

    def of(self, resource: dict[str, Any]) -> list[Row]:
        """Return the rows of a parsed resource, in the order of the columns.

        A resource of another type has none. Raises `ViewRowRefused`.
        """
        if resource.get("resourceType") != self._view.resource:
            return []
        node = self._model.resource(resource)
        place = _Place(node, replace(self._environment, resource=node), 0)
        if not all(self._holds(condition, place) for condition in self._where):
            return []
        return self._make(place)

    def _compiled(self, expression: Expression) -> _Compiled:
        try:
            code = self._compiler.code(expression.tree)
        except PathProblem as problem:
            raise ViewPathRefused(at=expression.at, reason=problem.message) from None
        is_indexed = uses_variable(expression, ROW_INDEX)
        return _Compiled(Path(expression.text, code), expression.at, is_indexed)

    @staticmethod
    def _holds(condition: _Compiled, place: _Place) -> bool:
        found = place.values(condition)
        values = [item.value if item.__class__ is Node else item for item in found]
        if values in ([], [None]):
            return False
        if len(values) > 1 or values[0].__class__ is not bool:
            raise ViewRowRefused(at=condition.at, reason="a condition gives one boolean or nothing")
        return bool(values[0])

    # --- Selects ------------------------------------------------------------------------

    def _select(self, select: Select) -> _Make:
        parts: list[_Make] = []
        if select.columns:
            parts.append(self._columns(select.columns))
        parts += [self._select(one) for one in select.selects]
        if select.unions:
            parts.append(_one_after_another([self._select(one) for one in select.unions]))
        make = self._joined(parts)
        return make if select.each is None else self._each(select, select.each, make)

    def _each(self, select: Select, each: Each, make: _Make) -> _Make:
        paths = [self._compiled(one) for one in each.paths]
        # Without an element every column is null, those of inner selects too (v2, Process).
        blank: list[Row] = [(None,) * len(tuple(select.all_columns()))]
        is_repeat = each.kind == "repeat"

        def rows(place: _Place) -> list[Row]:
            items = _repeated(place, paths) if is_repeat else place.values(paths[0])
            found: list[Row] = []
            for index, item in enumerate(items):
                found += make(_Place(item, place.environment, index))
                _check_count(len(found), select.at)
            return found

        if each.kind != "forEachOrNull":
            return rows
        return lambda place: rows(place) or (blank if not place.values(paths[0]) else [])

    def _joined(self, parts: list[_Make]) -> _Make:
        """Multiply the rows of parts that stand beside each other."""
        if len(parts) == 1:
            return parts[0]

        def rows(place: _Place) -> list[Row]:
            tables: list[list[Row]] = []
            count = 1
            for part in parts:
                table = part(place)
                if not table:
                    return []
                count *= len(table)
                _check_count(count, "select")
                tables.append(table)
            return [sum(rows, ()) for rows in product(*tables)]

        return rows

    # --- Columns ------------------------------------------------------------------------

    def _columns(self, columns: Sequence[Column]) -> _Make:
        cells = [self._cell(column) for column in columns]
        return lambda place: [tuple([cell(place) for cell in cells])]

    def _cell(self, column: Column) -> _Cell:
        compiled = self._compiled(column.path)
        form, at = self._forms[column.name], column.at

        def cell(place: _Place) -> Any:
            items = place.values(compiled)
            try:
                values = [held(item, form) for item in items]
            except NotOfForm as error:
                wanted = column.type or "a text"
                raise ViewRowRefused(at=at, reason=f"{wanted} is wanted, not {error}") from None
            if column.is_collection:
                return [value for value in values if value is not None]
            if len(values) > 1:
                reason = f"{len(values)} values where one is expected; say collection or first()"
                raise ViewRowRefused(at=at, reason=reason)
            return values[0] if values else None

        return cell


def _one_after_another(parts: list[_Make]) -> _Make:
    return lambda place: [row for part in parts for row in part(place)]


def _repeated(place: _Place, paths: list[_Compiled]) -> list[Any]:
    """Walk down by all paths again and again, parents before their children."""
    found: list[Any] = []
    waiting = [item for path in reversed(paths) for item in reversed(place.values(path))]
    while waiting:
        item = waiting.pop()
        found.append(item)
        if len(found) > REPEAT_MAX:
            raise ViewRowRefused(at=paths[0].at, reason=f"more than {REPEAT_MAX} elements")
        inner = replace(place, item=item)
        waiting += [one for path in reversed(paths) for one in reversed(inner.values(path))]
    return found


def _check_count(count: int, at: str) -> None:
    if count > ROWS_MAX:
        raise ViewRowRefused(at=at, reason=f"one resource would give more than {ROWS_MAX} rows")
