"""SQL gives the rows that closures give, or leaves the line to them."""

import json
import re
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.views import closure_rows, definitions, sql_rows, view_of
from trucyte.fhir.view.definition import View
from trucyte.fhir.view.problems import NotInSql
from trucyte.fhir.view.sql import to_sql

TEXTS = st.text(st.sampled_from("aB1 é\"\\\n,{}:'\U0001f600"), min_size=1, max_size=5)
CODES = st.sampled_from(["official", "usual", "phone"])
DATES = st.sampled_from(["1980", "1980-05", "1980-05-01", "1990-01-01", "2001-12-31"])
TIMES = st.sampled_from(
    ["2020", "2020-01-01", "2020-01-01T10:00:00+07:00", "2020-01-01T03:00:00Z",
     "2020-01-01T03:00:00.500Z", "2020-01-01T10:00+07:00"]
)  # fmt: skip
DIGITS = st.sampled_from(
    ["72.50", "0", "-1.5", "1e3", "0.00000001", "120", "3.0", "12345678901234.123400",
     "123456789012345678901234567890", "1.5E-3"]
)  # fmt: skip
REFERENCES = st.sampled_from(
    ["Patient/p1", "Organization/o1", "http://x.vn/fhir/Patient/p2", "urn:uuid:0-1", "#c",
     "Patient/p1/_history/3", "x"]
)  # fmt: skip


def things(required: dict[str, Any] | None = None, **optional: Any) -> Any:
    return st.fixed_dictionaries(required or {}, optional=optional)


NAMES = things(
    use=CODES, family=TEXTS, given=st.lists(TEXTS, min_size=1, max_size=3),
    period=things(start=TIMES),
)  # fmt: skip
EXTENSIONS = st.one_of(
    things({"url": st.just("http://e/x"), "valueCode": CODES}),
    things({"url": st.just("http://e/y"), "valueString": TEXTS}),
)
PATIENTS = things(
    {"resourceType": st.just("Patient"), "id": st.sampled_from(["p1", "p2"])},
    active=st.booleans(), gender=st.sampled_from(["male", "female"]), birthDate=DATES,
    name=st.lists(NAMES, min_size=1, max_size=3),
    telecom=st.lists(things(system=CODES, value=TEXTS, rank=st.integers(1, 9)), max_size=3),
    contact=st.lists(things(name=NAMES, gender=st.just("male")), max_size=2),
    link=st.lists(things(other=things(reference=REFERENCES, type=st.just("Patient"))), max_size=2),
    managingOrganization=things(reference=REFERENCES),
    deceasedBoolean=st.booleans(), multipleBirthInteger=st.integers(-(2**31), 2**31 - 1),
    extension=st.lists(EXTENSIONS, min_size=1, max_size=3),
    _birthDate=things({"extension": st.lists(EXTENSIONS, min_size=1, max_size=1)}),
)  # fmt: skip
OBSERVATIONS = things(
    {"resourceType": st.just("Observation"), "id": st.just("o1")},
    status=st.just("final"), effectiveDateTime=TIMES, subject=things(reference=REFERENCES),
    valueQuantity=things(value=DIGITS.map(Decimal), unit=TEXTS),
    referenceRange=st.lists(
        things(low=things(value=DIGITS.map(Decimal)), text=TEXTS), max_size=3
    ),
)  # fmt: skip

