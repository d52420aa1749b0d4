"""Keys that seal bodies: one for a person and a retention class, wrapped where they lie.

A key is 32 random bytes. In `journal.body_key` it lies sealed (AES-256-GCM, a random nonce
before it) under a secret of the keyring, whose generation stands beside it, and bound to
person and class, so that no row does for another. A secret wraps 2^32 keys at most, and a
key seals as many bodies (NIST SP 800-38D, 8.3); neither number is ever near.

Whoever needs keys asks for all of a batch at once. Some are kept unwrapped in memory, for
ten minutes at most, and wiped when they leave it.
"""

import secrets
import struct
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from threading import Lock
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from psycopg import OperationalError

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Cursor, Database, problems_of_the_server
from trucyte.journal import pack
from trucyte.journal.atrest.named import QUERIES
from trucyte.journal.atrest.sealed import BodyKey
from trucyte.journal.keyring import Keyring
from trucyte.journal.rows import binary_cursor

KEPT_MAX: Final = 65_536  # keys in memory: some 15 MB
ORIGINALS: Final = 1000  # the class whose "persons" are numbers of sources
KEPT_SECONDS: Final = 600.0
_NONCE_SIZE: Final = 12
_KEY_SIZE: Final = 32
_BOUND: Final = struct.Struct(">4sqhh")

Pair = tuple[int, int]  # (person, retention class)


class KeysOfAnotherNode(Problem):
    """The secrets here are not those of this database (generation {generation}); nothing written.

    Restore the key folder that belongs to it, or import it with `trucyte keys import`.
    """

    kind = Kind.UNAVAILABLE
    code = "keys-of-another-node"


class GenerationMissing(Problem):
    """Keys of bodies are wrapped under generation {generation}, whose secret is not here."""

    kind = Kind.UNAVAILABLE
    code = "key-generation-missing"


class BodyKeyDamaged(Problem):
    """The key {number} of bodies was altered; restore it from a backup."""

    kind = Kind.UNAVAILABLE
    code = "body-key-damaged"


