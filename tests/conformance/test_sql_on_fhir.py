"""The SQL-on-FHIR v2 suite, by SQL and by closures: all of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.conformance.suites import ROOT, suite
from tests.support.views import closure_rows, sql_rows, view_of
from trucyte.base.problem import Problem
from trucyte.fhir.view.definition import View

Make = Callable[[View, Sequence[str]], list[str]]


def cases() -> Iterator[Any]:
    import os

    folder = ROOT / os.environ.get("TRUCYTE_SUITES", "../shared/suites") / "sql-on-fhir"
    for path in sorted(folder.glob("*.json")):
        source = json.loads(path.read_text())
        for case in source["tests"]:
            title = f"{path.stem}: {case['title']}"
            yield pytest.param(source["resources"], case, id=title)


def test_the_suite_is_there() -> None:
    suite("sql-on-fhir")
    assert len(list(cases())) >= 80


@pytest.mark.parametrize("make", [sql_rows, closure_rows], ids=["sql", "closures"])
@pytest.mark.parametrize(("resources", "case"), list(cases()))
def test_a_case_of_the_suite(
    resources: list[dict[str, Any]], case: dict[str, Any], make: Make
) -> None:
    lines = [json.dumps(resource) for resource in resources]
    if case.get("expectError"):
        with pytest.raises((Problem, duckdb.Error)):
            make(view_of(case["view"]), lines)
        return
    view = view_of(case["view"])
    rows = [json.loads(line, parse_float=Decimal) for line in make(view, lines)]
    if "expectCount" in case:
        assert len(rows) == case["expectCount"]
    if "expectColumns" in case:
        assert [column.name for column in view.columns] == case["expectColumns"]
    if "expect" in case:
        assert by_text(rows) == by_text(case["expect"])


def by_text(rows: list[dict[str, Any]]) -> list[str]:
    numbers = [{name: _number(value) for name, value in row.items()} for row in rows]
    return sorted(json.dumps(row, sort_keys=True) for row in numbers)


def _number(value: Any) -> Any:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if is_number else value