KINDS = {"Patient": PATIENTS, "Observation": OBSERVATIONS}
# Expressions by the type they start from; the column's type follows from them.
CELLS = {
    "Patient": [
        "id", "gender", "birthDate", "name.family.first()", "name.family", "name[1].family",
        "name.where(use = 'official').given.first()", "name[0].given.join(',')",
        "name.given.join()", "name.first().family", "getResourceKey()",
        "managingOrganization.getReferenceKey(Organization)",
        "managingOrganization.getReferenceKey()",
        "link.other.getReferenceKey(Patient).first()",
        "getResourceKey() = link.other.getReferenceKey()",
        "extension('http://e/x').value.ofType(code).first()",
        "telecom.where(system = %system).value.first()", "telecom[%place].value",
        "active", "active.exists()", "name.exists()", "name.empty()", "birthDate.exists()",
        "gender = 'male'", "gender != 'male'", "name.family = 'a'", "deceased.exists()",
        "deceased.ofType(boolean)", "birthDate < @1990-01-01", "birthDate = @1980-05-01",
        "birthDate >= @1980", "active and gender = 'male'", "active or gender = 'male'",
        "(gender = 'male').not()", "active xor deceased.ofType(boolean)",
        "active implies name.exists()", "name.where(use = 'official' and family.exists()).exists()",
        "name.exists(given = 'a')", "multipleBirth.ofType(integer)",
        "multipleBirth.ofType(integer) + 1", "multipleBirth.ofType(integer) * 2",
        "multipleBirth.ofType(integer) > 3", "-multipleBirth.ofType(integer)", "name.count()",
        "%rowIndex", "telecom.rank.first()", "telecom.where(rank > 3).system.first()", "'A'",
        "where(active).exists()", "gender & 'x'", "name.given.first() + 'x'",
        "multipleBirth.ofType(integer) / 3", "birthDate.lowBoundary()",
        "birthDate.highBoundary()",
    ],
    "HumanName": ["family", "given.first()", "given", "use", "given.join('-')", "period.start",
                  "%rowIndex", "%resource.id", "use = 'official'", "period.start > @2020-01-01",
                  "period.start <= @2020-01-01T03:00:00Z"],
    "Contact": ["name.family", "gender", "name.given.first()", "%rowIndex", "name.exists()"],
    "string": ["$this", "%rowIndex", "$this = 'a'"],
    "Observation": ["id", "status", "subject.getReferenceKey(Patient)",
                    "value.ofType(Quantity).value", "value.ofType(Quantity).unit",
                    "value.ofType(Quantity).value + 1", "value.ofType(Quantity).value * 2.5",
                    "value.ofType(Quantity).value / 3", "value.ofType(Quantity).value > 72",
                    "value.ofType(Quantity).value = 72.5", "effective.ofType(dateTime)",
                    "effective.ofType(dateTime) < @2020-01-01T03:00:00.000Z", "value.exists()",
                    "effective.ofType(dateTime) >= @2020", "referenceRange.low.value.first()",
                    "referenceRange.where(low.value < 100).text.first()",
                    "value.ofType(Quantity).value.lowBoundary()",
                    "value.ofType(Quantity).value.highBoundary()",
                    "effective.ofType(dateTime).lowBoundary()",
                    "effective.ofType(dateTime).highBoundary()"],
    "Range": ["low.value", "text", "%rowIndex", "low.value - 0.5"],
}  # fmt: skip
LOOPS = {
    "Patient": [("name", "HumanName"), ("contact", "Contact"), ("name.given", "string"),
                ("name.where(use = 'official')", "HumanName"), ("contact.name", "HumanName"),
                ("name.first()", "HumanName")],
    "HumanName": [("given", "string")],
    "Contact": [("name", "HumanName"), ("name.given", "string")],
    "Observation": [("referenceRange", "Range")],
    "string": [], "Range": [],
}  # fmt: skip
CONDITIONS = {
    "Patient": ["active", "gender = 'male'", "name.exists()", "name.where(use = 'usual').empty()",
                "multipleBirth.ofType(integer) > 0 or active"],
    "Observation": ["value.ofType(Quantity).value > 72", "status = 'final'"],
}  # fmt: skip


