"""Checks on money: lines, shares, sums (annex of Decision 4750; blocking codes 31–56).

Decimal arithmetic, half up to two places. Where the annex allows several ways to a number
(the difference not collected, a donor that helps the facility), any of them passes.
"""

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from trucyte.intake.claims.rules.case import Case, amount
from trucyte.intake.claims.rules.checks_form import Facts
from trucyte.intake.claims.rules.rule import Rule
from trucyte.intake.claims.tables import Row

CENT = Decimal("0.01")
HUNDRED = Decimal(100)
ZERO = Decimal(0)


def rounded(value: Decimal) -> Decimal:
    """Round half up to two places."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def _money(row: Row, *names: str) -> list[Decimal] | None:
    values = [amount(row.get(name)) for name in names]
    return None if any(value is None for value in values) else [v for v in values if v is not None]


def _fault(sent: Decimal, expected: Decimal) -> Facts:
    return {"sent": str(sent), "expected": str(rounded(expected))}


def hospital_amount(case: Case, rule: Rule, row: Row) -> Facts | None:
    """THANH_TIEN_BV is quantity times price (times the service rate in XML3)."""
    price = rule.options["price"]
    base = _money(row, "SO_LUONG", price, "THANH_TIEN_BV")
    if base is None:
        return None
    quantity, unit, sent = base
    ways = [quantity * unit]
    if rule.options.get("service"):
        rate = amount(row.get("TYLE_TT_DV"))
        ways = [quantity * unit * (HUNDRED if rate is None else rate) / HUNDRED]
        insured = amount(row.get("DON_GIA_BH"))
        if insured is not None and rate is not None:
            ways.append(quantity * unit - quantity * insured * (HUNDRED - rate) / HUNDRED)
    if any(abs(sent - rounded(way)) <= case.tolerance.line for way in ways):
        return None
    return _fault(sent, ways[0])


def insured_amount(case: Case, rule: Rule, row: Row) -> Facts | None:
    """THANH_TIEN_BH is quantity times insured price times the rates; other funding may come off."""
    base = _money(row, "SO_LUONG", rule.options["price"], "TYLE_TT_BH", "THANH_TIEN_BH")
    if base is None:
        return None
    quantity, unit, rate, sent = base
    gross = quantity * unit
    if rule.options.get("service"):
        gross = gross * (amount(row.get("TYLE_TT_DV")) or ZERO) / HUNDRED
    other = amount(row.get("T_NGUONKHAC")) or ZERO
    ways = (gross * rate / HUNDRED, (gross - other) * rate / HUNDRED)
    if any(abs(sent - rounded(way)) <= case.tolerance.line for way in ways):
        return None
    return _fault(sent, ways[0])


def other_funding(case: Case, rule: Rule, row: Row) -> Facts | None:
    """T_NGUONKHAC is the sum of its four parts."""
    values = _money(row, "T_NGUONKHAC", *rule.options["parts"])
    if values is None:
        return None
    sent, expected = values[0], sum(values[1:], ZERO)
    return None if abs(sent - expected) <= case.tolerance.line else _fault(sent, expected)


def shares_of_line(case: Case, rule: Rule, row: Row) -> Facts | None:
    """The line's amount is the sum of its shares (blocking codes 41, 45)."""
    values = _money(row, rule.options["amount"], *rule.options["shares"])
    if values is None:
        return None
    sent, expected = values[0], sum(values[1:], ZERO)
    return None if abs(sent - expected) <= case.tolerance.line else _fault(sent, expected)


def _splits(
    bv: Decimal, bh: Decimal, rate: Decimal, other: Decimal
) -> Iterator[tuple[Decimal, ...]]:
    """Yield (T_BNTT, T_BNCCT, T_BHTT) for each way the annex allows (§1.8 of the formats)."""
    own = bv - bh
    fund = rounded(bh * rate / HUNDRED)
    copay = bh - fund
    after_own = max(other - own, ZERO)
    after_copay = max(after_own - copay, ZERO)
    yield max(own - other, ZERO), max(copay - after_own, ZERO), fund - after_copay
    if other:
        yield bv - other - bh, copay, fund  # a donor that helps the facility: taken off the top
        yield own, max(copay - other, ZERO), fund  # antiretroviral drugs: the co-payment


