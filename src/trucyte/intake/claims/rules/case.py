"""One visit under examination: its tables with values parsed once, and the settings.

A value that does not parse reads as None here; that it is malformed is the finding of a
rule on its form, so no other rule stumbles over it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as with_default
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Protocol

from trucyte.intake.claims.tables import Row, Visit
from trucyte.vietnam.lists import CodeLists

_AMOUNT_TEXT_MAX = 24

Numbered = tuple[str, str]  # of a practitioner: "cchn" or "bhxh", and the number as written


class Licences(Protocol):
    """What a register says of licences on days that are past."""

    def look(self, numbers: Iterable[Numbered]) -> None:
        """Read what is known of these, all at once."""
        ...

    def bar(self, number: Numbered, day: date) -> str:
        """Return why a licence was not in force all that day; "" where it was, or is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far money may differ, in đồng, before it is called wrong."""

    line: Decimal = Decimal("0.05")
    file: Decimal = Decimal(1)


def amount(text: str | None) -> Decimal | None:
    """Return the decimal written in `text`, or None; no exponents, no thousands separators."""
    if (
        not text
        or len(text) > _AMOUNT_TEXT_MAX
        or not text.lstrip("-").replace(".", "", 1).isdigit()
    ):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def moment(text: str | None) -> datetime | None:
    """Return the local time written as yyyymmdd or yyyymmddHHMM, or None."""
    if not text or len(text) not in (8, 12) or not text.isdigit():
        return None
    try:
        return datetime(  # noqa: DTZ001 - claims times are local wall time by the annex
            int(text[:4]),
            int(text[4:6]),
            int(text[6:8]),
            int(text[8:10] or 0),
            int(text[10:12] or 0),
        )
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Case:
    """A visit as the checks see it."""

    visit: Visit
    lists: CodeLists
    on: date  # the day the visit ended; rules and lists are those of this day
    tolerance: Tolerance = with_default(default_factory=Tolerance)
    licences: Licences | None = None  # None: there is no register to ask

    def rows(self, table: str) -> Sequence[Row]:
        """Return the rows of a table; none where it was not sent."""
        return self.visit.tables.get(table, ())

    @property
    def summary(self) -> Row:
        """The XML1 row, or an empty one."""
        rows = self.visit.tables.get("XML1")
        return rows[0] if rows else {}

    def total(self, tables: Sequence[str], field: str) -> Decimal:
        """Return the sum of a money field over the rows of `tables`."""
        return sum(
            (amount(row.get(field)) or Decimal(0) for table in tables for row in self.rows(table)),
            Decimal(0),
        )
