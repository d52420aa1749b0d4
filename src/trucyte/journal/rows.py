"""Reading lines back: rows of `journal.change` as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format

from trucyte.database.connect import Connection, Cursor
from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.journal import leaf, pack
from trucyte.journal.atrest.sealed import BodyKey
from trucyte.journal.change import Entry, Operation, Stored
from trucyte.journal.codec import Codec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UUID_OID: Final = 2950
_EPOCH_OFFSET = 946_684_800_000_000  # µs from 1970 to 2000, where PostgreSQL counts from
_ROWS_STREAMED: Final = 2000
_MICROSECOND = timedelta(microseconds=1)
_OPERATIONS: Mapping[int, Operation] = {int(operation): operation for operation in Operation}


def to_microseconds(moment: datetime) -> int:
    """Return µs since 1970-01-01T00:00Z."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return the moment, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=count)


class _RawUuid(Loader):
    """A uuid as its 16 bytes."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class _Microseconds(Loader):
    """A timestamptz as µs since 1970: what headers hold, and free of any session's zone."""

    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        return int.from_bytes(data, "big", signed=True) + _EPOCH_OFFSET


def binary_cursor(connection: Connection, name: str | None = None) -> Cursor:
    """Return a cursor that gives uuids as bytes and times as µs; a named one streams."""
    _teach(connection)
    cursor: Cursor
    if name is None:
        cursor = connection.cursor(binary=True)
    else:
        streaming = psycopg.ServerCursor(connection, name)
        streaming.format = Format.BINARY
        streaming.itersize = _ROWS_STREAMED
        cursor = streaming
    return cursor


def _teach(connection: Connection) -> None:
    """Teach a connection once what its binary cursors give: for each cursor it costs 15 µs."""
    adapters = connection.adapters
    if adapters.get_loader(_UUID_OID, Format.BINARY) is not _RawUuid:
        pack.register(connection)
        adapters.register_loader("timestamptz", _Microseconds)
        adapters.register_loader("uuid", _RawUuid)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A row of `journal.change` as it lies there."""

    seq: int
    accepted_at: int  # µs since 1970
    person: int
    previous: int
    source: int
    version: int
    source_row: int
    meta_offset: int
    origin: int
    type_number: int
    operation: int
    data_group: int
    codec: int
    id: str
    salt: bytes
    leaf: bytes
    body: bytes

    @property
    def place(self) -> tuple[int, int, int, str]:
        """What a sealed body is bound to."""
        return self.origin, self.type_number, self.version, self.id

    @property
    def header(self) -> bytes:
        """The canonical header of the line."""
        return leaf.pack_header(
            self.seq, self.accepted_at, self.person, self.previous, self.source, self.version,
            self.source_row, self.meta_offset, self.origin, self.type_number, self.operation,
            self.data_group, self.id.encode(),
        )  # fmt: skip


def entry_of(row: ChangeRow) -> Entry:
    """Return a row as an entry."""
    return Entry(
        row.seq, from_microseconds(row.accepted_at), row.origin,
        RESOURCE_TYPES[row.type_number - 1], row.id, row.version, _OPERATIONS[row.operation],
        row.data_group, row.person, row.source, row.source_row,
    )  # fmt: skip


# What a line needs to be shown, of a row `c` of journal.change; see `line_of`.
LINE_COLUMNS: Final = (
    "c.seq, c.accepted_at, c.person, c.source, c.version, c.source_row, c.meta_offset,"
    " c.origin, c.type, c.operation, c.data_group, c.codec, c.id, c.body"
)


@lru_cache(maxsize=4096)
def _moment(count: int) -> datetime:
    # A batch has one time.
    return from_microseconds(count)


def lines_of(rows: Sequence[tuple[Any, ...]], codec: Codec) -> list[Stored]:
    """Return lines from `LINE_COLUMNS`, their bodies opened; keys are asked for once."""
    keys = codec.keys_for((row[11], row[13]) for row in rows)
    return [line_of(row, codec, keys) for row in rows]


def line_of(
    row: tuple[Any, ...], codec: Codec, keys: Mapping[int, BodyKey] | None = None
) -> Stored:
    """Return a line from `LINE_COLUMNS`, its body opened. Raises BodyUnreadable, BodyErased."""
    (
        seq, at, person, source, version, source_row, meta_offset,
        origin, type_number, operation, data_group, packing, id_, body,
    ) = row  # fmt: skip
    entry = Entry(
        seq, _moment(at), origin, RESOURCE_TYPES[type_number - 1], id_, version,
        _OPERATIONS[operation], data_group, person, source, source_row,
    )  # fmt: skip
    opened = codec.open(packing, body, (origin, type_number, version, id_), keys)
    return Stored(entry, opened, meta_offset)


def all_stored_of(rows: Sequence[tuple[Any, ...]], codec: Codec) -> list[Stored]:
    """Return lines from the columns of `ChangeRow`, their bodies opened; asks for keys once."""
    keys = codec.keys_for((row[12], row[16]) for row in rows)
    return [stored_of(row, codec, keys) for row in rows]


def stored_of(
    row: tuple[Any, ...], codec: Codec, keys: Mapping[int, BodyKey] | None = None
) -> Stored:
    """Return a line from the columns of `ChangeRow`, its body opened; raises as `line_of`."""
    (
        seq, at, person, _, source, version, source_row, meta_offset,
        origin, type_number, operation, data_group, packing, id_, _, _, body,
    ) = row  # fmt: skip
    entry = Entry(
        seq, from_microseconds(at), origin, RESOURCE_TYPES[type_number - 1], id_, version,
        _OPERATIONS[operation], data_group, person, source, source_row,
    )  # fmt: skip
    opened = codec.open(packing, body, (origin, type_number, version, id_), keys)
    return Stored(entry, opened, meta_offset)
