"""A kept source as a file: read forwards or at any place, a part at a time."""

import io
from bisect import bisect_right
from itertools import accumulate
from threading import Event
from typing import BinaryIO, cast

from trucyte.database.connect import Database
from trucyte.intake.keeping import originals
from trucyte.intake.keeping.statements import statements
from trucyte.intake.keeping.vault import OPEN, Vault, What
from trucyte.intake.running.patience import patiently


class _StoredFile(io.RawIOBase):
    """Reads whole parts and keeps the last one."""

    def __init__(self, database: Database, source: int, stop: Event, vault: Vault) -> None:
        self._vault = vault
        self._database = database
        self._source = source
        self._stop = stop
        rows = patiently(self._list, stop)
        self._places = [place for place, _ in rows]
        self._ends = list(accumulate(size for _, size in rows))
        self._at = 0
        self._held = (-1, b"")  # index of a part, and the part

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        size = self._ends[-1] if self._ends else 0
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # Buffer
        index = bisect_right(self._ends, self._at)
        if index >= len(self._ends):
            return 0
        part = self._part(index)
        start = self._at - (self._ends[index] - len(part))
        found = part[start : start + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _list(self) -> list[tuple[int, int]]:
        with self._database.connection() as connection:
            return connection.execute(statements()["list_parts"], (self._source,)).fetchall()

    def _part(self, index: int) -> bytes:
        if self._held[0] != index:
            packed = patiently(lambda: self._packed(self._places[index]), self._stop)
            taken = self._vault.take(self._source, What.PART, self._places[index], packed)
            self._held = (index, originals.unpack(taken))
        return self._held[1]

    def _packed(self, place: int) -> bytes:
        with self._database.connection() as connection:
            cursor = connection.cursor(binary=True)
            row = cursor.execute(statements()["read_part"], (self._source, place)).fetchone()
        assert row is not None, "a part of a source that is being read"
        packed: bytes = row[0]
        return packed


def open_stored(
    database: Database, source: int, stop: Event | None = None, vault: Vault = OPEN
) -> BinaryIO:
    """Return the original of a source as a buffered, seekable file.

    Reading waits for a database that is away, until `stop` is set. Raises
    OriginalUnreadable on reading.
    """
    raw = _StoredFile(database, source, stop or Event(), vault)
    return cast("BinaryIO", io.BufferedReader(raw, buffer_size=originals.PART))
