"""Views as SQL text and as closures, where the suite does not look."""

import json
from typing import Any

import duckdb
import pytest

from tests.support.views import closure_rows, definitions, sql_rows, view_of
from trucyte.fhir.view.definition import read_view
from trucyte.fhir.view.problems import (
    NotInSql,
    ViewMalformed,
    ViewPathRefused,
    ViewRowRefused,
)
from trucyte.fhir.view.sql import to_sql

ITEMS = {
    "resourceType": "Questionnaire",
    "id": "q",
    "item": [
        {"linkId": "1", "item": [
            {"linkId": "1.1", "item": [{"linkId": "1.1.1"}]}, {"linkId": "1.2"},
        ]},
        {"linkId": "2"},
    ],
}  # fmt: skip


def view_with(path: str, resource: str = "Patient", **more: Any) -> dict[str, Any]:
    return {"resource": resource, "select": [{"column": [{"name": "c", "path": path, **more}]}]}


def both(source: dict[str, Any], *resources: dict[str, Any]) -> list[dict[str, Any]]:
    view, lines = view_of(source), [json.dumps(one) for one in resources]
    bulk = [json.loads(line) for line in sql_rows(view, lines)]
    assert bulk == [json.loads(line) for line in closure_rows(view, lines)]
    return bulk


def test_repeat_walks_down_parents_first_and_counts_its_rows() -> None:
    source = {"resource": "Questionnaire", "select": [{
        "repeat": ["item"],
        "column": [{"name": "id", "path": "linkId"}, {"name": "row", "path": "%rowIndex"}],
    }]}  # fmt: skip
    rows = both(source, ITEMS, {**ITEMS, "id": "r"})
    assert [row["id"] for row in rows] == ["1", "1.1", "1.1.1", "1.2", "2"] * 2
    assert [row["row"] for row in rows] == [0, 1, 2, 3, 4] * 2


def test_row_index_counts_in_the_nearest_loop() -> None:
    source = {"resource": "Patient", "select": [
        {"column": [{"name": "top", "path": "%rowIndex"}]},
        {"forEachOrNull": "name", "column": [{"name": "row", "path": "%rowIndex"}],
         "select": [
             {"forEachOrNull": "given", "column": [{"name": "inner", "path": "%rowIndex"}]},
         ]},
    ]}  # fmt: skip
    patient = {"resourceType": "Patient", "name": [{"given": ["a", "b"]}, {"family": "x"}]}
    rows = both(source, patient, {"resourceType": "Patient"})
    assert [(row["top"], row["row"], row["inner"]) for row in rows] == [
        (0, 0, 0), (0, 0, 1), (0, 1, None), (0, None, None),
    ]  # fmt: skip


def test_rows_of_alternatives_keep_the_order_of_lines_and_branches() -> None:
    name = {"name": "v", "path": "$this", "type": "string"}
    source = {"resource": "Patient", "select": [{"unionAll": [
        {"forEach": "name.family", "column": [name]},
        {"forEach": "name.given", "column": [name]},
    ]}]}  # fmt: skip
    people = [
        {"resourceType": "Patient", "name": [{"family": f, "given": ["x", f]}]} for f in "cab"
    ]
    assert [row["v"] for row in both(source, *people)] == list("cxcaxabxb")


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ({"valueDateTime": "2020"}, "2020-01-01T00:00:00.000+14:00",
         "2020-12-31T23:59:59.999-12:00"),
        ({"valueDateTime": "2020-02"}, "2020-02-01T00:00:00.000+14:00",
         "2020-02-29T23:59:59.999-12:00"),
        ({"valueDateTime": "2020-02-03T04:05:06+07:00"}, "2020-02-03T04:05:06.000+07:00",
         "2020-02-03T04:05:06.999+07:00"),
        ({"valueDateTime": "2020-02-03T04:05:06Z"}, "2020-02-03T04:05:06.000Z",
         "2020-02-03T04:05:06.999Z"),
        ({}, None, None),
    ],
)  # fmt: skip
def test_moments_have_their_boundaries(value: dict[str, Any], low: str, high: str) -> None:
    source = {"resource": "Observation", "select": [{"column": [
        {"name": "low", "path": "value.ofType(dateTime).lowBoundary()"},
        {"name": "high", "path": "value.ofType(dateTime).highBoundary()"},
    ]}]}  # fmt: skip
    assert both(source, {"resourceType": "Observation", **value}) == [{"low": low, "high": high}]


@pytest.mark.parametrize(
    ("digits", "low", "high"),
    [("72.50", "72.49500000", "72.50500000"), ("3", "2.50000000", "3.50000000"),
     ("-1.5", "-1.55000000", "-1.45000000"), ("0.0", "-0.05000000", "0.05000000")],
)  # fmt: skip
def test_numbers_have_their_boundaries_digit_by_digit(digits: str, low: str, high: str) -> None:
    view = view_of({"resource": "Observation", "select": [{"column": [
        {"name": "low", "path": "value.ofType(Quantity).value.lowBoundary()"},
        {"name": "high", "path": "value.ofType(Quantity).value.highBoundary()"},
    ]}]})  # fmt: skip
    line = f'{{"resourceType":"Observation","valueQuantity":{{"value":{digits}}}}}'
    expected = [f'{{"low":{low},"high":{high}}}']
    assert sql_rows(view, [line]) == closure_rows(view, [line]) == expected


