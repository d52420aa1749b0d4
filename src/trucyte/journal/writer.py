"""The one committing connection of a process: a batch of units in, lines in the journal out.

A batch is one transaction. It holds the tail row from before it reads what it compares
until its commit is visible; hence seq is dense, visible in order, and a follower that has
seen n has seen all before n.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg.errors import (
    DeadlockDetected,
    DiskFull,
    LockNotAvailable,
    OperationalError,
    SerializationFailure,
)

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Cursor, Database
from trucyte.journal import leaf, pack
from trucyte.journal.arrange import Arrangement, Line, Outcome, Unit, arrange
from trucyte.journal.change import Entry, Head, Operation, Projection
from trucyte.journal.checkpoint import Signer
from trucyte.journal.partition import attach_partitions
from trucyte.journal.rows import binary_cursor, from_microseconds, to_microseconds
from trucyte.journal.statements import statements
from trucyte.journal.tail import Tail, chained, read_tail

_PAUSE_SECONDS: Final = 0.05
_PASSING = (SerializationFailure, DeadlockDetected, LockNotAvailable)


class JournalUnavailable(Problem):
    """The database did not answer; nothing of this was accepted."""

    kind = Kind.UNAVAILABLE
    code = "journal-unavailable"


class OutcomeUnknown(Problem):
    """The database went away while accepting; read again before sending again."""

    kind = Kind.UNAVAILABLE
    code = "outcome-unknown"


class NoSpace(Problem):
    """The disk of the database is full; nothing of this was accepted."""

    kind = Kind.NO_SPACE
    code = "disk-full"


class ChangeRefused(Problem):
    """The database refused a value of this change (SQLSTATE {state})."""

    code = "change-refused"


# These concern a whole batch: to halve it would find nobody.
_FOR_ALL: Final = (JournalUnavailable, OutcomeUnknown, NoSpace)


@dataclass(slots=True)
class _Attempt:
    """A batch that may have been committed: only its root in the table can tell."""

    last_seq: int = 0
    root: bytes = b""
    outcomes: list[Outcome] = field(default_factory=list)


class Writer:
    """Commits batches over a connection of its own. One thread at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        projections: Sequence[Projection],
        signer: Signer,
        *,
        retry_seconds: float = 30.0,
        locked: Callable[[int, float], None],
    ) -> None:
        """Report rows and seconds of each batch's lock to `locked`; connect on first use."""
        self._database = database
        self._clock = clock
        self._projections = projections
        self._signer = signer
        self._retry_seconds = retry_seconds
        self._locked = locked
        self._connection: Connection | None = None
        self._statements = statements()

    def commit(self, units: Sequence[Unit]) -> list[Outcome]:
        """Write the units that hold as one batch; those that fail get their Problem.

        A unit whose rows the database or a projection refuses is found by halving and fails
        alone. Each gets JournalUnavailable, OutcomeUnknown or NoSpace where that is so.
        """
        try:
            return self._persist(units)
        except _FOR_ALL as problem:
            return [type(problem)(**problem.facts) for _ in units]
        except (psycopg.Error, Problem) as error:
            if len(units) == 1:
                return [error if isinstance(error, Problem) else _refused(error)]
        half = len(units) // 2
        return self.commit(units[:half]) + self.commit(units[half:])

    def close(self) -> None:
        """Close the connection; the next commit opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _persist(self, units: Sequence[Unit]) -> list[Outcome]:
        """Try until it is certain whether the batch was committed."""
        attempt = _Attempt()
        deadline = time.monotonic() + self._retry_seconds
        while True:
            try:
                return self._transact(units, attempt)
            except OperationalError as error:
                if not self._is_gone() and not isinstance(error, _PASSING):
                    raise (
                        NoSpace() if isinstance(error, DiskFull) else JournalUnavailable()
                    ) from error
                if self._is_gone():
                    self.close()
                if time.monotonic() > deadline:
                    raise (OutcomeUnknown() if attempt.root else JournalUnavailable()) from error
            time.sleep(_PAUSE_SECONDS)

    def _is_gone(self) -> bool:
        return self._connection is None or self._connection.broken or self._connection.closed

    def _transact(self, units: Sequence[Unit], attempt: _Attempt) -> list[Outcome]:
        connection = self._connected()
        try:
            with connection.transaction():
                cursor = binary_cursor(connection)
                tail = read_tail(cursor, lock=True)
                began = time.perf_counter()
                if attempt.root and self._was_committed(cursor, attempt):
                    return attempt.outcomes
                attempt.root = b""
                outcomes, rows = self._write(cursor, tail, units, attempt)
        except BaseException:
            # Interrupted between statements: the state of the connection is not known.
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.close()
            raise
        self._locked(rows, time.perf_counter() - began)
        return outcomes

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._database.connect()
            connection.autocommit = True
            # A connection or server default must not make an acknowledged line losable.
            connection.execute("set synchronous_commit = on")
            # A writer that hangs in mid-batch must not hold the tail for ever.
            connection.execute("set idle_in_transaction_session_timeout = '60s'")
            self._connection = connection
        return self._connection

    def _was_committed(self, cursor: Cursor, attempt: _Attempt) -> bool:
        found = cursor.execute(self._statements["find_batch"], (attempt.last_seq, attempt.root))
        return found.fetchone() is not None

    def _write(
        self, cursor: Cursor, tail: Tail, units: Sequence[Unit], attempt: _Attempt
    ) -> tuple[list[Outcome], int]:
        heads = self._read_heads(cursor, units)
        arrangement = arrange(units, heads, tail.last_seq)
        if not arrangement.lines:
            return list(_problems(arrangement)), 0
        now = max(to_microseconds(self._clock.now()), tail.at)
        attach_partitions(cursor, tail, arrangement.lines[-1].seq)
        leaves = self._copy(cursor, arrangement.lines, now)
        self._move_heads(cursor, arrangement.heads, heads)
        entries = _entries(arrangement.lines, now)
        self._project(cursor, arrangement.lines, entries)
        outcomes = _outcomes(arrangement, entries, tail.last_seq)
        self._close_batch(cursor, tail, leaves, now, attempt, outcomes)
        return outcomes, len(entries)

    def _read_heads(self, cursor: Cursor, units: Sequence[Unit]) -> dict[bytes, Head]:
        keys = pack.uuids(list({proposal.key for unit in units for proposal in unit}))
        cursor.execute(self._statements["read_heads"], (keys,))
        return {
            key: Head(version, seq, Operation(operation)) for key, version, seq, operation in cursor
        }

    def _copy(self, cursor: Cursor, lines: Sequence[Line], now: int) -> list[bytes]:
        leaves = []
        parts = [pack.COPY_HEADER]
        for line in lines:
            fixed, leaf_bytes = _packed(line, now)
            proposal = line.proposal
            parts += (fixed, proposal.front, leaf_bytes, proposal.back)
            leaves.append(leaf_bytes)
        parts.append(pack.COPY_TRAILER)
        with cursor.copy(self._statements["copy_changes"]) as copy:
            copy.write(b"".join(parts))
        return leaves

    def _move_heads(
        self, cursor: Cursor, moved: Mapping[bytes, Head], heads: Mapping[bytes, Head]
    ) -> None:
        for name, keys in (
            ("insert_heads", sorted(key for key in moved if key not in heads)),
            ("update_heads", sorted(key for key in moved if key in heads)),
        ):
            if keys:
                places = [moved[key] for key in keys]
                columns = (
                    pack.uuids(keys),
                    pack.bigints([head.seq for head in places]),
                    pack.integers([head.version for head in places]),
                    pack.smallints([head.operation for head in places]),
                )
                cursor.execute(self._statements[name], columns)

    def _project(self, cursor: Cursor, lines: Sequence[Line], entries: Sequence[Entry]) -> None:
        for number, projection in enumerate(self._projections):
            prepared = [line.proposal.prepared[number] for line in lines]
            with cursor.connection.cursor() as own:
                projection.apply(own, entries, prepared)

    def _close_batch(
        self,
        cursor: Cursor,
        tail: Tail,
        leaves: Sequence[bytes],
        now: int,
        attempt: _Attempt,
        outcomes: list[Outcome],
    ) -> None:
        grown, batch = chained(tail, leaves, now)
        at = from_microseconds(now)
        cursor.execute(
            self._statements["insert_batch"],
            (batch.last_seq, batch.first_seq, batch.number, at, batch.root, batch.chain,
             batch.nodes),
        )  # fmt: skip
        cursor.execute(
            self._statements["update_tail"],
            (grown.last_seq, grown.batches, at, grown.chain, grown.peaks),
        )
        self._signer.sign_if_due(cursor, grown)
        cursor.execute(self._statements["notify"], (grown.last_seq,))
        attempt.last_seq, attempt.root, attempt.outcomes = batch.last_seq, batch.root, outcomes


def _packed(line: Line, now: int) -> tuple[bytes, bytes]:
    """Return the fixed columns and the leaf of a line."""
    proposal, change = line.proposal, line.proposal.change
    header = leaf.pack_header(
        line.seq, now, change.person, line.previous, change.source, line.version, change.row,
        change.meta_offset, change.origin, proposal.type_number, change.operation,
        change.data_group, proposal.id_bytes,
    )  # fmt: skip
    fixed = pack.pack_fixed(
        line.seq, now, change.person, line.previous, change.source, line.version, change.row,
        change.meta_offset, change.origin, proposal.type_number, change.operation,
        change.data_group, proposal.codec,
    )  # fmt: skip
    return fixed, leaf.leaf_of(header, proposal.inner)


def _entries(lines: Sequence[Line], now: int) -> list[Entry]:
    at = from_microseconds(now)
    return [
        Entry(
            line.seq, at, change.origin, change.type, change.id, line.version, change.operation,
            change.data_group, change.person, change.source, change.row,
        )
        for line in lines
        for change in (line.proposal.change,)
    ]  # fmt: skip


def _outcomes(arrangement: Arrangement, entries: Sequence[Entry], after: int) -> list[Outcome]:
    return [
        outcome
        if isinstance(outcome, Problem)
        else [entries[line.seq - after - 1] for line in outcome]
        for outcome in arrangement.outcomes
    ]


def _problems(arrangement: Arrangement) -> Sequence[Outcome]:
    return [outcome if isinstance(outcome, Problem) else [] for outcome in arrangement.outcomes]


def _refused(error: psycopg.Error) -> ChangeRefused:
    refusal = ChangeRefused(state=error.sqlstate or "")
    refusal.__cause__ = error
    return refusal
