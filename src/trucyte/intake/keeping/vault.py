"""Originals at rest: sealed under a key of their source, given out but for blocked rows.

What is sealed begins with "TCO1" and lies beside what is not: zstd begins otherwise. Bound
to it are the source, whether it is a part of it or a piece in quarantine, and its place.
The key is one of `journal.body_key`, of the class that originals have: where it is
destroyed at the end of their retention, they are gone from every backup too.
"""

import secrets
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from trucyte.base.problem import Kind, Problem
from trucyte.journal.atrest.body_keys import ORIGINALS, BodyKeys
from trucyte.journal.atrest.sealed import NONCE_SIZE, key_of, seal, unseal

_MAGIC: Final = b"TCO1"
_PLACE: Final = struct.Struct(">4sqBi")

Blocked = Callable[[int], frozenset[int]]  # the rows of a source that nobody is given; 0: all


class OriginalBlocked(Problem):
    """Part of this original was erased by law; it is kept until its retention ends, for nobody."""

    kind = Kind.GONE
    code = "original-blocked"


class OriginalUnreadable(Problem):
    """The original of source {source} was altered, or its key was destroyed."""

    kind = Kind.GONE
    code = "original-unreadable"


class What(IntEnum):
    """What of a source is kept."""

    PART = 1
    PIECE = 2


def _nothing(source: int) -> frozenset[int]:
    return frozenset()


class Vault:
    """Seals and opens what is kept of sources. Safe to share between threads."""

    def __init__(
        self, keys: BodyKeys | None = None, *, seals: bool = True, blocked: Blocked = _nothing
    ) -> None:
        """Without keys what comes is kept as it is, and nothing sealed can be read."""
        self._keys = keys
        self._seals = seals and keys is not None
        self.blocked = blocked

    def lay(self, source: int, what: What, place: int, data: bytes) -> bytes:
        """Return what is kept of `data`."""
        if not self._seals or self._keys is None:
            return data
        pair = (source, ORIGINALS)
        key = self._keys.of([pair])[pair]
        nonce = secrets.token_bytes(NONCE_SIZE)
        return _MAGIC + seal(key, data, _PLACE.pack(_MAGIC, source, what, place), nonce)

    def take(self, source: int, what: What, place: int, kept: bytes) -> bytes:
        """Return what was laid; raises OriginalUnreadable."""
        if not kept.startswith(_MAGIC):
            return kept
        sealed = kept[len(_MAGIC) :]
        number = key_of(sealed)
        key = self._keys.numbered([number]).get(number) if self._keys is not None else None
        opened = unseal(key, sealed, _PLACE.pack(_MAGIC, source, what, place)) if key else None
        if opened is None:
            raise OriginalUnreadable(source=source)
        return opened

    def check_whole(self, source: int) -> None:
        """Raise OriginalBlocked where a part of a source is given to nobody."""
        if self.blocked(source):
            raise OriginalBlocked

    def check_row(self, source: int, row: int) -> None:
        """Raise OriginalBlocked where a row of a source is given to nobody."""
        if self.blocked(source) & {0, row}:
            raise OriginalBlocked


OPEN: Final = Vault()  # keeps what comes as it is