class BodyKeys:
    """The keys of bodies of one node. Opens lazily; safe to share between threads."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        *,
        kept_max: int = KEPT_MAX,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read and make them in `database`, under the secrets of `keyring`."""
        self._database = database
        self._keyring = keyring
        self._kept_max = kept_max
        self._now = now
        self._mutex = Lock()
        self._making = Lock()
        self._connection: Connection | None = None  # that writes keys
        self._checked: set[int] = set()  # generations that were seen to be the database's
        self._ciphers: dict[int, AESGCM] = {}  # by generation
        self._by_number: dict[int, BodyKey] = {}  # the longest kept first
        self._by_pair: dict[Pair, BodyKey] = {}
        self._since = now()

    def numbered(self, numbers: Collection[int]) -> Mapping[int, BodyKey]:
        """Return the keys of these numbers; a destroyed one is left out. Asks at most once."""
        self._end_old()
        known = self._by_number
        found = {number: known[number] for number in numbers if number in known}
        missing = [number for number in numbers if number not in found]
        if missing:
            with self._database.reader() as connection:
                cursor = binary_cursor(connection)
                rows = cursor.execute(QUERIES.keys_numbered, (pack.bigints(missing),), prepare=True)
                found |= {key.number: key for _, key in self._kept(rows.fetchall())}
        return found

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, BodyKey]:
        """Return a key for each (person, class), made and durable before what it seals is.

        Raises KeysOfAnotherNode, GenerationMissing.
        """
        self._end_old()
        known = self._by_pair
        found = {pair: known[pair] for pair in pairs if pair in known}
        while len(found) < len(pairs):
            missing = sorted(pair for pair in pairs if pair not in found)
            found |= self._found_or_made(missing)
        return found

    def close(self) -> None:
        """Wipe every key that is kept, and close the connection; both come again when used."""
        with self._making:
            self._close_connection()
        with self._mutex:
            keys, self._by_number, self._by_pair = self._by_number, {}, {}
            self._since = self._now()
        for key in keys.values():
            key.secret[:] = bytes(_KEY_SIZE)

    def drop(self) -> None:
        """Keep nothing; those in use go on in the hands of whoever has them."""
        with self._mutex:
            self._by_number, self._by_pair = {}, {}
            self._since = self._now()

    def wrap(self, generation: int, pair: Pair, secret: bytes | bytearray) -> bytes:
        """Return a key as it lies in the database."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._cipher(generation).encrypt(nonce, secret, _bound(generation, pair))

    def unwrap(self, row: tuple[Any, ...]) -> bytearray:
        """Return the key of a row (number, person, class, generation, wrapped).

        Raises BodyKeyDamaged, KeysOfAnotherNode, GenerationMissing.
        """
        number, person, class_number, generation, wrapped = row
        nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
        bound = _bound(generation, (person, class_number))
        try:
            return bytearray(self._cipher(generation).decrypt(nonce, sealed, bound))
        except (InvalidTag, ValueError):
            # Either this one row was altered, or nothing here fits.
            with self._database.connection() as connection:
                self.check(binary_cursor(connection))
            raise BodyKeyDamaged(number=number) from None

    def check(self, cursor: Cursor) -> None:
        """See that the secrets here are those of the database; the first time, note them.

        Raises KeysOfAnotherNode.
        """
        cursor.execute(QUERIES.read_wrapping)
        proofs: dict[int, bytes] = dict(cursor.fetchall())
        for generation in self._keyring.generations:
            proof = self._proof(generation)
            kept = proofs.get(generation)
            if kept is not None and not compare_digest(kept, proof):
                raise KeysOfAnotherNode(generation=generation)
            if kept is None:
                now = datetime.now(UTC)
                cursor.execute(QUERIES.add_wrapping, (generation, proof, now))

    def _found_or_made(self, pairs: Sequence[Pair]) -> dict[Pair, BodyKey]:
        """Return keys, new ones where there were none: asked for in one statement."""
        generation = self._keyring.generation
        fresh = secrets.token_bytes(_KEY_SIZE * len(pairs))
        wrapped = [
            self.wrap(generation, pair, fresh[place * _KEY_SIZE : (place + 1) * _KEY_SIZE])
            for place, pair in enumerate(pairs)
        ]
        values = (*_columns(pairs), pack.smallints([generation] * len(pairs)), wrapped)
        with self._making, problems_of_the_server():
            was_open = self._connection is not None
            try:
                rows = self._written(generation, values)
            except OperationalError:
                # The server may have gone and come again since the connection was opened.
                self._close_connection()
                if not was_open:
                    raise
                rows = self._written(generation, values)
            except BaseException:
                self._close_connection()
                raise
        return dict(self._kept(rows))

    def _written(self, generation: int, values: Sequence[object]) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = self._database.connect(autocommit=True)
            # Whatever rests on a key is flushed after it, so a key needs no flush of its own.
            self._connection.execute("set synchronous_commit = off")
        cursor = binary_cursor(self._connection)
        if generation not in self._checked:
            self.check(cursor)
            self._checked.add(generation)
        return cursor.execute(QUERIES.find_or_add_keys, values, prepare=True).fetchall()

    def _close_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _kept(self, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Pair, BodyKey]]:
        made = [((row[1], row[2]), BodyKey(row[0], row[1], self.unwrap(row))) for row in rows]
        with self._mutex:
            if len(self._by_number) + len(made) > self._kept_max:
                # Those in use now go on in the hands of whoever has them.
                self._by_number, self._by_pair = {}, {}
            for pair, key in made:
                self._by_number[key.number] = self._by_pair[pair] = key
        return made

    def _end_old(self) -> None:
        if self._now() - self._since >= KEPT_SECONDS:
            self.drop()

    def _cipher(self, generation: int) -> AESGCM:
        cipher = self._ciphers.get(generation)
        if cipher is None:
            cipher = self._ciphers[generation] = AESGCM(self._derived(generation, "bodies"))
        return cipher

    def _proof(self, generation: int) -> bytes:
        return sha256(self._derived(generation, "proof")).digest()

    def _derived(self, generation: int, purpose: str) -> bytes:
        secret = self._keyring.wrapping(generation)
        if secret is None:
            raise GenerationMissing(generation=generation)
        info = b"trucyte wrapping " + purpose.encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _bound(generation: int, pair: Pair) -> bytes:
    return _BOUND.pack(b"TCW1", pair[0], pair[1], generation)


def _columns(pairs: Sequence[Pair]) -> tuple[pack.BigintArray, pack.SmallintArray]:
    persons, classes = zip(*pairs, strict=True)
    return pack.bigints(persons), pack.smallints(classes)
