"""Views for tests: the definitions of R4, and rows by SQL and by closures."""

import atexit
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.text import scan
from trucyte.fhir.view.definition import View, read_view
from trucyte.fhir.view.sql import to_sql
from trucyte.insight.views.engine import open_engine
from trucyte.insight.views.formats import Format, line_of, line_sql
from trucyte.insight.views.run import prepare

ROOT = Path(__file__).parents[2]
_CACHE = ROOT / "src" / "trucyte" / "fhir" / "generated" / "r4.definitions"
_SOURCE = "SELECT unnest(range(len($lines))), unnest(CAST($lines AS VARCHAR[]))"


@cache
def definitions() -> Definitions:
    if not _CACHE.exists():
        pytest.skip("the definitions of R4 are not built (make setup)")
    return Definitions.load(_CACHE.read_bytes())


def view_of(source: dict[str, Any]) -> View:
    return read_view(json.dumps(source).encode(), definitions())


def sql_rows(view: View, lines: Sequence[str], form: Format = Format.NDJSON) -> list[str]:
    """Rows by SQL alone; raises duckdb.Error where it leaves a line to closures."""
    statement = to_sql(view, definitions())
    fields = prepare(view, definitions()).fields
    text = statement.text(_SOURCE, line_sql(fields, form))
    found = engine().execute(text, {**statement.parameters, "lines": list(lines)}).fetchall()
    return [line for (line,) in found]


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """One engine for all tests: opening one takes longer than most of them."""
    opened = open_engine()
    atexit.register(opened.close)
    return opened


def closure_rows(view: View, lines: Sequence[str], form: Format = Format.NDJSON) -> list[str]:
    """Rows by closures alone."""
    prepared = prepare(view, definitions())
    found = [row for line in lines for row in prepared.rows.of(scan(line.encode()).resource)]
    return [line_of(prepared.fields, row, form) for row in found]
