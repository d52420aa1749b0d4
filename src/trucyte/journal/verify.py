"""Walk the whole journal and say whether it is what was accepted, or what was altered first.

Everything is computed again from the lines themselves: leaves, roots, chain, tree,
heads, tail; checkpoints are held against the keys that the caller trusts, not against
those of the database. One snapshot is read, so writers go on meanwhile.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from trucyte.database.connect import Connection, Database, problems_of_the_server
from trucyte.journal import leaf, merkle
from trucyte.journal.atrest.sealed import BodyKey
from trucyte.journal.checkpoint import Checkpoint
from trucyte.journal.codec import BodyErased, BodyUnreadable, Codec
from trucyte.journal.named import Queries
from trucyte.journal.rebuild import Progress
from trucyte.journal.rows import ChangeRow, binary_cursor
from trucyte.journal.tail import Batch, Tail, chained, read_tail

Rows = Iterator[tuple[Any, ...]]

_NO_CHAIN: Final = bytes(32)


class What(Enum):
    """What was found to be altered."""

    ROW = "a line is not what was accepted"
    LEAF = "the leaf of a line was altered"
    ROW_MISSING = "a line is missing"
    ROW_EXTRA = "a line stands where none was accepted"
    ERASURE = "an erasure names a line whose body is there"
    BATCH = "a batch was altered"
    BATCH_MISSING = "a batch is missing"
    CHECKPOINT = "a checkpoint is not signed by a trusted key"
    HISTORY = "the journal is not the one that a checkpoint signed"
    KEY = "a public key was altered"
    HEAD = "a head is not the newest version"
    TAIL = "the tail was altered"
    DERIVED = "what was derived from a line is not what the line gives"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing altered: a line by `seq`, a batch or checkpoint by `batch`, a key by name."""

    what: What
    seq: int | None = None
    batch: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the walk found: counts of what it read, and the first fault if there is one."""

    rows: int
    batches: int
    checkpoints: int
    fault: Fault | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing was altered."""
        return self.fault is None


class _Found(Exception):  # noqa: N818 - ends the walk; never leaves this module
    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


def verify(
    database: Database,
    queries: Queries,
    trusted: Mapping[str, bytes],
    codec: Codec,
    progress: Progress,
    *,
    has_heads: bool,
) -> Verdict:
    """Verify the whole journal against the `trusted` public keys by name."""
    with problems_of_the_server(), database.connect() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        with (
            binary_cursor(connection, "batches") as batches,
            binary_cursor(connection, "changes") as changes,
        ):
            walk = _Walk(connection, queries, trusted, codec, progress)
            try:
                walk.run(
                    iter(batches.execute(queries.all_batches)),
                    iter(changes.execute(queries.all_changes)),
                )
                if has_heads:
                    walk.check_heads()
            except _Found as found:
                return walk.verdict(found.fault)
            return walk.verdict(None)


