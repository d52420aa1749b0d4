"""From persons to entries, written in each entry's own commit.

The one person of a line stands in the line and has the journal's index; the persons of a
line that shows several stand here, one row a line.
"""

import struct
from collections.abc import Sequence
from itertools import starmap
from typing import Final

from trucyte.database.connect import Cursor
from trucyte.journal import pack
from trucyte.journal.change import Change, Entry
from trucyte.shared.audit.entry import persons_of_body
from trucyte.shared.audit.statements import QUERIES

_ROW: Final = struct.Struct(">hiqi")


class ShownPersons:
    """The table `audit.shown`."""

    name = "shown"
    tables: Sequence[str] = ("audit.shown",)

    def prepare(self, change: Change) -> Sequence[int]:
        """Return the persons of an entry that shows several."""
        return () if change.person else persons_of_body(change.body)

    def apply(
        self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[Sequence[int]]
    ) -> None:
        """Write a row for each entry that shows several persons."""
        rows = [(e.seq, p) for e, p in zip(entries, prepared, strict=True) if p]
        if not rows:
            return
        with cursor.copy(QUERIES.copy_shown) as copy:
            copy.write(b"".join((pack.COPY_HEADER, *starmap(_row, rows), pack.COPY_TRAILER)))

    def clear(self, cursor: Cursor) -> None:
        """Empty the table."""
        cursor.execute(QUERIES.clear_shown)


def _row(seq: int, persons: Sequence[int]) -> bytes:
    packed = pack.bigints(persons)
    return _ROW.pack(2, 8, seq, len(packed)) + packed
