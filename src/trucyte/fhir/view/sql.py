"""A view as DuckDB SQL over lines of JSON.

Each step is a relation of what inner steps still need (`_line`, `_v`, the elements
of forEach as `_e1` …) and of the columns made so far. What SQL cannot do exactly for a
line raises an error in DuckDB, and the line is given to closures (`insight`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.view.definition import Column, Each, Select, View
from trucyte.fhir.view.forms import Form, form_of
from trucyte.fhir.view.problems import NotInSql, ViewMalformed, ViewPathRefused
from trucyte.fhir.view.sql_expression import Sight, SqlExpressions
from trucyte.fhir.view.sql_value import ROOT, Value, Writer
from trucyte.fhir.view.statement import Field, Statement, Step, quoted

_REPEAT_MAX: Final = 100  # levels; deeper ones go to the closures
# A number under a key that DuckDB would not give back as written: 72.50, 1e3, many digits,
# very small ones. It begins with the key, which is what makes looking for it cheap.
_LOSSY = (
    r'{}"\s*:\s*-?(?:[0-9]+\.[0-9]*0|[0-9.]+[eE][-+]?[0-9]+|0\.0000[0-9]*|[0-9.]{{16,}})\s*[,}}]'
)
_LEXEME = r'("(?:[^"\\]|\\.)*")|(-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)'
# Numbers become texts: every token is set between two marks, the empty ones vanish.
_AS_TEXT = (
    f"replace(replace(replace(regexp_replace(line, '{_LEXEME}', "
    r"'\1' || chr(1) || '\2' || chr(2), 'g'), chr(1) || chr(2), ''), "
    "chr(1), '\"'), chr(2), '\"')"
)


@dataclass(frozen=True, slots=True)
class _Relation:
    """What a step gives: its name, what it carries, the columns made."""

    name: str
    carried: tuple[str, ...]
    columns: tuple[str, ...] = ()

    @property
    def all(self) -> str:
        return ", ".join((*self.carried, *self.columns))

    def placed(self, place: str) -> str:
        """Everything, with one more place in the order of rows."""
        grown = f"list_append(_o, {place}) AS _o"
        carried = [grown if name == "_o" else name for name in self.carried]
        return ", ".join((*carried, *self.columns))


def to_sql(view: View, definitions: Definitions) -> Statement:
    """Compile a view. Raises `NotInSql`, `ViewPathRefused`, `ViewMalformed`."""
    return _SqlView(view, definitions).statement()


@dataclass(slots=True)
class _SqlView:
    view: View
    definitions: Definitions
    writer: Writer = field(default_factory=Writer)
    steps: list[Step] = field(default_factory=list)
    forms: dict[str, Form] = field(default_factory=dict)
    is_ordered: bool = False
    expressions: SqlExpressions = field(init=False)

    def statement(self) -> Statement:
        view = self.view
        self.expressions = SqlExpressions(self.definitions, view.constants, self.writer)
        self.is_ordered = any(_needs_order(select) for select in view.selects)
        root = Value(view.resource, Form.JSON, ROOT)
        sight = Sight(root, root, "CAST(0 AS BIGINT)")
        tests = [self.expressions.condition(one, sight) for one in view.where] or ["true"]
        keys = ("_line", "_o") if self.is_ordered else ("_line",)
        relation = self._step("kept", f"FROM read WHERE {' AND '.join(tests)}", (*keys, "_v"))
        for select in view.selects:
            relation = self._select(select, relation, sight)
        names = [quoted(column.name) for column in view.columns]
        self._step("rows", f"FROM {relation.name}", keys, names)
        fields = tuple(
            Field(column.name, self.forms[column.name], column.is_collection)
            for column in view.columns
        )
        order = "_line, _o" if self.is_ordered else ""
        strict, *readers = self._readers()
        return Statement(
            (*readers, *self.steps), "rows", order, fields,
            self.writer.parameters, self._siblings(), strict,
        )  # fmt: skip

    # --- Reading ------------------------------------------------------------------------

    def _readers(self) -> tuple[Step, ...]:
        """Return the steps that read all that later ones need, once; the strict form first."""
        reads = self.writer.reads
        wanted = self.writer.parameter(f'"{self.view.resource}"')
        kind = self.writer.parameter(self.view.resource)
        siblings = self.writer.parameter(self._siblings())
        beside = f"contains(line, '_') AND regexp_matches(line, {siblings})"
        is_kind = f"json_extract_string(line, '$.resourceType') = {kind}"
        if reads.paths:
            # Most begin with their type; for these it costs no parsing, which reading does.
            start = self.writer.parameter('{"resourceType":"' + self.view.resource + '"')
            is_kind = f"CASE WHEN starts_with(line, {start}) THEN true ELSE {is_kind} END"
        # One CASE each: DuckDB would put the parts of an AND into another order.
        others = "WHEN trim(line) = '' OR json_valid(line) THEN false ELSE error('json')"
        mine = f"WHEN NOT contains(line, {wanted}) THEN false WHEN {beside}"
        strict = f"CASE WHEN contains(line, {wanted}) THEN CASE WHEN {beside} THEN error('beside')"
        tests = (
            f"{strict} ELSE {is_kind} END {others} END",
            f"CASE {mine} THEN false ELSE {is_kind} END",
        )
        line = "line"
        keys = [_LOSSY.format(key) for key in sorted(self.expressions.decimals)]
        if keys:
            lossy = " OR ".join(f"regexp_matches(line, '{key}')" for key in keys)
            line = f"CASE WHEN {lossy} THEN {_AS_TEXT} ELSE line END"
        paths = ", ".join(f"'${path}'" for path in reads.paths)
        read = f"json_extract_string(line, [{paths}])" if paths else "CAST([] AS VARCHAR[])"
        first = "CAST([] AS BIGINT[]) AS _o, " if self.is_ordered else ""
        kept = f"SELECT no AS _line, {line} AS line FROM lines WHERE"
        return (
            *(Step("resources", f"{kept} {test}") for test in tests),
            Step("read", f"SELECT _line, {first}{read} AS _v FROM resources"),
        )

    def _siblings(self) -> str:
        names = "|".join(sorted(re.escape(name) for name in self.expressions.primitives | {"id"}))
        return f'"_(?:{names})"\\s*:'

    # --- Steps --------------------------------------------------------------------------

    def _step(
        self, name: str, source: str, carried: tuple[str, ...], columns: Sequence[str] = ()
    ) -> _Relation:
        relation = _Relation(name, carried, tuple(columns))
        self.steps.append(Step(name, f"SELECT {relation.all} {source}"))
        return relation

    def _named(self, kind: str) -> str:
        return f"{kind}_{len(self.steps)}"

    def _select(self, select: Select, before: _Relation, sight: Sight) -> _Relation:
        if select.each is None:
            return self._inside(select, before, sight)
        if select.each.kind == "repeat":
            return self._repeat(select, select.each, before, sight)
        return self._for_each(select, select.each, before, sight)

    def _inside(self, select: Select, before: _Relation, sight: Sight) -> _Relation:
        relation = before
        if select.columns:
            made = [f"{self._cell(one, sight)} AS {quoted(one.name)}" for one in select.columns]
            names = tuple(quoted(column.name) for column in select.columns)
            relation = _Relation(self._named("columns"), before.carried, (*before.columns, *names))
            sql = f"SELECT {', '.join((before.all, *made))} FROM {before.name}"
            self.steps.append(Step(relation.name, sql))
        for inner in select.selects:
            relation = self._select(inner, relation, sight)
        return self._union(select, relation, sight) if select.unions else relation

    def _union(self, select: Select, before: _Relation, sight: Sight) -> _Relation:
        branches = []
        for place, union in enumerate(select.unions):
            start = self._ordered(before, place)
            branches.append(self._select(union, start, sight))
        return self._joined("union", before, branches)

    def _ordered(self, before: _Relation, place: int) -> _Relation:
        """Give the rows of one branch its place among the branches."""
        name = self._named("branch")
        self.steps.append(Step(name, f"SELECT {before.placed(str(place))} FROM {before.name}"))
        return _Relation(name, before.carried, before.columns)

    def _joined(self, kind: str, before: _Relation, branches: list[_Relation]) -> _Relation:
        relation = _Relation(self._named(kind), before.carried, branches[0].columns)
        parts = [f"SELECT {relation.all} FROM {branch.name}" for branch in branches]
        self.steps.append(Step(relation.name, " UNION ALL ".join(parts)))
        return relation

    # --- forEach ------------------------------------------------------------------------

    def _for_each(self, select: Select, each: Each, before: _Relation, sight: Sight) -> _Relation:
        value = self.expressions.compiled(each.paths[0], sight)
        if value == sight.resource:
            raise NotInSql("forEach of the resource")
        start = self._ordered(before, 0) if each.kind == "forEachOrNull" else before
        relation, inner = self._unnested(value, start, sight, select)
        relation = self._inside(select, relation, inner)
        if each.kind == "forEach":
            return replace(relation, carried=before.carried)
        nothing = self._of_nothing(select, self._ordered(before, 1), value)
        return self._joined("or_null", before, [relation, nothing])

    def _unnested(
        self, value: Value, before: _Relation, sight: Sight, select: Select
    ) -> tuple[_Relation, Sight]:
        number = len(self.steps)
        element, index = f"_e{number}", f"_i{number}"
        item = replace(value, base=element, path="", is_base_many=False, number="")
        name = self._named("each")
        relation = _Relation(name, (*before.carried, element, index), before.columns)
        if not value.is_many:
            listed = f"{self.writer.sql(value)} AS {element}, CAST(0 AS BIGINT) AS {index}"
            sql = f"SELECT * FROM (SELECT {before.all}, {listed} FROM {before.name})"
            self.steps.append(Step(name, f"{sql} WHERE {element} IS NOT NULL"))
            return relation, replace(sight, this=item, row_index=index)
        items = self.writer.sql(value)
        listed = before.placed(f"generate_subscripts({items}, 1)")
        self.steps.append(
            Step(
                name,
                f"SELECT {listed}, unnest({items}) AS {element}, "
                f"generate_subscripts({items}, 1) - 1 AS {index} FROM {before.name}",
            )
        )
        return relation, replace(sight, this=item, row_index=index)

    def _of_nothing(self, select: Select, before: _Relation, value: Value) -> _Relation:
        """Give one row of nulls where there is no element (v2, Process)."""
        columns = tuple(select.all_columns())
        made = [
            f"CAST(NULL AS {self._type(column)}) AS {quoted(column.name)}" for column in columns
        ]
        names = tuple(quoted(column.name) for column in columns)
        relation = _Relation(self._named("nothing"), before.carried, (*before.columns, *names))
        sql = f"SELECT {', '.join((before.all, *made))} FROM {before.name}"
        self.steps.append(Step(relation.name, f"{sql} WHERE NOT {self.writer.exists(value)}"))
        return relation

    def _repeat(self, select: Select, each: Each, before: _Relation, sight: Sight) -> _Relation:
        """Walk down by recursion; `_o` grows with every level, so that parents come first."""
        number = len(self.steps)
        element, level = f"_e{number}", f"_d{number}"
        seeds = [self.expressions.compiled(path, sight) for path in each.paths]
        item = Value(seeds[0].type, seeds[0].form, element)
        deeper = [self.expressions.compiled(path, replace(sight, this=item)) for path in each.paths]
        if len({(value.type, value.form) for value in (*seeds, *deeper)}) > 1:
            raise NotInSql("repeat over several types")
        walked = self._named("repeat")
        inside = ", ".join(name for name in (*before.carried, *before.columns) if name != "_o")
        first = self._level(seeds, before.name, inside, "0", element, level)
        next_level = f"CASE WHEN {level} < {_REPEAT_MAX} THEN {level} + 1 ELSE error('depth') END"
        below = self._level(deeper, walked, inside, next_level, element, level)
        self.steps.append(Step(walked, f"{first} UNION ALL {below}"))
        carried = (*before.carried, element, "_i" + element)
        relation = _Relation(self._named("numbered"), carried, before.columns)
        start = f"_o[:len(_o) - {level} - 1]"
        place = f"row_number() OVER (PARTITION BY _line, {start} ORDER BY _o) - 1"
        sql = (
            f"SELECT {before.all}, {element}, CAST({place} AS BIGINT) AS _i{element} FROM {walked}"
        )
        self.steps.append(Step(relation.name, sql))
        inner = replace(sight, this=item, row_index=f"_i{element}")
        return replace(self._inside(select, relation, inner), carried=before.carried)

    def _level(
        self, values: list[Value], source: str, inside: str, level: str, element: str, name: str
    ) -> str:
        lists = [self.writer.many(value) for value in values]
        items = lists[0] if len(lists) == 1 else f"flatten([{', '.join(lists)}])"
        return (
            f"SELECT {inside}, list_append(_o, generate_subscripts({items}, 1)) AS _o, "
            f"{level} AS {name}, unnest({items}) AS {element} FROM {source}"
        )

    # --- Cells --------------------------------------------------------------------------

    def _cell(self, column: Column, sight: Sight) -> str:
        value = self.expressions.compiled(column.path, sight)
        if value == sight.resource or value.form is Form.JSON or value.choice is not None:
            raise NotInSql("a column of elements")
        form = self._form(column, value)
        known = self.forms.setdefault(column.name, form)
        if known is not form:
            raise ViewMalformed(at=column.at, reason="the parts of unionAll have the same types")
        text = self.writer.many(value) if column.is_collection else self.writer.one(value)
        if form is value.form:
            return text
        if (form, value.form) == (Form.TEXT, Form.DECIMAL):
            # As a text a decimal has no exponent; those are the closures' to write out.
            digits = f"array_to_string({text}, ' ')" if column.is_collection else text
            return (
                f"(CASE WHEN regexp_matches({digits}, '[eE]') THEN error('digits') ELSE {text} END)"
            )
        return f"CAST({text} AS {self._type(column)})"

    def _form(self, column: Column, value: Value) -> Form:
        if not column.type:
            return value.form
        form = form_of(column.type, self.definitions)
        if form is None:
            raise ViewMalformed(at=f"{column.at}.type", reason="R4 has no such type")
        is_wider = form is Form.TEXT or (form, value.form) == (Form.DECIMAL, Form.INTEGER)
        if form is not value.form and not is_wider:
            reason = f"the column is {column.type}, the expression gives {value.type}"
            raise ViewPathRefused(at=column.path.at, reason=reason)
        return form

    def _type(self, column: Column) -> str:
        form = self.forms[column.name]
        name = "VARCHAR" if form is Form.DECIMAL else form.value
        return f"{name}[]" if column.is_collection else name


def _needs_order(select: Select) -> bool:
    each = select.each is not None and select.each.kind != "forEach"
    inner = (*select.selects, *select.unions)
    return each or bool(select.unions) or any(_needs_order(one) for one in inner)


def forms_of(view: View, statement: Statement | None, definitions: Definitions) -> dict[str, Form]:
    """Return the form of every column: as declared, as SQL found it, else text."""
    found = {one.name: one.form for one in statement.fields} if statement else {}
    for column in view.columns:
        if column.name not in found:
            form = form_of(column.type, definitions) if column.type else Form.TEXT
            if form is None:
                raise ViewMalformed(at=f"{column.at}.type", reason="R4 has no such type")
            found[column.name] = form
    return found
