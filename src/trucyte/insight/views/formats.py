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
    parts = [
        f"'{',' if place else '{'}\"{field.name}\":' || coalesce({_json_sql(field)}, 'null')"
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


def table_value(field: Field, value: Any) -> Any:
    """Return a value as it is put into a typed table."""
    if field.form is Form.JSON and value is not None:
        encode = _ENCODER.encode
        if field.is_collection:
            return [encode(one).decode() for one in value]
        return encode(value).decode()
    return value
