"""Walk the whole journal and say whether it is what was accepted, or what was altered first.

Everything is computed again from the lines themselves: leaves, roots, chain, tree,
heads, tail; checkpoints are held against the keys that the caller trusts, not against
those of the database. One snapshot is read, so writers go on meanwhile.

The batches are walked in order, here: each is chained to the one before. Whether the lines
of a batch give its root is asked of whoever checks lines, one span of batches after the
other, by this process or by several: the chain joins what they find.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from trucyte.database.connect import Connection, Database, problems_of_the_server
from trucyte.journal.checking.fault import Fault, What
from trucyte.journal.checking.lines import LineChecker, Span, Told
from trucyte.journal.checkpoint import Checkpoint
from trucyte.journal.codec import Codec
from trucyte.journal.named import Queries
from trucyte.journal.rebuild import Progress
from trucyte.journal.rows import binary_cursor
from trucyte.journal.tail import Batch, Tail, batch_chained, read_tail

_NO_CHAIN: Final = bytes(32)
_SPAN_ROWS: Final = 16_384  # lines that are checked at a time
_SPAN_BATCHES: Final = 2_048


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


class Checkers(Protocol):
    """Who checks the lines of spans, one or several at a time."""

    def begin(self, snapshot: str) -> None:
        """Take up the snapshot that everything is read in."""
        ...

    def check(self, span: Span) -> Sequence[Told]:
        """Take a span when there is room for it; return what was found of earlier ones."""
        ...

    def rest(self) -> Iterator[Sequence[Told]]:
        """Yield what is found of the spans that are left."""
        ...


class Alone:
    """Checks lines in this process, over a connection of its own."""

    def __init__(self, database: Database, queries: Queries, codec: Codec) -> None:
        """Read from `database`; `codec` opens bodies."""
        self._database = database
        self._checker = LineChecker(queries, codec)
        self._connection: Connection | None = None

    def begin(self, snapshot: str) -> None:
        """Take up the snapshot."""
        self._connection = reading(self._database, snapshot)

    def check(self, span: Span) -> Sequence[Told]:
        """Check a span at once."""
        assert self._connection is not None
        return [self._checker.check(self._connection, span)]

    def rest(self) -> Iterator[Sequence[Told]]:
        """Nothing is ever left."""
        return iter(())

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


def reading(database: Database, snapshot: str) -> Connection:
    """Return a connection that reads in the snapshot of another."""
    connection = database.connect()
    try:
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(f"set transaction snapshot '{snapshot}'".encode())
    except BaseException:
        connection.close()
        raise
    return connection


class _Found(Exception):  # noqa: N818 - ends the walk; never leaves this module
    def __init__(self, fault: Fault, batch: int) -> None:
        super().__init__()
        self.fault = fault
        self.batch = batch  # the number of the batch it was found at


def verify(
    database: Database,
    queries: Queries,
    trusted: Mapping[str, bytes],
    progress: Progress,
    checkers: Checkers,
    *,
    has_heads: bool,
) -> Verdict:
    """Verify the whole journal against the `trusted` public keys by name."""
    with problems_of_the_server(), database.connect() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        (snapshot,) = connection.execute("select pg_export_snapshot()").fetchone() or ("",)
        checkers.begin(snapshot)
        walk = _Walk(connection, queries, trusted, progress, checkers)
        fault = walk.run()
        if fault is None and has_heads:
            row = connection.execute(queries.first_wrong_head).fetchone()
            fault = Fault(What.HEAD, seq=row[0]) if row is not None else None
        return walk.verdict(fault)


class _Walk:
    """One pass over all batches, in order."""

    def __init__(
        self,
        connection: Connection,
        queries: Queries,
        trusted: Mapping[str, bytes],
        progress: Progress,
        checkers: Checkers,
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._trusted = trusted
        self._progress = progress
        self._checkers = checkers
        self._tail = read_tail(binary_cursor(connection), queries)
        self._checkpoints = self._read_checkpoints()
        self._reached = Tail(0, 0, 0, _NO_CHAIN, b"", 0, 0, 0, 0, 0)
        self._signed = 0
        self._checked = 0
        self._first: Told | None = None  # the first span whose lines are not what they were
        self._open: list[Batch] = []

    def verdict(self, fault: Fault | None) -> Verdict:
        return Verdict(self._reached.last_seq, self._reached.batches, self._signed, fault)

    def run(self) -> Fault | None:
        """Return the first fault of batches and lines."""
        behind: _Found | None = None
        try:
            self._check_keys()
            self._check_signed()
            with binary_cursor(self._connection, "batches") as cursor:
                for row in cursor.execute(self._queries.all_batches):
                    self._check_batch(Batch(*row))
                    if self._first is not None:
                        break
        except _Found as found:
            behind = found
        self._close_span()
        for told in self._checkers.rest():
            self._hear(told)
        first = self._first
        if first is not None and (behind is None or first.batch <= behind.batch):
            return first.fault
        return behind.fault if behind is not None else self._end()

    def _end(self) -> Fault | None:
        """Return what is wrong behind the last batch, or with the tail."""
        last = self._reached.last_seq
        row = self._connection.execute(self._queries.line_outside, (last,)).fetchone()
        if row is not None:
            return Fault(What.ROW_EXTRA, seq=row[0])
        reached, tail = self._reached, self._tail
        if (reached.last_seq, reached.batches, reached.at, reached.chain, reached.peaks) != (
            tail.last_seq, tail.batches, tail.at, tail.chain, tail.peaks,
        ):  # fmt: skip
            return Fault(What.TAIL, seq=tail.last_seq)
        if self._checkpoints:
            return Fault(What.HISTORY, batch=self._checkpoints[0].batches)
        return None

    def _check_batch(self, batch: Batch) -> None:
        reached = self._reached
        number = reached.batches
        if batch.number > number:
            raise _Found(Fault(What.BATCH_MISSING, batch=number), number)
        is_next = batch.number == number and batch.first_seq == reached.last_seq + 1
        if not is_next or batch.last_seq < batch.first_seq:
            raise _Found(Fault(What.BATCH, batch=number), number)
        self._open.append(batch)
        grown, expected = batch_chained(reached, batch)
        if expected != batch:
            raise _Found(Fault(What.BATCH, batch=number), number)
        self._reached = grown
        self._check_signed()
        rows = batch.last_seq - self._open[0].first_seq + 1
        if rows >= _SPAN_ROWS or len(self._open) >= _SPAN_BATCHES:
            self._close_span()

    def _close_span(self) -> None:
        """Have the lines of the batches since the last span checked."""
        if self._open:
            span, self._open = Span(tuple(self._open)), []
            self._hear(self._checkers.check(span))

    def _hear(self, told: Sequence[Told]) -> None:
        for one in told:
            self._checked += one.rows
            if one.fault is not None and (self._first is None or one.batch < self._first.batch):
                self._first = one
        self._progress(self._checked, self._tail.last_seq)

    def _check_signed(self) -> None:
        """Hold what was reached against the checkpoints that signed exactly so much."""
        reached = self._reached
        while self._checkpoints and self._checkpoints[0].batches <= reached.batches:
            checkpoint = self._checkpoints.pop(0)
            fault = self._fault_of(checkpoint)
            if fault is not None:
                raise _Found(Fault(fault, batch=checkpoint.batches), reached.batches - 1)
            self._signed += 1

    def _fault_of(self, checkpoint: Checkpoint) -> What | None:
        reached = self._reached
        public_key = self._trusted.get(checkpoint.key)
        if public_key is None or not checkpoint.is_signed_by(public_key):
            return What.CHECKPOINT
        signed = (checkpoint.last_seq, checkpoint.root, checkpoint.chain)
        return None if signed == (reached.last_seq, reached.root, reached.chain) else What.HISTORY

    def _check_keys(self) -> None:
        for name, public_key in binary_cursor(self._connection).execute(self._queries.all_keys):
            if self._trusted.get(name) != public_key:
                raise _Found(Fault(What.KEY, key=name), -1)

    def _read_checkpoints(self) -> list[Checkpoint]:
        rows: list[tuple[Any, ...]] = (
            binary_cursor(self._connection).execute(self._queries.all_checkpoints).fetchall()
        )
        return [Checkpoint(*row) for row in rows]
