"""What exactly a journal line's leaf covers.

leaf   = SHA-256(header ‖ inner)
inner  = SHA-256(salt ‖ body)          body: the accepted bytes, before compression
header = "TCL1" and, big-endian, two's complement:
    seq 8 · accepted_at 8 (µs since 1970-01-01T00:00Z) · person 8 · previous 8 · source 8 ·
    version 4 · source_row 4 · meta_offset 4 · origin 2 · type 2 · operation 2 · data_group 2 ·
    length of the id 2 · id (UTF-8)

`codec` is left out, so that a body may be compressed anew: it is true when the body
that comes out is. The salt keeps the leaf of an erased body from being guessed.
"""

import struct
from hashlib import sha256

MAGIC = b"TCL1"
SALT_SIZE = 16
HEADER = struct.Struct(">4sqqqqqiiihhhhH")


def pack_header(
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
    id_bytes: bytes,
) -> bytes:
    """Return the canonical header; `accepted_at` in µs since 1970."""
    fixed = HEADER.pack(
        MAGIC, seq, accepted_at, person, previous, source, version, source_row, meta_offset,
        origin, type_number, operation, data_group, len(id_bytes),
    )  # fmt: skip
    return fixed + id_bytes


def inner_hash(salt: bytes, body: bytes) -> bytes:
    """Hash a body under its salt; what remains of it when it is erased."""
    digest = sha256(salt)
    digest.update(body)
    return digest.digest()


def leaf_of(header: bytes, inner: bytes) -> bytes:
    """Return the leaf of a line."""
    return sha256(header + inner).digest()


def head_key(origin: int, type_number: int, id_bytes: bytes) -> bytes:
    """Return the 16-byte key of a resource in `journal.head`; `journal.head_key` in SQL."""
    return sha256(struct.pack(">hh", origin, type_number) + id_bytes).digest()[:16]
