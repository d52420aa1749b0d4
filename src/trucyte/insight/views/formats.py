"""Rows as lines of NDJSON and CSV: made by SQL, and by Python for single rows, alike."""

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from trucyte.fhir.path.numbers import plain
from trucyte.fhir.view.forms import Form
from trucyte.fhir.view.statement import Field, quoted

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CSV_SPECIAL = '[",\\r\\n]'
_CSV_PATTERN = re.compile(_CSV_SPECIAL)


class Format(Enum):
    """What rows are written as."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


def header(fields: Sequence[Field], form: Format) -> str:
    """Return what stands before the rows."""
    return ",".join(field.name for field in fields) + "\n" if form is Format.CSV else ""


def line_sql(fields: Sequence[Field], form: Format) -> str:
    """Return SQL of a row as one line."""
    if form is Format.CSV:
        return " || ',' || ".join(_csv_sql(field) for field in fields)
    json_sql = _typed_sql if form is Format.PARQUET else _json_sql
    parts = [
        f"'{',' if place else '{'}\"{field.name}\":' || coalesce({json_sql(field)}, 'null')"
        for place, field in enumerate(fields)
    ]
    return " || ".join((*parts, "'}'"))


def _json_sql(field: Field) -> str:
    name = quoted(field.name)
    if field.form is Form.DECIMAL:
        # The digits are those of a JSON number already.
        return f"'[' || array_to_string({name}, ',') || ']'" if field.is_collection else name
    if field.form in (Form.BOOLEAN, Form.INTEGER) and not field.is_collection:
        return f"CAST({name} AS VARCHAR)"
    return f"CAST(to_json({name}) AS VARCHAR)"


def _typed_sql(field: Field) -> str:
    """Return SQL of a value on its way into a typed table: a decimal is its digits in quotes."""
    if field.form is Form.DECIMAL:
        return f"CAST(to_json({quoted(field.name)}) AS VARCHAR)"
    return _json_sql(field)


def _csv_sql(field: Field) -> str:
    if field.is_collection:
        text = _json_sql(field)
    elif field.form in (Form.BOOLEAN, Form.INTEGER):
        return f"coalesce(CAST({quoted(field.name)} AS VARCHAR), '')"
    else:
        text = quoted(field.name)
    special = f"{text} = '' OR regexp_matches({text}, '{_CSV_SPECIAL}')"
    marked = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    return f"coalesce(CASE WHEN {special} THEN {marked} ELSE {text} END, '')"


def line_of(fields: Sequence[Field], values: Sequence[Any], form: Format) -> str:
    """Return a row as one line."""
    if form is Format.CSV:
        return ",".join(_csv_cell(value) for value in values)
    names = [field.name for field in fields]
    if form is Format.PARQUET:
        values = [_typed(field, value) for field, value in zip(fields, values, strict=True)]
    return _ENCODER.encode(dict(zip(names, values, strict=True))).decode()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        text = plain(value)
    else:
        text = value if isinstance(value, str) else _ENCODER.encode(value).decode()
    if text and not _CSV_PATTERN.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


# --- Parquet ----------------------------------------------------------------------------

_TYPES = {
    Form.TEXT: "VARCHAR", Form.JSON: "VARCHAR", Form.BOOLEAN: "BOOLEAN",
    Form.INTEGER: "INTEGER", Form.DECIMAL: "DECIMAL(38,18)",
}  # fmt: skip


def table_type(field: Field) -> str:
    """Return the SQL type of a column in a typed file."""
    name = field.sql_type or _TYPES[field.form]
    return f"{name}[]" if field.is_collection else name


def table_sql(fields: Sequence[Field]) -> str:
    """Return SQL of the typed values in a `line` that `line_sql` or `line_of` made."""
    return ", ".join(_table_column(field) for field in fields)


def _table_column(field: Field) -> str:
    path = f"'$.{field.name}'"
    if not field.is_collection:
        return f"CAST(json_extract_string(line, {path}) AS {table_type(field)})"
    items = f"CAST(json_extract_string(line, '$.{field.name}[*]') AS {table_type(field)})"
    return f"CASE WHEN json_type(line, {path}) <> 'NULL' THEN {items} END"


def _typed(field: Field, value: Any) -> Any:
    if value is None or field.form not in (Form.DECIMAL, Form.JSON):
        return value
    write = plain if field.form is Form.DECIMAL else _json_text
    return [write(one) for one in value] if field.is_collection else write(value)


def _json_text(value: Any) -> str:
    return _ENCODER.encode(value).decode()
