"""`lowBoundary` and `highBoundary` in SQL, to the full precision of each type."""

from typing import Final

from trucyte.fhir.view.forms import Form
from trucyte.fhir.view.problems import NotInSql
from trucyte.fhir.view.sql_value import Value

_DIGITS: Final = 8  # of a decimal's boundaries, where the view asks for no other number
# Whole seconds with a zone that is written as the closures write it.
_SECONDS: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-](0[1-9]|1\d):\d\d)$"
_NUMBER: Final = r"^-?\d{1,24}(\.\d{1,7})?$"


def boundary(value: Value, text: str, *, is_high: bool) -> Value:
    """Return a boundary of a single value. Raises `NotInSql` for types without one here."""
    if value.form is Form.INTEGER:
        return _number(f"CAST({text} AS VARCHAR)", is_high=is_high)
    if value.form is Form.DECIMAL and not value.number:
        return _number(text, is_high=is_high)
    if value.type in ("date", "Date"):
        return Value("Date", Form.TEXT, f"({_date(text, is_high=is_high)})")
    if value.type in ("dateTime", "DateTime", "instant"):
        return Value("DateTime", Form.TEXT, _date_time(text, is_high=is_high))
    raise NotInSql("a boundary of such a type")


def _date(text: str, *, is_high: bool) -> str:
    month_end = f"CAST(last_day(CAST({text} || '-01' AS DATE)) AS VARCHAR)"
    year, month = ("'-12-31'", month_end) if is_high else ("'-01-01'", f"{text} || '-01'")
    return (
        f"CASE length({text}) WHEN 4 THEN {text} || {year} WHEN 7 THEN {month} "
        f"WHEN 10 THEN {text} ELSE CASE WHEN {text} IS NOT NULL THEN error('moment') END END"
    )


def _date_time(text: str, *, is_high: bool) -> str:
    rest, fraction = ("T23:59:59.999-12:00", ".999") if is_high else ("T00:00:00.000+14:00", ".000")
    return (
        f"(CASE WHEN length({text}) <= 10 THEN ({_date(text, is_high=is_high)}) || '{rest}' "
        f"WHEN regexp_matches({text}, '{_SECONDS}') "
        f"THEN left({text}, 19) || '{fraction}' || substr({text}, 20) "
        f"WHEN {text} IS NOT NULL THEN error('moment') END)"
    )


def _number(text: str, *, is_high: bool) -> Value:
    halves = ", ".join(f"'0.{'0' * scale}5'" for scale in range(_DIGITS))
    scale = f"length(split_part({text}, '.', 2)) + 1"
    half = f"CAST(([{halves}])[{scale}] AS DECIMAL(38,{_DIGITS}))"
    bound = f"CAST({text} AS DECIMAL(38,{_DIGITS})) {'+' if is_high else '-'} {half}"
    made = (
        f"(CASE WHEN regexp_matches({text}, '{_NUMBER}') THEN CAST({bound} AS VARCHAR) "
        f"WHEN {text} IS NOT NULL THEN error('digits') END)"
    )
    return Value("Decimal", Form.DECIMAL, made)
