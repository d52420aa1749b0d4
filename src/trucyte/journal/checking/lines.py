"""Check the lines of some batches: do they give the roots that the batches have?

Rows are taken as PostgreSQL's binary COPY sends them, and their leaves are made from the
raw bytes: reading them as values would cost more than all hashing.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from trucyte.database.connect import Connection
from trucyte.journal import merkle, pack
from trucyte.journal.atrest.body_keys import BodyKeyDamaged
from trucyte.journal.atrest.sealed import BodyKey
from trucyte.journal.checking.fault import Fault, What
from trucyte.journal.codec import BLOCKED, RAW, SEALED, BodyErased, BodyUnreadable, Codec
from trucyte.journal.leaf import HEADER, MAGIC
from trucyte.journal.named import Queries
from trucyte.journal.tail import Batch

_EPOCH_OFFSET: Final = 946_684_800_000_000  # µs from 1970 to 2000, where PostgreSQL counts from
_COPY_MARK: Final = pack.COPY_HEADER[:11]
# Number of columns, then each fixed one behind its length; see `pack.pack_fixed`.
_FIXED: Final = struct.Struct(">h" + "4xq" * 5 + "4xi" * 3 + "4xh" * 5)
_FIXED_END: Final = _FIXED.size
_LENGTH: Final = struct.Struct(">i")
_AT_ONCE: Final = 1024  # lines whose keys are asked for together


@dataclass(frozen=True, slots=True)
class Span:
    """Batches that follow each other, whose lines are checked together."""

    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What was found of a span: how many lines, and the first fault with its batch."""

    rows: int
    batch: int
    fault: Fault | None


# A line as far as it is looked at: seq, time in µs since 1970, the leaf that stands in the
# row, the leaf that the row gives, and what is wrong where it gives none.
_Line = tuple[int, int, bytes, bytes, What | None]


class LineChecker:
    """Checks spans over the connection it is given."""

    def __init__(self, queries: Queries, codec: Codec) -> None:
        """Open bodies by `codec`."""
        self._queries = queries
        self._codec = codec

    def check(self, connection: Connection, span: Span) -> Told:
        """Return the first fault of a span's lines, in order."""
        first, last = span.batches[0].first_seq, span.batches[-1].last_seq
        text = f"copy ({self._queries.lines_between}) to stdout (format binary)"
        rows = 0
        with connection.cursor() as cursor, cursor.copy(text.encode(), (first, last)) as copy:
            lines = self._lines(iter(copy))
            for batch in span.batches:
                fault = _checked(batch, lines)
                if fault is not None:
                    for _ in lines:
                        pass  # the rest of the stream
                    return Told(rows, batch.number, fault)
                rows += batch.last_seq - batch.first_seq + 1
            extra = [line[0] for line in lines]
        fault = Fault(What.ROW_EXTRA, seq=extra[0]) if extra else None
        return Told(rows, span.batches[-1].number, fault)

    def _lines(self, chunks: Iterator[Any]) -> Iterator[_Line]:
        """Yield lines; those of one piece have their keys asked for at once."""
        while piece := list(islice(chunks, _AT_ONCE)):
            yield from self._made(piece)

    def _made(self, piece: Sequence[Any]) -> list[_Line]:
        rows = [_row_of(bytes(chunk)) for chunk in piece]
        split = [_split(row) for row in rows if row]
        sealed = [(one[5], one[9]) for one in split if one[5] & SEALED]
        keys: Mapping[int, BodyKey] = {}
        damaged = False
        try:
            keys = self._codec.keys_for(sealed) if sealed else {}
        except BodyKeyDamaged:
            damaged = True
        return [self._line(one, keys, What.BODY_KEY if damaged else None) for one in split]

    def _line(self, split: "_Split", keys: Mapping[int, BodyKey], damaged: What | None) -> _Line:
        seq, at, origin, type_number, version, codec, header, id_bytes, salt, body, kept, inner = (
            split
        )
        if inner is None:
            if codec == RAW:
                inner = sha256(salt + body).digest()
            elif damaged is not None and codec & SEALED:
                return seq, at, kept, b"", damaged
            else:
                try:
                    place = (origin, type_number, version, id_bytes.decode())
                    plain = self._codec.open(codec & ~BLOCKED, body, place, keys)
                except (BodyUnreadable, BodyErased):
                    return seq, at, kept, b"", What.ROW
                inner = sha256(salt + plain).digest()
        elif salt or body or codec:
            return seq, at, kept, b"", What.ERASURE
        return seq, at, kept, sha256(header + inner).digest(), None


