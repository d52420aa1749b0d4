"""Checkpoints: the node's signature under everything accepted so far.

Signed bytes: "TCK1" and, big-endian, epoch 4 · batches 8 · last_seq 8 · at 8 (µs since
1970) · root 32 · chain 32. Peers and exports keep checkpoints, so a journal that was
rewritten, even with all its keys, no longer fits what others hold.
"""

import struct
from dataclasses import dataclass, replace

from trucyte.base.clock import Clock
from trucyte.database.connect import Cursor
from trucyte.journal.keyring import Keyring, Signing, is_signed
from trucyte.journal.named import QUERIES, Queries
from trucyte.journal.rows import from_microseconds, to_microseconds
from trucyte.journal.tail import Tail

_FORM = struct.Struct(">4siqqq")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was signed, by which key; `at` in µs since 1970."""

    batches: int
    last_seq: int
    at: int
    epoch: int
    root: bytes
    chain: bytes
    key: str
    signature: bytes

    @property
    def message(self) -> bytes:
        """The signed bytes."""
        places = _FORM.pack(b"TCK1", self.epoch, self.batches, self.last_seq, self.at)
        return places + self.root + self.chain

    def is_signed_by(self, public_key: bytes) -> bool:
        """Return whether the holder of `public_key` signed this."""
        return is_signed(public_key, self.message, self.signature)


class Signer:
    """Signs checkpoints inside the transaction that holds the tail."""

    def __init__(
        self,
        keyring: Keyring,
        clock: Clock,
        *,
        batches_max: int,
        seconds_max: float,
        queries: Queries = QUERIES,
    ) -> None:
        """Let at most so many batches and seconds pass between two checkpoints of a busy node."""
        self._keyring = keyring
        self._clock = clock
        self._queries = queries
        self._batches_max = batches_max
        self._microseconds_max = int(seconds_max * 1_000_000)

    def sign_if_due(self, cursor: Cursor, tail: Tail) -> None:
        """Write a checkpoint of `tail` where one is due."""
        is_due = (
            tail.batches - tail.checkpoint_batches >= self._batches_max
            or tail.at - tail.checkpoint_at >= self._microseconds_max
        )
        if is_due:
            self.sign(cursor, tail)

    def sign(self, cursor: Cursor, tail: Tail) -> Checkpoint:
        """Write a checkpoint of `tail`; the caller holds it."""
        at = max(to_microseconds(self._clock.now()), tail.at)
        key = self._keyring.signing  # one key for name and signature: another may follow it
        checkpoint = _signed(tail, at, key)
        moment = from_microseconds(at)
        cursor.execute(self._queries.insert_key, (key.id, key.public, moment))
        cursor.execute(
            self._queries.insert_checkpoint,
            (tail.batches, tail.last_seq, moment, tail.epoch, checkpoint.root, tail.chain,
             checkpoint.key, checkpoint.signature),
        )  # fmt: skip
        cursor.execute(self._queries.note_checkpoint, (tail.batches, moment))
        return checkpoint


def _signed(tail: Tail, at: int, key: Signing) -> Checkpoint:
    unsigned = Checkpoint(
        tail.batches, tail.last_seq, at, tail.epoch, tail.root, tail.chain, key.id, b""
    )
    return replace(unsigned, signature=key.sign(unsigned.message))