def split_of_line(case: Case, rule: Rule, row: Row) -> Facts | None:
    """T_BHTT, T_BNCCT and T_BNTT follow the benefit rate and other funding (codes 48–50, 53–55)."""
    values = _money(
        row, "THANH_TIEN_BV", "THANH_TIEN_BH", "MUC_HUONG", "T_BNTT", "T_BNCCT", "T_BHTT"
    )
    if values is None:
        return None
    bv, bh, rate, *sent = values
    other = amount(row.get("T_NGUONKHAC")) or ZERO
    slack = case.tolerance.line
    expected = list(_splits(bv, bh, rate, other))
    for way in expected:
        if all(abs(a - b) <= slack for a, b in zip(sent, way, strict=True)):
            return None
    return _fault(sent[2], expected[0][2])


def between_zero_and(case: Case, rule: Rule, row: Row) -> Facts | None:
    """A share is not negative and not above the line's amount (codes 51, 56)."""
    values = _money(row, rule.field, rule.options["amount"])
    if values is None:
        return None
    share, whole = values
    return None if ZERO <= share <= whole else {"sent": str(share), "expected": str(whole)}


def not_negative(case: Case, rule: Rule, row: Row) -> Facts | None:
    """No money field in `fields` is negative."""
    for name in rule.options["fields"]:
        value = amount(row.get(name))
        if value is not None and value < ZERO:
            return {"name": name, "sent": str(value)}
    return None


def sum_of_lines(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """A total of XML1 is the sum over lines (`tables`, `of`, where `lines` says which)."""
    sent = amount(case.summary.get(rule.field))
    if sent is None or not any(case.rows(table) for table in rule.options["tables"]):
        return
    wanted = rule.options.get("lines")
    expected = ZERO
    for table in rule.options["tables"]:
        for row in case.rows(table):
            if wanted is None or row.get(wanted["field"]) in wanted["values"]:
                expected += amount(row.get(rule.options["of"])) or ZERO
    if abs(sent - expected) > case.tolerance.file:
        yield 1, _fault(sent, expected)


def balance(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """A total of XML1 equals the signed sum of other totals (blocking code 34).

    With `without`, only where that total is zero: other funding may come off the fund's part.
    """
    row = case.summary
    if (amount(row.get(rule.options.get("without", ""))) or ZERO) > ZERO:
        return
    sent = amount(row.get(rule.field))
    plus = [amount(row.get(name)) for name in rule.options["plus"]]
    minus = [amount(row.get(name)) for name in rule.options.get("minus", ())]
    if sent is None or None in plus or None in minus:
        return
    expected = sum((v for v in plus if v is not None), ZERO)
    expected -= sum((v for v in minus if v is not None), ZERO)
    if abs(sent - expected) > case.tolerance.file:
        yield 1, _fault(sent, expected)


def package_ceiling(case: Case, rule: Rule) -> Iterable[tuple[int, Facts]]:
    """The fund pays at most T_TRANTT for one supply package (Circular 04/2017)."""
    paid: dict[str, Decimal] = {}
    ceiling: dict[str, Decimal] = {}
    place: dict[str, int] = {}
    for number, row in enumerate(case.rows("XML3"), start=1):
        package, limit = row.get("GOI_VTYT"), amount(row.get("T_TRANTT"))
        if not package or not row.get("MA_VAT_TU"):
            continue
        paid[package] = paid.get(package, ZERO) + (amount(row.get("T_BHTT")) or ZERO)
        place.setdefault(package, number)
        if limit:
            ceiling[package] = limit
    for package, limit in ceiling.items():
        if paid[package] > limit + case.tolerance.line:
            yield place[package], {"sent": str(paid[package]), "expected": str(limit)}
