"""Checks on who treated: whether a licence was in force on the day of the act.

A licence is judged only where this node's register knows it: registers are partial, and a
visit that is over is no reason to refuse it.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

from trucyte.intake.claims.mapping.scope import read_licence
from trucyte.intake.claims.rules.case import Case, Numbered, moment
from trucyte.intake.claims.rules.checks_form import Facts
from trucyte.intake.claims.rules.rule import Rule
from trucyte.intake.claims.tables import Row, Visit

_ENTRIES_MAX = 20  # of one field that are looked at
_TEXT_MAX = 4096  # characters of one field
_SOCIAL_DIGITS = 10


def licence(case: Case, rule: Rule, row: Row) -> Facts | None:
    """Every licence named in the field was in force on the day of the act (`at`)."""
    licences = case.licences
    text = row.get(rule.field)
    if not text or licences is None:
        return None
    day = _day(case, rule, row)
    for entry, number in enumerate(_entries(text, bool(rule.options.get("social"))), start=1):
        why = licences.bar(number, day) if number else ""
        if why:
            return {"licence": why, "entry": entry, "day": day.isoformat()}
    return None


def _day(case: Case, rule: Rule, row: Row) -> date:
    """Return the day of the act: the first of `at` that is there, else the visit's end."""
    moments = (moment(row.get(name)) for name in rule.options["at"])
    found = next((one for one in moments if one is not None), None)
    return found.date() if found else case.on


@lru_cache(maxsize=16_384)  # the same few people, row after row
def _entries(text: str, is_social: bool) -> tuple[Numbered | None, ...]:
    """Return the number of each entry, None for one that names none (a staff code alone).

    Papers are signed by the number of the social insurance too (`is_social`).
    """
    found: list[Numbered | None] = []
    for part in text[:_TEXT_MAX].split(";")[:_ENTRIES_MAX]:
        number = read_licence(part)[0]
        is_number = len(number) == _SOCIAL_DIGITS and number.isascii() and number.isdigit()
        kind = "bhxh" if is_number and is_social else "cchn"
        found.append((kind, number) if number else None)
    return tuple(found)


def numbers_of(visit: Visit, rules: Iterable[Rule]) -> Iterator[Numbered]:
    """Yield the numbers that rules of this kind will ask about."""
    for rule in rules:
        rows = visit.tables.get(rule.table)
        if rows:
            is_social = bool(rule.options.get("social"))
            for text in {row.get(rule.field, "") for row in rows}:
                yield from filter(None, _entries(text, is_social))