class Drawn:
    """A view put together from parts."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._names = iter(f"c{number}" for number in range(1000))

    def view(self) -> dict[str, Any]:
        draw = self._draw
        resource = draw(st.sampled_from(["Patient", "Observation"]))
        condition = {"path": draw(st.sampled_from(CONDITIONS[resource]))}
        count = draw(st.integers(1, 2))
        return {
            "resource": resource,
            "constant": [
                {"name": "system", "valueCode": "phone"}, {"name": "place", "valueInteger": 1},
            ],
            "where": [condition] * draw(st.integers(0, 1)),
            "select": [self._select(resource, draw(st.integers(0, 1))) for _ in range(count)],
        }  # fmt: skip

    def _column(self, kind: str) -> dict[str, Any]:
        path = self._draw(st.sampled_from(CELLS[kind]))
        made: dict[str, Any] = {"name": next(self._names), "path": path}
        if self._draw(st.booleans()):
            made["collection"] = self._draw(st.booleans())
        return made

    def _select(self, kind: str, depth: int) -> dict[str, Any]:
        draw = self._draw
        made: dict[str, Any] = {}
        if LOOPS[kind] and depth and draw(st.booleans()):
            path, kind = draw(st.sampled_from(LOOPS[kind]))
            made[draw(st.sampled_from(["forEach", "forEachOrNull"]))] = path
        made["column"] = [self._column(kind) for _ in range(draw(st.integers(1, 3)))]
        if depth < 2 and draw(st.booleans()):
            count = draw(st.integers(1, 2))
            made["select"] = [self._select(kind, depth + 1) for _ in range(count)]
        if depth < 2 and draw(st.booleans()):
            made["unionAll"] = self._union(kind)
        return made

    def _union(self, kind: str) -> list[dict[str, Any]]:
        name, draw = next(self._names), self._draw
        branches: list[dict[str, Any]] = [
            {"column": [{"name": name, "path": "'x'", "type": "string"}]}
        ]
        loops = draw(st.lists(st.sampled_from(LOOPS[kind]), max_size=2)) if LOOPS[kind] else []
        for path, inner in loops:
            cell = {"name": name, "path": CELLS[inner][0], "type": "string"}
            branches.append({draw(st.sampled_from(["forEach", "forEachOrNull"])): path,
                             "column": [cell]})  # fmt: skip
        return branches


@st.composite
def views(draw: st.DrawFn) -> dict[str, Any]:
    return Drawn(draw).view()


def written(resource: dict[str, Any]) -> str:
    """JSON with decimals as they were written."""
    marked = json.dumps(resource, ensure_ascii=False, default=lambda number: f"<<{number}>>")
    return re.sub(r'"<<([^">]*)>>"', r"\1", marked)


def same(left: str, right: str) -> bool:
    mine, other = (json.loads(text, parse_float=Decimal) for text in (left, right))
    if list(mine) != list(other):
        return False
    return all(_same(mine[name], other[name]) for name in mine)


def _same(mine: Any, other: Any) -> bool:
    if isinstance(mine, list) and isinstance(other, list) and len(mine) == len(other):
        return all(_same(*pair) for pair in zip(mine, other, strict=True))
    if isinstance(mine, int | Decimal) and isinstance(other, int | Decimal):
        if isinstance(mine, bool) or isinstance(other, bool):
            return mine is other
        # A quotient has fifteen digits in SQL, and thirty-four in closures.
        return abs(mine - other) <= abs(other) * Decimal("1e-13") + Decimal("1e-14")
    return type(mine) is type(other) and mine == other


@given(views(), st.lists(st.one_of(PATIENTS, OBSERVATIONS), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_sql_and_closures_give_the_same_rows(
    source: dict[str, Any], resources: list[dict[str, Any]]
) -> None:
    view = view_of(source)
    try:
        statement = to_sql(view, definitions())
    except NotInSql:
        assume(False)
    lines = [written(one) for one in resources]
    lines = [line for line in lines if not re.search(statement.siblings, line)]
    try:
        bulk = sql_rows(view, lines)
    except duckdb.Error:
        return  # left to the closures
    single = closure_rows(view, lines)
    assert len(bulk) == len(single), (bulk, single)
    for left, right in zip(bulk, single, strict=True):
        assert same(left, right), (left, right)


@pytest.mark.parametrize("resource", ["Patient", "Observation"])
@given(data=st.data())
@settings(max_examples=4, deadline=None)
def test_every_expression_agrees_on_each_resource(resource: str, data: st.DataObject) -> None:
    resources = data.draw(st.lists(KINDS[resource], min_size=20, max_size=40))
    constants = [{"name": "system", "valueCode": "phone"}, {"name": "place", "valueInteger": 1}]
    for path in CELLS[resource]:
        column = {"name": "c", "path": path}
        view = view_of(
            {"resource": resource, "constant": constants, "select": [{"column": [column]}]}
        )
        siblings = to_sql(view, definitions()).siblings
        lines = [line for line in map(written, resources) if not re.search(siblings, line)]
        _check_lines(view, lines, path)


def _check_lines(view: View, lines: list[str], path: str) -> None:
    """Compare line by line; a line that SQL leaves to closures takes few others with it."""
    try:
        bulk = sql_rows(view, lines)
    except duckdb.Error:
        if len(lines) > 4:
            _check_lines(view, lines[: len(lines) // 2], path)
            _check_lines(view, lines[len(lines) // 2 :], path)
        return
    for line, left, right in zip(lines, bulk, closure_rows(view, lines), strict=True):
        assert same(left, right), (path, left, right, line)


@given(DIGITS, TEXTS)
@settings(max_examples=50, deadline=None)
def test_a_decimal_keeps_the_digits_it_was_written_with(digits: str, unit: str) -> None:
    view = view_of({"resource": "Observation", "select": [{"column": [
        {"name": "value", "path": "value.ofType(Quantity).value", "type": "decimal"},
        {"name": "unit", "path": "value.ofType(Quantity).unit"},
    ]}]})  # fmt: skip
    text = json.dumps(unit + f' "value": {digits} ')
    line = f'{{"resourceType":"Observation","valueQuantity":{{"value": {digits},"unit":{text}}}}}'
    (row,) = sql_rows(view, [line])
    assert row.startswith(f'{{"value":{digits},')
    assert json.loads(row)["unit"] == json.loads(text)
