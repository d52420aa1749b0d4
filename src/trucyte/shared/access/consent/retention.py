"""How long a record must be kept: the rules of `retention.toml` over a person's resources; pure.

A visit closes when it ends; what was done in it is kept as long as it is. Years are counted from
31 December of the year of closing, and the longest rule that applies holds. What has no date is
kept: nothing shows that its time is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from trucyte.shared.access.consent.ages import earliest
from trucyte.shared.access.consent.catalogue import read_table, words_of

_DEFAULT: Final = "record-of-care"
_DATES: Final = (
    "recorded", "date", "dateTime", "authoredOn", "issued", "effectiveDateTime", "whenHandedOver",
    "occurrenceDateTime", "performedDateTime", "recordedDate", "created",
)  # fmt: skip
_PERIODS: Final = ("period", "effectivePeriod", "performedPeriod", "billablePeriod")


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one kind of record is kept."""

    id: str
    years: int
    icd: tuple[str, ...]
    types: frozenset[str]
    is_from_death: bool
    needs_death: bool
    article: str
    verified: bool
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """How long one resource is kept, and by which rule."""

    type: str
    id: str
    rule: str
    article: str
    verified: bool
    until: date | None  # the last day; None: no end is known yet

    def is_over(self, today: date) -> bool:
        """Say whether the law lets it go."""
        return self.until is not None and today > self.until


@cache
def rules() -> Sequence[Rule]:
    """Return the rules in their order."""
    return [
        Rule(
            row["id"], row["years"], tuple(row.get("icd", ())), frozenset(row.get("types", ())),
            row.get("from") == "death", row.get("needs") == "death", row["article"],
            row["verified"], words_of(row),
        )
        for row in read_table("retention")["rule"]
    ]  # fmt: skip


def kept(resources: Iterable[Mapping[str, Any]]) -> list[Kept]:
    """Return for each resource of one person how long it is kept."""
    known = list(resources)
    died = _death(known)
    closes = {
        f"Encounter/{one['id']}": closed_on(one)
        for one in known
        if one["resourceType"] == "Encounter"
    }
    codes = _codes_by_visit(known)
    return [_kept(one, died, closes, codes) for one in known]


def closed_on(resource: Mapping[str, Any]) -> date | None:
    """Return the last day a resource tells of; None where it tells of none, or is not over."""
    for name in _PERIODS:
        period = resource.get(name)
        if isinstance(period, Mapping):
            return _day(period.get("end"))
    return next((day for name in _DATES if (day := _day(resource.get(name))) is not None), None)


def end_of(closed: date | None, years: int) -> date | None:
    """Return the last day of keeping: 31 December, `years` behind that of the closing year."""
    return None if closed is None else date(closed.year + years, 12, 31)


def _kept(
    one: Mapping[str, Any],
    died: date | None,
    closes: Mapping[str, date | None],
    codes: Mapping[str, set[str]],
) -> Kept:
    visit = visit_of(one)
    closed = closes.get(visit, closed_on(one))
    found = [
        (end_of(died if rule.is_from_death else closed, rule.years), rule)
        for rule in _applying(str(one["resourceType"]), codes.get(visit, set()), died is not None)
    ]
    # Where a rule has no end yet, none of them has.
    until, rule = max(found, key=lambda pair: pair[0] or date.max)
    return Kept(
        str(one["resourceType"]), str(one["id"]), rule.id, rule.article, rule.verified, until
    )


def _applying(type: str, codes: set[str], is_dead: bool) -> list[Rule]:
    own = [rule for rule in rules() if type in rule.types]
    if own:
        return own
    return [
        rule
        for rule in rules()
        if not rule.types
        and (rule.id == _DEFAULT or any(code.startswith(rule.icd) for code in codes if rule.icd)
             or (rule.needs_death and is_dead))
    ]  # fmt: skip


def visit_of(resource: Mapping[str, Any]) -> str:
    """Return "Encounter/x" of the visit that a resource belongs to, itself where it is one."""
    if resource["resourceType"] == "Encounter":
        return f"Encounter/{resource['id']}"
    for name in ("encounter", "context"):
        value = resource.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                reference = one.get("reference") or ""
                if str(reference).startswith("Encounter/"):
                    return "/".join(str(reference).split("/", 2)[:2])
    return ""


def _codes_by_visit(resources: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in resources:
        if one["resourceType"] == "Condition":
            codings = one.get("code", {}).get("coding", ())
            codes = {str(coding.get("code", "")).upper() for coding in codings}
            found.setdefault(visit_of(one), set()).update(codes)
    return found


def _death(resources: Iterable[Mapping[str, Any]]) -> date | None:
    for one in resources:
        if one["resourceType"] == "Patient" and (day := _day(one.get("deceasedDateTime"))):
            return day
    return None


def _day(value: object) -> date | None:
    """Return the last day a FHIR date allows, so that nothing is let go too early."""
    text = str(value or "")[:10]
    first = earliest(text)
    is_whole = len(text) == len("2026-01-01")
    return first if first is None or is_whole else date(first.year, 12, 31)
