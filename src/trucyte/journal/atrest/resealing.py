"""Seal what lies open, and wrap keys anew: in steps, while the node serves.

A body's form is not part of its leaf, so a line may be sealed where it lies and every proof
stays. Each step is a transaction of its own: a kill loses at most one, and who begins again
goes on where it stopped.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from trucyte.database.connect import Cursor, Database
from trucyte.journal import pack
from trucyte.journal.atrest.body_keys import BodyKeys
from trucyte.journal.atrest.erasure import Keeper
from trucyte.journal.atrest.named import QUERIES
from trucyte.journal.atrest.sealed import NONCE_SIZE, place_of, seal
from trucyte.journal.change import Change
from trucyte.journal.codec import SEALED, Codec
from trucyte.journal.keyring import Keyring
from trucyte.journal.named import QUERIES as JOURNAL_QUERIES
from trucyte.journal.rebuild import Progress
from trucyte.journal.rows import ChangeRow, binary_cursor, entry_of

_KEYS_AT_ONCE: Final = 1000
_LINES_AT_ONCE: Final = 500  # the tail is held meanwhile: some 15 ms


def rewrap(database: Database, body_keys: BodyKeys, keyring: Keyring, progress: Progress) -> int:
    """Wrap all keys of bodies under the newest generation; return how many were not.

    Raises KeysOfAnotherNode, GenerationMissing, BodyKeyDamaged.
    """
    newest = keyring.generation
    with database.connection() as connection:
        body_keys.check(binary_cursor(connection))
        counts = connection.execute(QUERIES.count_keys).fetchall()
    total = sum(count for generation, count in counts if generation < newest)
    done = after = 0
    while True:
        with database.connection() as connection:
            cursor = binary_cursor(connection)
            wanted = (newest, after, _KEYS_AT_ONCE)
            rows = cursor.execute(QUERIES.keys_wrapped_before, wanted).fetchall()
            if not rows:
                return done
            _rewrap(cursor, body_keys, newest, rows)
        after, done = rows[-1][0], done + len(rows)
        progress(done, max(total, done))


def _rewrap(
    cursor: Cursor, body_keys: BodyKeys, newest: int, rows: Sequence[tuple[Any, ...]]
) -> None:
    wrapped = [body_keys.wrap(newest, (row[1], row[2]), body_keys.unwrap(row)) for row in rows]
    numbers = pack.bigints([row[0] for row in rows])
    cursor.execute(QUERIES.rewrap_keys, (numbers, pack.smallints([newest] * len(rows)), wrapped))


def seal_all(
    database: Database, body_keys: BodyKeys, codec: Codec, keeper: Keeper, progress: Progress
) -> int:
    """Seal the bodies of all lines that lie open; return how many."""
    with database.connection() as connection:
        row = connection.execute(QUERIES.count_unsealed).fetchone()
    total, done, after = (row[0] if row else 0), 0, 0
    while True:
        with database.connection() as connection:
            cursor = binary_cursor(connection)
            # No key is destroyed meanwhile, and those of before are read again.
            cursor.execute(JOURNAL_QUERIES.hold_tail)
            body_keys.drop()
            rows = cursor.execute(QUERIES.lines_unsealed, (after, _LINES_AT_ONCE)).fetchall()
            if not rows:
                return done
            _seal(cursor, body_keys, codec, keeper, [ChangeRow(*row) for row in rows])
        after, done = rows[-1][0], done + len(rows)
        progress(done, max(total, done))


def _seal(
    cursor: Cursor, body_keys: BodyKeys, codec: Codec, keeper: Keeper, rows: Sequence[ChangeRow]
) -> None:
    pairs = [(keeper(_change_of(row, codec)) or row.person, 0) for row in rows]
    keys = body_keys.of(set(pairs))
    bodies = []
    for row, pair in zip(rows, pairs, strict=True):
        origin, type_number, version, id_ = row.place
        place = place_of(row.codec & 0xFF, origin, type_number, version, id_.encode())
        bodies.append(seal(keys[pair], row.body, place, secrets.token_bytes(NONCE_SIZE)))
    seqs = pack.bigints([row.seq for row in rows])
    codecs = pack.smallints([row.codec | SEALED for row in rows])
    cursor.execute(QUERIES.reseal_lines, (seqs, codecs, bodies))


def _change_of(row: ChangeRow, codec: Codec) -> Change:
    entry = entry_of(row)
    body = codec.decompress(row.codec & 0xFF, row.body)
    return Change(entry.type, entry.id, entry.operation, body, 0, entry.person)
