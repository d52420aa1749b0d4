"""Rows and arrays in PostgreSQL's binary formats, packed by hand.

Adapting value by value would cost more than all hashing of a line; one `struct` call a
row does not.
"""

import struct
from collections.abc import Iterable, Sequence

from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_TRAILER = b"\xff\xff"

_EPOCH_OFFSET = 946_684_800_000_000  # µs from 1970 to 2000, where PostgreSQL counts from

# seq, accepted_at, person, previous, source | version, source_row, meta_offset |
# origin, type, operation, data_group, codec; four varying columns follow.
_FIXED = struct.Struct(">h" + "iq" * 5 + "ii" * 3 + "ih" * 5)
_LENGTH = struct.Struct(">i")
_HASH_LENGTH = _LENGTH.pack(32)


def pack_front(id_bytes: bytes, salt: bytes) -> bytes:
    """Return the part of a change row before its leaf; it needs no seq, so no lock."""
    length = _LENGTH.pack
    return length(len(id_bytes)) + id_bytes + length(len(salt)) + salt + _HASH_LENGTH


def pack_back(body: bytes) -> bytes:
    """Return the part of a change row behind its leaf."""
    return _LENGTH.pack(len(body)) + body


def pack_fixed(
    seq: int,
    accepted_at: int,
    person: int,
    previous: int,
    source: int,
    version: int,
    source_row: int,
    meta_offset: int,
    origin: int,
    type_number: int,
    operation: int,
    data_group: int,
    codec: int,
) -> bytes:
    """Return the fixed columns of a change row; `accepted_at` in µs since 1970."""
    return _FIXED.pack(
        17,
        8, seq, 8, accepted_at - _EPOCH_OFFSET, 8, person, 8, previous, 8, source,
        4, version, 4, source_row, 4, meta_offset,
        2, origin, 2, type_number, 2, operation, 2, data_group, 2, codec,
    )  # fmt: skip


class BinaryArray(bytes):
    """An array in PostgreSQL's binary format, ready to be a parameter."""


class UuidArray(BinaryArray):
    """A `uuid[]`."""


class BigintArray(BinaryArray):
    """A `bigint[]`."""


class IntegerArray(BinaryArray):
    """An `integer[]`."""


class SmallintArray(BinaryArray):
    """A `smallint[]`."""


def uuids(values: Sequence[bytes]) -> UuidArray:
    """Pack 16-byte values."""
    return UuidArray(_array(2950, len(values), b"".join(b"\0\0\0\x10" + v for v in values)))


def bigints(values: Sequence[int]) -> BigintArray:
    """Pack 64-bit integers."""
    return BigintArray(_array(20, len(values), _numbers("iq", 8, values)))


def integers(values: Sequence[int]) -> IntegerArray:
    """Pack 32-bit integers."""
    return IntegerArray(_array(23, len(values), _numbers("ii", 4, values)))


def smallints(values: Sequence[int]) -> SmallintArray:
    """Pack 16-bit integers."""
    return SmallintArray(_array(21, len(values), _numbers("ih", 2, values)))


def register(context: AdaptContext) -> None:
    """Teach a connection to send the arrays as they are."""
    for dumper in (_UuidDumper, _BigintDumper, _IntegerDumper, _SmallintDumper):
        context.adapters.register_dumper(dumper.array, dumper)


def _numbers(code: str, size: int, values: Sequence[int]) -> bytes:
    return struct.pack(">" + code * len(values), *_interleaved(size, values))


def _interleaved(size: int, values: Iterable[int]) -> Iterable[int]:
    for value in values:
        yield size
        yield value


def _array(element: int, count: int, elements: bytes) -> bytes:
    if not count:
        return struct.pack(">iiI", 0, 0, element)
    return struct.pack(">iiIii", 1, 0, element, count, 1) + elements


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> bytes:
        return bytes(obj)


class _UuidDumper(_ArrayDumper):
    array = UuidArray
    oid = 2951


class _BigintDumper(_ArrayDumper):
    array = BigintArray
    oid = 1016


class _IntegerDumper(_ArrayDumper):
    array = IntegerArray
    oid = 1007


class _SmallintDumper(_ArrayDumper):
    array = SmallintArray
    oid = 1005