_Split = tuple[
    int, int, int, int, int, int, bytes, bytes, bytes, bytes, bytes, bytes | None
]  # seq, at, origin, type, version, codec, header, id, salt, body, leaf, inner


def _row_of(chunk: bytes) -> bytes:
    """Return the row in a piece of the stream; the header may stand before the first."""
    if chunk.startswith(_COPY_MARK):
        chunk = chunk[len(pack.COPY_HEADER) :]
    return b"" if chunk == pack.COPY_TRAILER else chunk


def _split(row: bytes) -> _Split:
    """Return what a row holds, with its header as the leaf covers it."""
    (
        _, seq, at, person, previous, source, version, source_row, meta_offset,
        origin, type_number, operation, data_group, codec,
    ) = _FIXED.unpack_from(row)  # fmt: skip
    length = _LENGTH.unpack_from
    begin = _FIXED_END + 4
    end = begin + length(row, _FIXED_END)[0]
    id_bytes = row[begin:end]
    begin = end + 4
    end = begin + length(row, end)[0]
    salt = row[begin:end]
    begin = end + 4
    end = begin + length(row, end)[0]
    kept = row[begin:end]
    begin = end + 4
    end = begin + length(row, end)[0]
    body = row[begin:end]
    inner_size = length(row, end)[0]
    inner = None if inner_size < 0 else row[end + 4 : end + 4 + inner_size]
    at += _EPOCH_OFFSET
    header = HEADER.pack(
        MAGIC, seq, at, person, previous, source, version, source_row, meta_offset,
        origin, type_number, operation, data_group, len(id_bytes) & 0xFFFF,
    ) + id_bytes  # fmt: skip
    return seq, at, origin, type_number, version, codec, header, id_bytes, salt, body, kept, inner


def _checked(batch: Batch, lines: Iterator[_Line]) -> Fault | None:
    """Return the first fault of a batch's lines, which must be dense."""
    size = batch.last_seq - batch.first_seq + 1
    rows = list(islice(lines, size))
    return _fault_of_rows(batch, rows) or _fault_of_leaves(batch, rows)


def _fault_of_rows(batch: Batch, rows: Sequence[_Line]) -> Fault | None:
    for seq, row in zip(range(batch.first_seq, batch.last_seq + 1), rows, strict=False):
        if row[0] != seq:
            what = What.ROW_MISSING if row[0] > seq else What.ROW_EXTRA
            return Fault(what, seq=min(seq, row[0]))
        if row[4] is not None:
            return Fault(row[4], seq=seq)
    missing = batch.first_seq + len(rows)
    return Fault(What.ROW_MISSING, seq=missing) if missing <= batch.last_seq else None


def _fault_of_leaves(batch: Batch, rows: Sequence[_Line]) -> Fault | None:
    changed = next((row[0] for row in rows if row[2] != row[3]), None)
    if merkle.root([row[3] for row in rows]) != batch.root:
        is_row = changed is not None
        return Fault(What.ROW, seq=changed) if is_row else Fault(What.BATCH, batch=batch.number)
    if rows[0][1] != batch.at:
        return Fault(What.BATCH, batch=batch.number)
    return Fault(What.LEAF, seq=changed) if changed is not None else None
