"""The rule book: every rule, compiled to what a visit of a given day is checked against."""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import Any, Self

from trucyte.fhir.issue import Severity
from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.rules import checks_form, checks_money, checks_order, checks_people
from trucyte.intake.claims.rules.case import Case, Licences, Tolerance, moment
from trucyte.intake.claims.rules.fields import field_rules
from trucyte.intake.claims.rules.rule import Destination, Era, Rule, read_rules
from trucyte.intake.claims.tables import Row, Variant, Visit
from trucyte.vietnam.claims_fields import claims_fields
from trucyte.vietnam.lists import CodeLists

Facts = dict[str, str | int]
RowCheck = Callable[[Case, Rule, Row], Facts | None]
CaseCheck = Callable[[Case, Rule], Iterable[tuple[int, Facts]]]

OLD_VARIANTS = frozenset({Variant.D917, Variant.D4210})
LIST_PREFIX = "DM-"


def _checks(module: ModuleType, *names: str) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names}


ROW_CHECKS: Mapping[str, RowCheck] = {
    **_checks(
        checks_form,
        *("required", "length", "form", "number", "date_form", "one_of", "in_list", "contains"),
        *("count_max", "not_zeros", "equal_counts", "all_or_none", "any_of", "card"),
        "personal_number",
    ),
    **_checks(checks_order, "order", "copy", "stay_days", "span_days"),
    **_checks(
        checks_money,
        *("hospital_amount", "insured_amount", "other_funding", "shares_of_line", "split_of_line"),
        *("between_zero_and", "not_negative"),
    ),
    **_checks(checks_people, "licence"),
}
CASE_CHECKS: Mapping[str, CaseCheck] = {
    **_checks(
        checks_order,
        *("table_required", "table_unexpected", "any_cost", "known_service", "no_doubles"),
        "one_row",
    ),
    **_checks(checks_money, "sum_of_lines", "balance", "package_ceiling"),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules of one day and era, by the way they are asked."""

    by_row: Mapping[str, Sequence[tuple[Rule, RowCheck]]]  # table -> rules on each row
    by_case: Sequence[tuple[Rule, CaseCheck]]
    unchecked: Sequence[Rule]  # their list is not loaded


class RuleBook:
    """All rules, asked for one visit at a time.

    Pure but for a cache of selections by day. Raises ValueError for a rule table that names
    an unknown check or numbers two rules alike.
    """

    def __init__(
        self,
        texts: Iterable[str],
        lists: CodeLists,
        *,
        destinations: frozenset[Destination] = frozenset(Destination),
        tolerance: Tolerance | None = None,
    ) -> None:
        """Read the rule files (TOML texts) and add the rules of the field tables."""
        rules = [rule for text in texts for rule in read_rules(text)]
        rules.extend(field_rules(claims_fields()))
        self.rules: Mapping[str, Rule] = {rule.number: rule for rule in rules}
        self._lists = lists
        self._destinations = destinations
        self._tolerance = tolerance or Tolerance()
        self._needed = sorted({rule.needs_list for rule in rules if rule.needs_list})
        self._selections: dict[tuple[date, Era, tuple[bool, ...]], Selection] = {}
        self._licences: Licences | None = None
        self._of_licences = [rule for rule in rules if rule.check == "licence"]
        _refuse_faulty(rules)

    def asking(self, licences: Licences) -> Self:
        """Return this book as one that asks a register of who treated."""
        book = copy.copy(self)
        book._licences, book._selections = licences, {}
        return book

    def look(self, visits: Iterable[Visit]) -> None:
        """Read at once what `check` will ask of a register about these visits."""
        if self._licences is not None:
            rules = self._of_licences
            self._licences.look(n for v in visits for n in checks_people.numbers_of(v, rules))

    def check(self, visit: Visit, on: date | None = None) -> Sequence[Finding]:
        """Return the findings on a visit; `on` is the day it ended (from NGAY_RA if not given).

        A list that is not loaded gives one finding of severity information a list, numbered
        `DM-<list>`: not checked, never an error.
        """
        day = on or end_of(visit)
        era = Era.OLD if visit.variant in OLD_VARIANTS else Era.NEW
        selection = self._select(day, era)
        case = Case(visit, self._lists, day, self._tolerance, self._licences)
        return [
            *_row_findings(case, selection),
            *_case_findings(case, selection),
            *_unchecked_findings(case, selection),
        ]

    def _select(self, day: date, era: Era) -> Selection:
        # An operator may load a list at any time: what was chosen without it no longer holds.
        key = (day, era, tuple(map(self._lists.is_loaded, self._needed)))
        if key not in self._selections:
            if len(self._selections) > 4096:
                self._selections.clear()
            self._selections[key] = self._selected(day, era)
        return self._selections[key]

    def _selected(self, day: date, era: Era) -> Selection:
        by_row: dict[str, list[tuple[Rule, RowCheck]]] = {}
        by_case: list[tuple[Rule, CaseCheck]] = []
        unchecked: list[Rule] = []
        for rule in self.rules.values():
            if rule.era is not era or rule.destination not in self._destinations:
                continue
            if not rule.is_in_force(day):
                continue
            if rule.check == "licence" and self._licences is None:
                continue
            if rule.needs_list and not self._lists.is_loaded(rule.needs_list):
                unchecked.append(rule)
            elif rule.check in ROW_CHECKS:
                by_row.setdefault(rule.table, []).append((rule, ROW_CHECKS[rule.check]))
            else:
                by_case.append((rule, CASE_CHECKS[rule.check]))
        return Selection(by_row, by_case, unchecked)


def end_of(visit: Visit) -> date:
    """Return the day the visit ended: NGAY_RA, else NGAY_VAO, else the envelope's day."""
    summary = visit.summary
    for name in ("NGAY_RA", "NGAY_VAO"):
        found = moment(summary.get(name))
        if found is not None:
            return found.date()
    return visit.made_on or date(2024, 7, 1)


def _refuse_faulty(rules: Sequence[Rule]) -> None:
    counts = Counter(rule.number for rule in rules)
    doubled = {number for number, count in counts.items() if count > 1}
    if doubled:
        raise ValueError(f"rule numbers used twice: {sorted(doubled)}")
    unknown = {rule.check for rule in rules} - set(ROW_CHECKS) - set(CASE_CHECKS)
    if unknown:
        raise ValueError(f"unknown checks: {sorted(unknown)}")


def applies(rule: Rule, case: Case, row: Row) -> bool:
    """Say whether the rule's conditions hold: `when` on the row, `when_visit` on XML1."""
    options = rule.options
    return _holds(options.get("when"), row) and _holds(options.get("when_visit"), case.summary)


def _holds(condition: Mapping[str, Any] | None, row: Row) -> bool:
    if not condition:
        return True
    for name, wanted in condition.items():
        value = row.get(name, "")
        if wanted in ("present", "absent"):
            if bool(value) != (wanted == "present"):
                return False
        elif isinstance(wanted, dict):
            if value in wanted["not"]:
                return False
        elif not set(value.split(";")) & set(wanted):
            return False
    return True


def _row_findings(case: Case, selection: Selection) -> Iterator[Finding]:
    for table, rows in case.visit.tables.items():
        rules = selection.by_row.get(table)
        if not rules:
            continue
        for place, row in enumerate(rows, start=1):
            for rule, check in rules:
                facts = check(case, rule, row)
                if facts is not None and applies(rule, case, row):
                    yield Finding(rule.number, rule.severity, table, place, rule.field, facts)


def _case_findings(case: Case, selection: Selection) -> Iterator[Finding]:
    for rule, check in selection.by_case:
        if applies(rule, case, case.summary):
            for place, facts in check(case, rule):
                yield Finding(rule.number, rule.severity, rule.table, place, rule.field, facts)


def _unchecked_findings(case: Case, selection: Selection) -> Iterator[Finding]:
    said: set[str] = set()
    for rule in selection.unchecked:
        name = rule.needs_list
        if name not in said and any(row.get(rule.field) for row in case.rows(rule.table)):
            said.add(name)
            yield Finding(f"{LIST_PREFIX}{name}", Severity.INFORMATION, "", 0, "", {"list": name})
