"""Reading the trail: pages of entries by person, time, caller and what was done.

A page looks at a bounded number of lines, so that a rare caller cannot make it walk the
whole trail; one that found little still says where to go on.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from trucyte.database.connect import Cursor
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Stored
from trucyte.journal.checking.fault import Fault, What
from trucyte.journal.journal import Journal
from trucyte.journal.verify import Verdict
from trucyte.records.access import Access
from trucyte.records.persons.following import persons_with
from trucyte.shared.audit.entry import (
    Entry,
    EntryNotFound,
    Outcome,
    as_json,
    entry_of,
    persons_of_body,
    short_organisation,
)
from trucyte.shared.audit.interaction import interaction_of
from trucyte.shared.audit.statements import QUERIES

LINES_MAX: Final = 20_000  # that one page looks at
COUNT_MAX: Final = 1000
_ID: Final = re.compile(r"([1-9][0-9]{0,17})-([A-Za-z0-9.]{1,40})")
_END: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; what is empty or None does not count. `before` goes on behind a page."""

    person: int | None = None  # person key of one of its Patients: those linked are it too
    since: datetime | None = None  # half open
    until: datetime | None = None
    caller: str = ""
    organisation: str = ""
    interaction: str = ""
    action: str = ""  # C, R, U, D or E
    type: str = ""  # resource type
    outcome: Outcome | None = None
    count: int = 50
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of entries, newest first; `next` is the next page's `before`, None at the end."""

    entries: Sequence[Entry]
    next: int | None


class Reading:
    """Questions to the trail in `journal`."""

    def __init__(self, journal: Journal) -> None:
        """Read over the journal's database."""
        self._journal = journal

    def find(self, access: Access, wanted: Wanted) -> Found:
        """Return a page of what this caller may see of it."""
        count = max(1, min(wanted.count, COUNT_MAX))
        with self._cursor() as cursor:
            after, before, begin = self._range(cursor, wanted)
            seqs = _candidates(cursor, wanted, after=after, before=before, count=count)
        entries = [
            entry for entry in self._entries(seqs) if _meets(entry, wanted) and _may(access, entry)
        ]
        # Behind the oldest line looked at there may be more.
        at = seqs[-1] if len(seqs) == count else (after + 1 if wanted.person is None else 0)
        return Found(entries, at if at > begin + 1 else None)

    def entry(self, access: Access, id: str) -> Entry:
        """Return one entry; what this caller may not see is not found. Raises EntryNotFound."""
        match = _ID.fullmatch(id)
        found = self._entries([int(match[1])]) if match else []
        if not found or found[0].id != id or not _may(access, found[0]):
            raise EntryNotFound
        return found[0]

    def shows(self, entry: Entry, person: int) -> bool:
        """Say whether an entry shows a person, by the key of any of its Patients."""
        with self._cursor() as cursor:
            return not set(persons_with(cursor, [person])).isdisjoint(entry.deed.persons)

    def patients(self, entries: Sequence[Entry]) -> dict[int, str]:
        """Return a reference for each person of the entries that has a Patient here."""
        persons = list({person for entry in entries for person in entry.deed.persons})
        if not persons:
            return {}
        with self._cursor() as cursor:
            facts = {"persons": persons, "type": TYPE_NUMBERS["Patient"]}
            rows = cursor.execute(QUERIES.patients, facts).fetchall()
        return {person: f"Patient/{id}" for person, id in rows}

    def with_index_checked(self, verdict: Verdict) -> Verdict:
        """Hold the index from persons to entries against the lines of a sound trail.

        A row taken out of it would hide from a person who looked.
        """
        for start in range(0, verdict.rows, COUNT_MAX):
            end = min(start + COUNT_MAX, verdict.rows)
            lines = self._journal.follow(start, end - start)
            wanted = {line.entry.seq: persons for line in lines if (persons := _several(line))}
            with self._cursor() as cursor:
                cursor.execute(QUERIES.shown_between, {"after": start, "last": end})
                found = {seq: tuple(persons) for seq, persons in cursor}
            if found != wanted:
                seqs = sorted(found.keys() | wanted.keys())
                seq = next(seq for seq in seqs if found.get(seq) != wanted.get(seq))
                return replace(verdict, fault=Fault(What.DERIVED, seq=seq))
        return verdict

    def _range(self, cursor: Cursor, wanted: Wanted) -> tuple[int, int, int]:
        """Return where to look, exclusive on both sides, and where what is wanted begins."""
        last = self._journal.tail()
        begin = _last_before(cursor, wanted.since, last) if wanted.since else 0
        end = _last_before(cursor, wanted.until, last) + 1 if wanted.until else last + 1
        before = min(end, wanted.before or _END)
        # The index of persons finds without walking.
        after = begin if wanted.person is not None else max(begin, before - 1 - LINES_MAX)
        return after, before, begin

    def _entries(self, seqs: Sequence[int]) -> list[Entry]:
        lines = self._journal.bodies(seqs)
        return [entry_of(lines[seq]) for seq in seqs if seq in lines and lines[seq].body]

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        with self._journal.database.connection() as connection, connection.cursor() as cursor:
            yield cursor


def _candidates(
    cursor: Cursor, wanted: Wanted, *, after: int, before: int, count: int
) -> list[int]:
    facts = {"after": after, "before": before, "count": count}
    if wanted.person is not None:
        persons = persons_with(cursor, [wanted.person])
        cursor.execute(QUERIES.entries_of_persons, {**facts, "persons": persons})
    else:
        texts = (
            wanted.caller,
            short_organisation(wanted.organisation),
            wanted.interaction,
            wanted.type,
        )
        words = [as_json(text) for text in texts if text]
        cursor.execute(QUERIES.entries, {**facts, "words": words})
    return [seq for (seq,) in cursor]


def _several(line: Stored) -> Sequence[int]:
    return persons_of_body(line.body) if line.body else ()


def _last_before(cursor: Cursor, moment: datetime, last: int) -> int:
    """Return the last line before a moment: times never go back, so halving finds it."""
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        row = cursor.execute(QUERIES.time_of, {"seq": middle}).fetchone()
        if row is None or row[0] >= moment:
            high = middle - 1
        else:
            low = middle
    return low


def _meets(entry: Entry, wanted: Wanted) -> bool:
    deed = entry.deed
    return all(
        not asked or asked == there
        for asked, there in (
            (wanted.caller, deed.caller),
            (wanted.organisation, deed.organisation),
            (wanted.interaction, deed.interaction),
            (wanted.type, deed.type),
            (wanted.action, interaction_of(deed.interaction).action),
        )
    ) and wanted.outcome in (None, deed.outcome)


def _may(access: Access, entry: Entry) -> bool:
    """Say whether a caller may see an entry: all, or those of its organisations."""
    seen = access.sees_organisations
    return seen is None or entry.deed.organisation in seen
