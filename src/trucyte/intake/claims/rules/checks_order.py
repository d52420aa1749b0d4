"""Checks between fields and tables: order in time, copies, what must be there."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from trucyte.intake.claims.rules.case import Case, amount, moment
from trucyte.intake.claims.rules.checks_form import Facts
from trucyte.intake.claims.rules.rule import Rule
from trucyte.intake.claims.tables import Row


def _value(case: Case, row: Row, name: str) -> datetime | None:
    """Read a moment by name; `XML1.NGAY_RA` reads the summary's."""
    if name.startswith("XML1."):
        return moment(case.summary.get(name[5:]))
    return moment(row.get(name))


def order(case: Case, rule: Rule, row: Row) -> Facts | None:
    """`first` is not after `then`, give or take `slack_days`; whole days where one is a day."""
    first = _value(case, row, rule.options["first"])
    then = _value(case, row, rule.options["then"])
    if first is None or then is None:
        return None
    names = (rule.options["first"], rule.options["then"])
    if any(_is_day(case, row, name) for name in names):
        first, then = _day(first), _day(then)
    slack = timedelta(days=rule.options.get("slack_days", 0))
    return None if first <= then + slack else {"first": names[0], "then": names[1]}


def _is_day(case: Case, row: Row, name: str) -> bool:
    text = case.summary.get(name[5:]) if name.startswith("XML1.") else row.get(name)
    return len(text or "") == 8


def _day(value: datetime) -> datetime:
    return value.replace(hour=0, minute=0)


def copy(case: Case, rule: Rule, row: Row) -> Facts | None:
    """A copied field equals XML1's, when both are there."""
    mine = row.get(rule.field)
    theirs = case.summary.get(rule.options.get("of", rule.field))
    return None if not mine or not theirs or mine.strip() == theirs.strip() else {}


def stay_days(case: Case, rule: Rule, row: Row) -> Facts | None:
    """SO_NGAY_DTRI is 0 for visits without a stay, else end minus arrival plus one day."""
    days = amount(row.get("SO_NGAY_DTRI"))
    begin, end = moment(row.get("NGAY_VAO")), moment(row.get("NGAY_RA"))
    if days is None or begin is None or end is None:
        return None
    expected = 0
    if row.get("MA_LOAI_KCB") in rule.options["with_stay"]:
        expected = (end.date() - begin.date()).days + 1
    return None if days == expected else {"sent": str(days), "expected": str(expected)}


def span_days(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The days written agree with the two dates (either way of counting), at most `max`."""
    days = amount(row.get(rule.field))
    begin = moment(row.get(rule.options["begin"]))
    end = moment(row.get(rule.options["end"]))
    if days is None or begin is None or end is None:
        return None
    span = (end.date() - begin.date()).days
    if days not in (span, span + 1):
        return {"problem": "span", "sent": str(days), "expected": str(span + 1)}
    limit = rule.options.get("max")
    if limit is not None and days > limit:
        return {"problem": "limit", "sent": str(days), "expected": str(limit)}
    return None


def table_required(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """The table comes with a visit of this kind (§1.6 of the annex's sending rules)."""
    if not case.rows(rule.table):
        yield 0, {"missing": rule.table}


def table_unexpected(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """The table does not come with a visit of this kind."""
    if case.rows(rule.table):
        yield 0, {"unexpected": rule.table}


def any_cost(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """A claim has a drug, a service or a supply (blocking code 11)."""
    if not case.rows("XML2") and not case.rows("XML3"):
        yield 0, {}


def known_service(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """Every service named in this table stands in XML3 (blocking code 102; results)."""
    known = {row.get("MA_DICH_VU") for row in case.rows("XML3")}
    for place, row in enumerate(case.rows(rule.table), start=1):
        names = [part.strip() for part in row.get("MA_DICH_VU", "").split(";") if part.strip()]
        is_own = rule.table == "XML3" and not row.get("MA_VAT_TU")
        if names and not is_own and not any(name in known for name in names):
            yield place, {"code": names[0][:20]}


def no_doubles(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """No two rows agree in all of `fields`."""
    seen: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(case.rows(rule.table), start=1):
        key = tuple(row.get(name, "") for name in rule.options["fields"])
        if not key[0]:
            continue
        if key in seen:
            yield place, {"row": place, "earlier": seen[key]}
        seen.setdefault(key, place)


def one_row(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """The table has exactly one row where it was sent."""
    count = len(case.rows(rule.table))
    if count > 1:
        yield 0, {"count": count}
