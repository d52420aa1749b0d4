"""Equality, order and arithmetic in SQL: exact, or left to the closures by `error()`."""

from typing import Final

from trucyte.fhir.view.forms import Form
from trucyte.fhir.view.problems import NotInSql
from trucyte.fhir.view.sql_value import Value, Writer

_MOMENTS: Final = {
    "date": "date", "Date": "date", "dateTime": "dateTime", "DateTime": "dateTime",
    "instant": "dateTime", "time": "time", "Time": "time",
}  # fmt: skip
_INSTANT: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"
_MANTISSA: Final = r"^-?\d{1,24}(\.\d{1,12})?$"
_FACTOR: Final = r"^-?\d{1,12}(\.\d{1,6})?$"
_INTEGER_MAX: Final = 2**31 - 1


def _category(value: Value) -> str:
    """Return what decides how a value is compared."""
    if value.form in (Form.INTEGER, Form.DECIMAL):
        return "number"
    if value.form is Form.TEXT:
        moment = _MOMENTS.get(value.type, "text")
        return "moment" if moment in ("date", "dateTime") else moment
    return value.form.name


def equality(writer: Writer, left: Value, right: Value) -> str:
    """Return SQL of `left = right`, NULL where it is open."""
    category = _category(left)
    if category != _category(right) or category in ("JSON", "time"):
        raise NotInSql("equality of such types")
    if not left.is_many and not right.is_many:
        return _equal(writer, writer.sql(left), writer.sql(right), left, right)
    if category in ("number", "moment") and (left.form, right.form) != (Form.INTEGER,) * 2:
        # One item at most on either side is what a view compares.
        return _equal(writer, writer.one(left), writer.one(right), left, right)
    lefts, rights = writer.many(left), writer.many(right)
    nothing = f"len({lefts}) = 0 OR len({rights}) = 0"
    return f"(CASE WHEN {nothing} THEN NULL ELSE {lefts} = {rights} END)"


def _equal(writer: Writer, left: str, right: str, mine: Value, other: Value) -> str:
    category = _category(mine)
    if category == "moment":
        return f"({_moment_order(left, right)} = 0)"
    if category == "number":
        left, right = _numbers(left, right, mine, other)
    return f"({left} = {right})"


def order(writer: Writer, operator: str, left: Value, right: Value) -> str:
    """Return SQL of `<`, `<=`, `>` or `>=`, NULL where it is open."""
    category = _category(left)
    if category != _category(right) or category in ("JSON", "time", "BOOLEAN"):
        raise NotInSql("order of such types")
    mine, other = writer.one(left), writer.one(right)
    if category == "moment":
        return f"({_moment_order(mine, other)} {operator} 0)"
    if category == "number":
        mine, other = _numbers(mine, other, left, right)
    return f"({mine} {operator} {other})"


def _numbers(left: str, right: str, mine: Value, other: Value) -> tuple[str, str]:
    if mine.form is Form.INTEGER and other.form is Form.INTEGER:
        return left, right
    return exact(left, mine), exact(right, other)


def exact(text: str, value: Value, *, shape: str = _MANTISSA, type: str = "DECIMAL(38,12)") -> str:
    """Return SQL of a number as an exact decimal; digits beyond that are an error."""
    if value.number:
        return value.number
    if value.form is Form.INTEGER:
        return f"CAST({text} AS {type})"
    fits = f"regexp_matches({text}, '{shape}')"
    return (
        f"(CASE WHEN {text} IS NULL THEN NULL WHEN {fits} "
        f"THEN CAST({text} AS {type}) ELSE error('digits') END)"
    )


def _moment_order(left: str, right: str) -> str:
    """Return SQL of -1, 0 or 1, by the parts that both have; zones and precision matter."""
    size = f"least(length({left}), length({right}))"
    cut_left, cut_right = f"left({left}, {size})", f"left({right}, {size})"
    dates = (
        f"CASE WHEN {cut_left} < {cut_right} THEN -1 WHEN {cut_left} > {cut_right} THEN 1 "
        f"WHEN length({left}) = length({right}) THEN 0 END"
    )
    instants = (
        f"CASE WHEN CAST({left} AS TIMESTAMPTZ) < CAST({right} AS TIMESTAMPTZ) THEN -1 "
        f"WHEN CAST({left} AS TIMESTAMPTZ) > CAST({right} AS TIMESTAMPTZ) THEN 1 ELSE 0 END"
    )
    are_instants = f"regexp_matches({left}, '{_INSTANT}') AND regexp_matches({right}, '{_INSTANT}')"
    return (
        f"(CASE WHEN {left} IS NULL OR {right} IS NULL THEN NULL "
        f"WHEN length({left}) <= 10 AND length({right}) <= 10 THEN {dates} "
        f"WHEN {are_instants} THEN {instants} ELSE error('moment') END)"
    )


# --- Arithmetic -------------------------------------------------------------------------


def arithmetic(writer: Writer, operator: str, left: Value, right: Value) -> Value:
    """Return `+`, `-`, `*`, `/` or `&` of two single values."""
    if operator in ("+", "&") and _category(left) == _category(right) == "text":
        return _joined_texts(operator, writer.one(left), writer.one(right))
    if operator == "&" or _category(left) != "number" or _category(right) != "number":
        raise NotInSql("arithmetic of such types")
    mine, other = writer.one(left), writer.one(right)
    if operator == "/":
        return _quotient(exact(mine, left), exact(other, right))
    if left.form is Form.INTEGER and right.form is Form.INTEGER:
        made = f"({mine} {operator} {other})"
        fits = f"{made} BETWEEN {-_INTEGER_MAX - 1} AND {_INTEGER_MAX}"
        return Value("Integer", Form.INTEGER, f"(CASE WHEN {fits} THEN {made} END)")
    if operator == "*":
        mine, other = _factor(mine, left), _factor(other, right)
    else:
        mine, other = exact(mine, left), exact(other, right)
    return computed(f"CAST({mine} {operator} {other} AS DECIMAL(38,12))")


def _joined_texts(operator: str, left: str, right: str) -> Value:
    if operator == "&":
        left, right = f"coalesce({left}, '')", f"coalesce({right}, '')"
    return Value("String", Form.TEXT, f"({left} || {right})")


def _factor(text: str, value: Value) -> str:
    if value.number:
        raise NotInSql("a product of computed numbers")
    return exact(text, value, shape=_FACTOR, type="DECIMAL(18,6)")


def computed(number: str) -> Value:
    """Return a decimal that was computed; its digits are those it needs."""
    whole = f"CAST({number} AS VARCHAR)"
    return Value("Decimal", Form.DECIMAL, f"rtrim(rtrim({whole}, '0'), '.')", number=number)


def _quotient(left: str, right: str) -> Value:
    """Divide with fifteen significant digits."""
    made = f"CAST({left} AS DOUBLE) / CAST({right} AS DOUBLE)"
    digits = f"CAST(round({made}, 15) AS DECIMAL(38,15))"
    text = f"rtrim(rtrim(CAST({digits} AS VARCHAR), '0'), '.')"
    return Value("Decimal", Form.DECIMAL, f"(CASE WHEN {right} <> 0 THEN {text} END)")


def negative(writer: Writer, operand: Value) -> Value:
    """Return the operand with the other sign."""
    text = writer.one(operand)
    if operand.form is Form.INTEGER:
        return Value("Integer", Form.INTEGER, f"(-{text})")
    if operand.form is not Form.DECIMAL:
        raise NotInSql("a sign before such a type")
    return computed(f"(-{exact(text, operand)})")