class _Walk:
    """One pass over everything, in order of seq."""

    def __init__(
        self,
        connection: Connection,
        queries: Queries,
        trusted: Mapping[str, bytes],
        codec: Codec,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._trusted = trusted
        self._codec = codec
        self._progress = progress
        self._tail = read_tail(binary_cursor(connection), queries)
        self._checkpoints = self._read_checkpoints()
        self._reached = Tail(0, 0, 0, _NO_CHAIN, b"", 0, 0, 0, 0, 0)
        self._signed = 0

    def verdict(self, fault: Fault | None) -> Verdict:
        return Verdict(self._reached.last_seq, self._reached.batches, self._signed, fault)

    def run(self, batches: Rows, changes: Rows) -> None:
        self._check_keys()
        self._check_signed()
        for row in batches:
            self._check_batch(Batch(*row), changes)
            self._check_signed()
            self._progress(self._reached.last_seq, self._tail.last_seq)
        for extra in changes:
            raise _Found(Fault(What.ROW_EXTRA, seq=extra[0]))
        self._check_tail()
        for checkpoint in self._checkpoints:
            raise _Found(Fault(What.HISTORY, batch=checkpoint.batches))

    def _check_batch(self, batch: Batch, changes: Rows) -> None:
        reached = self._reached
        if batch.number > reached.batches:
            raise _Found(Fault(What.BATCH_MISSING, batch=reached.batches))
        if batch.number < reached.batches or batch.first_seq != reached.last_seq + 1:
            raise _Found(Fault(What.BATCH, batch=reached.batches))
        rows = _rows_of(batch, changes)
        keys = self._codec.keys_for((row.codec, row.body) for row, _ in rows)
        leaves = [self._leaf(row, inner, keys) for row, inner in rows]
        grown, expected = chained(reached, leaves, rows[0][0].accepted_at)
        if expected != batch:
            raise _Found(_blamed([row for row, _ in rows], leaves, batch))
        for (row, _), computed in zip(rows, leaves, strict=True):
            if row.leaf != computed:
                raise _Found(Fault(What.LEAF, seq=row.seq))
        self._reached = grown

    def _leaf(self, row: ChangeRow, inner: bytes | None, keys: Mapping[int, BodyKey]) -> bytes:
        if inner is not None and (row.salt or row.body or row.codec):
            raise _Found(Fault(What.ERASURE, seq=row.seq))
        try:
            if inner is None:
                body = self._codec.open(row.codec, row.body, row.place, keys)
                inner = leaf.inner_hash(row.salt, body)
            return leaf.leaf_of(row.header, inner)
        except (BodyUnreadable, BodyErased, struct.error):
            raise _Found(Fault(What.ROW, seq=row.seq)) from None

    def _check_signed(self) -> None:
        """Hold what was reached against the checkpoints that signed exactly so much."""
        reached = self._reached
        while self._checkpoints and self._checkpoints[0].batches <= reached.batches:
            checkpoint = self._checkpoints.pop(0)
            public_key = self._trusted.get(checkpoint.key)
            if public_key is None or not checkpoint.is_signed_by(public_key):
                raise _Found(Fault(What.CHECKPOINT, batch=checkpoint.batches))
            signed = (checkpoint.last_seq, checkpoint.root, checkpoint.chain)
            if signed != (reached.last_seq, reached.root, reached.chain):
                raise _Found(Fault(What.HISTORY, batch=checkpoint.batches))
            self._signed += 1

    def _check_tail(self) -> None:
        reached, tail = self._reached, self._tail
        if (reached.last_seq, reached.batches, reached.at, reached.chain, reached.peaks) != (
            tail.last_seq, tail.batches, tail.at, tail.chain, tail.peaks,
        ):  # fmt: skip
            raise _Found(Fault(What.TAIL, seq=tail.last_seq))

    def _check_keys(self) -> None:
        for name, public_key in binary_cursor(self._connection).execute(self._queries.all_keys):
            if self._trusted.get(name) != public_key:
                raise _Found(Fault(What.KEY, key=name))

    def check_heads(self) -> None:
        row = self._connection.execute(self._queries.first_wrong_head).fetchone()
        if row is not None:
            raise _Found(Fault(What.HEAD, seq=row[0]))

    def _read_checkpoints(self) -> list[Checkpoint]:
        rows = binary_cursor(self._connection).execute(self._queries.all_checkpoints)
        return [Checkpoint(*row) for row in rows]


def _blamed(rows: Sequence[ChangeRow], leaves: Sequence[bytes], batch: Batch) -> Fault:
    """Say which of lines and batch row is to blame when they do not fit together."""
    if merkle.root(leaves) == batch.root:
        # The lines are as the batch has them; its other columns are not.
        return Fault(What.BATCH, batch=batch.number)
    for row, computed in zip(rows, leaves, strict=True):
        if row.leaf != computed:
            return Fault(What.ROW, seq=row.seq)
    return Fault(What.BATCH, batch=batch.number)


def _rows_of(batch: Batch, changes: Rows) -> Sequence[tuple[ChangeRow, bytes | None]]:
    """Take the batch's rows off the stream; they must be dense."""
    rows = []
    for seq in range(batch.first_seq, batch.last_seq + 1):
        row = next(changes, None)
        if row is None or row[0] > seq:
            raise _Found(Fault(What.ROW_MISSING, seq=seq))
        if row[0] < seq:
            raise _Found(Fault(What.ROW_EXTRA, seq=row[0]))
        rows.append((ChangeRow(*row[:-1]), row[-1]))
    if not rows:
        raise _Found(Fault(What.BATCH, batch=batch.number))
    return rows