def test_what_sql_does_not_know_is_done_by_closures() -> None:
    view = view_of(view_with("birthDate.lowBoundary(6)", type="date"))
    with pytest.raises(NotInSql):
        to_sql(view, definitions())
    (row,) = closure_rows(view, ['{"resourceType":"Patient","birthDate":"1980-02"}'])
    assert row == '{"c":"1980-02"}'


def test_values_of_a_view_are_parameters_and_never_sql() -> None:
    evil = "x') OR 1=1; DROP TABLE chunk; --"
    source = view_with(f"name.where(use = '{evil.replace(chr(39), chr(92) + chr(39))}').family")
    statement = to_sql(view_of(source), definitions())
    assert "DROP" not in statement.text("SELECT 1, ''")
    assert evil in statement.parameters.values()
    assert both(source, {"resourceType": "Patient", "name": [{"use": evil, "family": "f"}]}) == [
        {"c": "f"}
    ]


def test_sql_declines_what_it_would_not_give_exactly() -> None:
    view = view_of(view_with("effective.ofType(dateTime) < @2020-01-01T00:00:00Z", "Observation"))
    line = '{"resourceType":"Observation","effectiveDateTime":"2019-12-31T23:59+07:00"}'
    with pytest.raises(duckdb.Error, match="moment"):
        sql_rows(view, [line])
    assert closure_rows(view, [line]) == ['{"c":true}']


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"resource": "Patientt"}, "resource"),
        ({"select": []}, "select"),
        ({"select": [{"column": [{"name": "1a", "path": "id"}]}]}, "select[0].column[0].name"),
        ({"select": [{"column": [{"name": "a"}]}]}, "select[0].column[0].path"),
        ({"select": [{"forEach": "name", "repeat": ["name"], "column": []}]}, "select[0]"),
        ({"select": [{"column": [{"name": "a", "path": "id"}, {"name": "A", "path": "id"}]}]},
         "select[0].column[1].name"),
        ({"select": [{"unionAll": [{"column": [{"name": "a", "path": "id"}]},
                                   {"column": [{"name": "b", "path": "id"}]}]}]},
         "select[0].unionAll[1]"),
        ({"constant": [{"name": "x", "valueInteger": "1"}]}, "constant[0].valueInteger"),
        ({"constant": [{"name": "x", "valueString": "1", "valueCode": "1"}]}, "constant[0]"),
        ({"select": [{"column": [{"name": "a", "path": "id",
                                  "tag": [{"name": "ansi/type", "value": "BLOB; DROP"}]}]}]},
         "select[0].column[0].tag[0].value"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_view_is_said_with_its_place(change: dict[str, Any], at: str) -> None:
    with pytest.raises(ViewMalformed) as caught:
        view_of({**view_with("id"), **change})
    assert caught.value.facts["at"] == at


@pytest.mark.parametrize(
    ("path", "type_name", "reason"),
    [
        ("name.famly", "string", "HumanName has no element famly"),
        ("name.first(", "string", "character"),
        ("active", "integer", "the column is integer"),
        ("deceased.ofType(string)", "string", "is never string"),
        ("link.other.getReferenceKey(Nobody)", "string", "resource type"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_place(
    path: str, type_name: str, reason: str
) -> None:
    with pytest.raises(ViewPathRefused, match="select") as caught:
        to_sql(view_of(view_with(path, type=type_name)), definitions())
    assert caught.value.facts["at"] == "select[0].column[0].path"
    assert reason in str(caught.value.facts["reason"])


def test_a_view_of_endless_depth_is_refused() -> None:
    inner: dict[str, Any] = {"column": [{"name": "a", "path": "id"}]}
    for _ in range(45):
        inner = {"select": [inner]}
    with pytest.raises(ViewMalformed, match="nests deeper"):
        view_of({"resource": "Patient", "select": [inner]})


def test_a_resource_that_would_fill_the_disk_is_refused() -> None:
    loops = [{"forEach": "name", "column": [{"name": f"c{n}", "path": "use"}]} for n in range(4)]
    patient = {"resourceType": "Patient", "name": [{"use": "usual"}] * 40}
    with pytest.raises(ViewRowRefused, match="more than"):
        closure_rows(view_of({"resource": "Patient", "select": loops}), [json.dumps(patient)])


def test_elements_in_a_column_are_given_by_closures_as_they_were_written() -> None:
    view = view_of(view_with("value.ofType(Quantity)", "Observation", type="Quantity"))
    line = '{"resourceType":"Observation","valueQuantity":{"value":72.50,"unit":"kg"}}'
    assert closure_rows(view, [line]) == ['{"c":{"value":72.50,"unit":"kg"}}']


def test_bytes_that_are_no_view_are_refused() -> None:
    with pytest.raises(ViewMalformed, match="no ViewDefinition"):
        read_view(b'{"resourceType":"Patient"}', definitions())
