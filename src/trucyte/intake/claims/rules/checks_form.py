"""Checks on the form of one field: there, short enough, a number, a date, a code."""

import re
from functools import lru_cache

from trucyte.intake.claims.rules.case import Case, amount, moment
from trucyte.intake.claims.rules.rule import Rule
from trucyte.intake.claims.tables import Row

Facts = dict[str, str | int]


def required(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The field is there."""
    return None if row.get(rule.field) else {}


def length(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The text has at most `max` characters, or exactly one of `exact`."""
    size = len(row.get(rule.field, ""))
    if not size:
        return None
    exact = rule.options.get("exact")
    if exact is not None:
        return None if size in exact else {"length": size}
    return {"length": size, "max": rule.options["max"]} if size > rule.options["max"] else None


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def form(case: Case, rule: Rule, row: Row) -> Facts | None:
    """Every ';' part (or the whole text, with `whole`) matches `pattern`."""
    text = row.get(rule.field)
    if not text:
        return None
    parts = [text] if rule.options.get("whole", False) else text.split(";")
    match = _pattern(rule.options["pattern"]).fullmatch
    return None if all(match(part.strip()) for part in parts if part.strip()) else {}


def number(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The text is a plain decimal between `min` and `max`."""
    text = row.get(rule.field)
    if not text:
        return None
    value = amount(text)
    if value is None:
        return {"problem": "form"}
    low, high = rule.options.get("min"), rule.options.get("max")
    if low is not None and value < low:
        return {"problem": "low", "value": text, "limit": str(low)}
    if high is not None and value > high:
        return {"problem": "high", "value": text, "limit": str(high)}
    return None


def date_form(case: Case, rule: Rule, row: Row) -> Facts | None:
    """Every ';' part is a real date of one of the `digits`; `partial` allows 0000 parts."""
    text = row.get(rule.field)
    if not text:
        return None
    parts = text.split(";") if rule.options.get("many") else [text]
    partial = rule.options.get("partial", False)
    for part in parts:
        if len(part) not in rule.options["digits"] or not _is_date(part, partial=partial):
            return {}
    return None


def _is_date(text: str, *, partial: bool) -> bool:
    if moment(text) is not None:
        return True
    return partial and text.isdigit() and text[4:8] == "0000" and text[:4] != "0000"


def one_of(case: Case, rule: Rule, row: Row) -> Facts | None:
    """Every ';' part is one of `values`."""
    text = row.get(rule.field)
    if not text:
        return None
    values = rule.options["values"]
    for part in text.split(";"):
        if part.strip() not in values:
            return {"code": part.strip()[:20]}
    return None


def in_list(case: Case, rule: Rule, row: Row) -> Facts | None:
    """Every ';' part is a code of the needed list on the day the visit ended."""
    text = row.get(rule.field)
    if not text:
        return None
    for part in text.split(";"):
        code = part.strip()
        if code and case.lists.find(rule.needs_list, code, case.on) is None:
            return {"code": code[:20]}
    return None


def contains(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The text holds the words the law asks for."""
    text = row.get(rule.field)
    return None if not text or rule.options["words"] in text.lower() else {}


def count_max(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The ';' list has at most `max` parts."""
    text = row.get(rule.field)
    parts = len(text.split(";")) if text else 0
    return {"count": parts, "max": rule.options["max"]} if parts > rule.options["max"] else None


def not_zeros(case: Case, rule: Rule, row: Row) -> Facts | None:
    """A number that identifies somebody is digits and not all zero."""
    text = row.get(rule.field)
    return None if not text or (text.isdigit() and text.strip("0")) else {}


def equal_counts(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The parallel ';' lists in `fields` have equal counts (blocking code 20)."""
    counts = [len(row[name].split(";")) for name in rule.options["fields"] if row.get(name)]
    return None if len(set(counts)) <= 1 else {"counts": "/".join(map(str, counts))}


def all_or_none(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The `fields` are all there or none is."""
    present = [bool(row.get(name)) for name in rule.options["fields"]]
    return None if all(present) or not any(present) else {}


def any_of(case: Case, rule: Rule, row: Row) -> Facts | None:
    """At least one of `fields` is there."""
    return None if any(row.get(name) for name in rule.options["fields"]) else {}


def card(case: Case, rule: Rule, row: Row) -> Facts | None:
    """Each card is 15 characters: two letters, a benefit digit, twelve digits (code 8, 17)."""
    text = row.get(rule.field)
    match = _pattern(r"[A-Z]{2}[1-5]\d{12}|\d{10}|\d{12}").fullmatch
    if not text or all(match(part.strip()) for part in text.split(";")):
        return None
    return {}


def personal_number(case: Case, rule: Rule, row: Row) -> Facts | None:
    """A 12-digit number agrees with sex and birth year (its 4th to 6th digits)."""
    text = row.get(rule.field, "")
    born, sex = row.get("NGAY_SINH", ""), row.get("GIOI_TINH", "")
    if len(text) != 12 or not text.isdigit() or len(born) < 4 or sex not in ("1", "2"):
        return None
    century, year = divmod(int(text[3]), 2)[0] + 19, text[4:6]
    is_female = int(text[3]) % 2 == 1
    agrees = f"{century}{year}" == born[:4] and is_female == (sex == "2")
    return None if agrees else {}
