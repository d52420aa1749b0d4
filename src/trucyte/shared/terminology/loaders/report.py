"""What reading a file found: concepts, and rows that cannot be taken or look wrong."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from trucyte.shared.terminology.concept import Concept
from trucyte.shared.terminology.problems import ListRowsFaulty

SAID_MAX: Final = 1000  # rows named one by one
_EXCEL_EPOCH: Final = date(1899, 12, 30)
_SERIALS: Final = range(20_000, 80_000)  # 1954 to 2119

Progress = Callable[[int], None]  # rows read


@dataclass(frozen=True, slots=True)
class RowNote:
    """One row and what is wrong with it; `reason` is a code, never the row's text."""

    row: int
    reason: str
    column: str = ""


@dataclass(slots=True)
class Reading:
    """A file as it is being read."""

    concepts: dict[str, list[Concept]] = field(default_factory=dict)
    faults: list[RowNote] = field(default_factory=list)  # any of these: nothing is taken
    warnings: list[RowNote] = field(default_factory=list)
    rows: int = 0
    faulty: int = 0
    said_of_columns: set[tuple[str, str]] = field(default_factory=set)

    def take(self, concept: Concept) -> None:
        """Keep a term; the terms of one code stay together."""
        self.concepts.setdefault(concept.code, []).append(concept)

    def fault(self, row: int, reason: str, column: str = "") -> None:
        """Say that a row cannot be taken."""
        self.faulty += 1
        if len(self.faults) < SAID_MAX:
            self.faults.append(RowNote(row, reason, column))

    def warn(self, row: int, reason: str, column: str = "") -> None:
        """Say that a row looks wrong but was taken."""
        if len(self.warnings) < SAID_MAX:
            self.warnings.append(RowNote(row, reason, column))

    def warn_column(self, row: int, reason: str, column: str) -> None:
        """Say of a whole column, at its first such row, that it looks wrong."""
        if (reason, column) not in self.said_of_columns:
            self.said_of_columns.add((reason, column))
            self.warn(row, reason, column)

    def check(self) -> None:
        """Raise ListRowsFaulty where a row cannot be taken."""
        if self.faulty:
            raise ListRowsFaulty(faults=self.faulty, rows=self.rows)

    def terms(self) -> Sequence[Concept]:
        """Return all terms: by code in the order of the file, parents first, newest last."""
        by_code = {code: _in_time(terms) for code, terms in self.concepts.items()}
        return [term for code in _parents_first(by_code) for term in by_code[code]]


def _in_time(terms: list[Concept]) -> list[Concept]:
    return sorted(terms, key=lambda term: term.valid_from or date.min)


def _parents_first(by_code: dict[str, list[Concept]]) -> Iterator[str]:
    """Give the codes in their order, each after its parents; a circle is cut where it closes."""
    given: set[str] = set()
    for start in by_code:
        waiting = [(start, False)]
        opened: set[str] = set()
        while waiting:
            code, is_ready = waiting.pop()
            if code in given or code not in by_code:
                continue
            if is_ready or code in opened:
                given.add(code)
                yield code
                continue
            opened.add(code)
            waiting.append((code, True))
            waiting += [(parent, False) for parent in by_code[code][-1].parents]


def parse_day(text: str) -> date | None:
    """Return a day written as yyyymmdd, yyyymmddHHMM, yyyy-mm-dd, dd/mm/yyyy or by Excel.

    Empty is None. Raises ValueError.
    """
    text = text.strip()
    if not text:
        return None
    if text.isdigit() and len(text) == 5 and int(text) in _SERIALS:
        return _EXCEL_EPOCH + timedelta(days=int(text))
    if text.isdigit() and len(text) in (8, 12, 14):
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    if "/" in text:
        day, month, year = text.split(" ")[0].split("/")
        return date(int(year), int(month), int(day))
    return date.fromisoformat(text[:10])
