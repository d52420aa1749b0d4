"""The tail: where the journal ends, how a batch moves that, and partitions made ahead of it.

root  = Merkle root (RFC 6962) over the leaves of the batch, in seq order
chain = SHA-256("TCC1" ‖ chain before ‖ root ‖ first_seq 8 ‖ last_seq 8)
batch = "TCB1" ‖ number 8 ‖ first_seq 8 ‖ last_seq 8 ‖ at 8 (µs since 1970) ‖ root
        is a leaf of the Merkle tree over all batches, so one path proves a line.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from psycopg import sql

from trucyte.database.connect import Cursor
from trucyte.journal import merkle
from trucyte.journal.named import QUERIES, Queries


@dataclass(frozen=True, slots=True)
class Tail:
    """The row of `journal.tail`; times in µs since 1970."""

    last_seq: int
    batches: int
    at: int
    chain: bytes
    peaks: bytes
    epoch: int
    partition_end: int
    partition_rows: int
    checkpoint_batches: int
    checkpoint_at: int

    @property
    def root(self) -> bytes:
        """The root of the tree over all batches."""
        return merkle.Frontier(self.batches, self.peaks).root()


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of `journal.batch`; `at` in µs since 1970."""

    last_seq: int
    first_seq: int
    number: int
    at: int
    root: bytes
    chain: bytes
    nodes: bytes

    @property
    def leaf(self) -> bytes:
        """What the tree over batches holds of this batch."""
        places = struct.pack(
            ">4sqqqq", b"TCB1", self.number, self.first_seq, self.last_seq, self.at
        )
        return places + self.root


def read_tail(cursor: Cursor, queries: Queries = QUERIES, *, lock: bool = False) -> Tail:
    """Read the tail over a `binary_cursor`; with `lock`, become the only writer."""
    if lock:
        cursor.execute(queries.hold_tail)
    row = cursor.execute(queries.read_tail).fetchone()
    assert row is not None
    return Tail(*row)


def chain_of(before: bytes, root: bytes, first_seq: int, last_seq: int) -> bytes:
    """Return the chain value of a batch."""
    return sha256(b"TCC1" + before + root + struct.pack(">qq", first_seq, last_seq)).digest()


def chained(tail: Tail, leaves: Sequence[bytes], at: int) -> tuple[Tail, Batch]:
    """Return the tail behind a batch of `leaves`, and the batch."""
    last = tail.last_seq + len(leaves)
    root = merkle.root(leaves)
    return batch_chained(tail, Batch(last, 0, 0, at, root, b"", b""))


def batch_chained(tail: Tail, told: Batch) -> tuple[Tail, Batch]:
    """Return the tail behind a batch of which end, time and root are told, and the batch."""
    first, last, at, root = tail.last_seq + 1, told.last_seq, told.at, told.root
    chain = chain_of(tail.chain, root, first, last)
    batch = Batch(last, first, tail.batches, at, root, chain, b"")
    frontier = merkle.Frontier(tail.batches, tail.peaks)
    batch = replace(batch, nodes=b"".join(frontier.append(batch.leaf)))
    grown = replace(
        tail, last_seq=last, batches=frontier.size, at=at, chain=chain, peaks=frontier.peaks
    )
    return grown, batch


def attach_partitions(
    cursor: Cursor, queries: Queries, schema: str, tail: Tail, last_seq: int
) -> None:
    """Make the next partition once the last one is half full; the caller holds the tail.

    A finished table is attached, which readers do not notice; `create … partition of`
    would wait for all of them.
    """
    while last_seq + tail.partition_rows // 2 >= tail.partition_end:
        end = tail.partition_end + tail.partition_rows
        name = sql.Identifier(schema, f"change_{tail.partition_end}")
        parent = sql.Identifier(schema, "change")
        cursor.execute(
            sql.SQL("create table {} (like {} including defaults including storage)").format(
                name, parent
            )
        )
        cursor.execute(
            sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
                parent, name, tail.partition_end, end
            )
        )
        cursor.execute(queries.move_partition_end, (end,))
        tail = replace(tail, partition_end=end)
