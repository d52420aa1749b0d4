"""The one committing connection of a process: a batch of units in, lines in the journal out.

A batch is one transaction. It holds the tail row from before it reads what it compares
until its commit is visible; hence seq is dense, visible in order, and a follower that has
seen n has seen all before n.
"""

import secrets
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
    QueryCanceled,
    SerializationFailure,
)

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import (
    Connection,
    Cursor,
    Database,
    DatabaseAway,
    DatabaseFull,
)
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal import leaf, pack
from trucyte.journal.arrange import Arrangement, Found, Line, Outcome, Proposal, Unit, arrange
from trucyte.journal.atrest.named import QUERIES as KEY_QUERIES
from trucyte.journal.atrest.sealed import NONCE_SIZE, BodyKey, place_of, seal
from trucyte.journal.change import (
    Entry,
    ExpectationTooSlow,
    Head,
    Operation,
    Projection,
)
from trucyte.journal.checkpoint import Signer
from trucyte.journal.codec import Dictionary, DictionaryAltered
from trucyte.journal.named import Queries, queries_of
from trucyte.journal.rows import binary_cursor, from_microseconds, to_microseconds
from trucyte.journal.tail import Batch, Tail, attach_partitions, chained

_PAUSE_SECONDS: Final = 0.05
_ASKING_SECONDS_MAX: Final = 2  # of all expectations of a batch, each: the lock is held meanwhile
_PASSING = (SerializationFailure, DeadlockDetected, LockNotAvailable)


class OutcomeUnknown(Problem):
    """The database went away while accepting; read again before sending again."""

    kind = Kind.UNAVAILABLE
    code = "outcome-unknown"


class ChangeRefused(Problem):
    """The database refused a value of this change (SQLSTATE {state})."""

    code = "change-refused"


# These concern a whole batch: to halve it would find nobody.
_FOR_ALL: Final = (DatabaseAway, DatabaseFull, OutcomeUnknown, DictionaryAltered)


@dataclass(slots=True)
class _Attempt:
    """A batch that may have been committed: only its root in the table can tell."""

    last_seq: int = 0
    root: bytes = b""
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Begun:
    """What stands when a batch has become the only writer."""

    tail: Tail
    heads: Mapping[bytes, Head]
    destroyed: frozenset[int]  # keys that the batch is sealed under and that are no more


class _Session:
    """The writer's connection with its cursors, set up once."""

    __slots__ = ("connection", "heads", "keys", "tails", "work")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        # Whatever the server's defaults: an acknowledged line is durable. A writer that
        # hangs in mid-batch must not hold the tail for ever. The few statements here are
        # planned once.
        connection.execute(
            "set synchronous_commit = on;"
            "set idle_in_transaction_session_timeout = '60s';"
            "set plan_cache_mode = auto"
        )
        self.work, self.tails, self.heads, self.keys = (binary_cursor(connection) for _ in range(4))


class Writer:
    """Commits batches over a connection of its own. One thread at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        projections: Sequence[Projection],
        signer: Signer,
        dictionaries: Mapping[int, Dictionary],
        *,
        schema: str,
        has_heads: bool,
        retry_seconds: float = 30.0,
        locked: Callable[[int, float], None],
    ) -> None:
        """Report rows and seconds of each batch's lock to `locked`; connect on first use."""
        self._database = database
        self._clock = clock
        self._projections = projections
        self._signer = signer
        self._schema = schema
        self._queries = queries_of(schema)
        self._has_heads = has_heads
        self._dictionaries = dictionaries
        self._retry_seconds = retry_seconds
        self._locked = locked
        self._session: _Session | None = None

    def commit(self, units: Sequence[Unit]) -> list[Outcome]:
        """Write the units that hold as one batch; those that fail get their Problem.

        A unit whose rows the database or a projection refuses is found by halving and fails
        alone. Each gets DatabaseAway, DatabaseFull or OutcomeUnknown where that is so.
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
        if self._session is not None:
            self._session.connection.close()
            self._session = None

    def _persist(self, units: Sequence[Unit]) -> list[Outcome]:
        """Try until it is certain whether the batch was committed."""
        attempt = _Attempt()
        deadline = time.monotonic() + self._retry_seconds
        while True:
            try:
                return self._transact(units, attempt)
            except (OperationalError, DatabaseAway) as error:
                if self._session is not None and not isinstance(error, _PASSING):
                    raise _refusal(error) from error
                if time.monotonic() > deadline:
                    raise (OutcomeUnknown() if attempt.root else DatabaseAway()) from error
            time.sleep(_PAUSE_SECONDS)

    def _transact(self, units: Sequence[Unit], attempt: _Attempt) -> list[Outcome]:
        session = self._opened()
        try:
            begun = self._begin(session, units)
            began = time.perf_counter()
            if attempt.root and self._was_committed(session, attempt):
                session.connection.rollback()
                return attempt.outcomes
            attempt.root = b""
            outcomes, rows = self._write(session, begun, units, attempt)
        except BaseException as error:
            self._abandon(session, is_orderly=isinstance(error, Exception))
            raise
        self._locked(rows, time.perf_counter() - began)
        return outcomes

    def _opened(self) -> _Session:
        if self._session is None:
            connection = self._database.connect(autocommit=True)
            try:
                session = _Session(connection)
                keep_dictionaries(session.work, self._queries, self._dictionaries)
            except BaseException:
                connection.close()
                raise
            self._session = session
        return self._session

    def _abandon(self, session: _Session, *, is_orderly: bool) -> None:
        """Roll back; close a connection that is gone, or was interrupted between statements."""
        connection = session.connection
        try:
            if is_orderly and not connection.closed:
                connection.rollback()
                return
        except psycopg.Error:
            pass  # it is gone, as the error under way says better
        self.close()

    def _begin(self, session: _Session, units: Sequence[Unit]) -> _Begun:
        """Become the only writer, then read: a snapshot from before the lock would be stale."""
        proposals = [proposal for unit in units for proposal in unit.proposals]
        keys = pack.uuids(list({proposal.head for proposal in proposals}))
        sealing = {one.key.number for one in proposals if one.key is not None}
        with session.connection.pipeline():
            session.work.execute("begin")
            session.work.execute(self._queries.hold_tail)
            session.tails.execute(self._queries.read_tail)
            if self._has_heads:
                session.heads.execute(self._queries.read_heads, (keys,))
            if sealing:
                session.keys.execute(KEY_QUERIES.keys_there, (pack.bigints(list(sealing)),))
        row = session.tails.fetchone()
        assert row is not None
        there = {number for (number,) in session.keys} if sealing else set()
        destroyed = frozenset(sealing - there)
        if not self._has_heads:
            return _Begun(Tail(*row), {}, destroyed)
        heads = {
            key: Head(version, seq, Operation(operation))
            for key, version, seq, operation in session.heads
        }
        return _Begun(Tail(*row), heads, destroyed)

    def _ask(self, session: _Session, units: Sequence[Unit]) -> Found:
        """Return what meets the units' expectations now, all asked in one go.

        Raises ExpectationTooSlow, which the halving of the batch leaves to whose it is.
        """
        asked = [expectation for unit in units for expectation in unit.expectations]
        if not asked:
            return {}
        cursors = [session.connection.cursor() for _ in asked]
        try:
            with session.connection.pipeline():
                session.work.execute(self._queries.bound_asking, (f"{_ASKING_SECONDS_MAX}s",))
                for expectation, cursor in zip(asked, cursors, strict=True):
                    expectation.ask(cursor)
                session.work.execute(self._queries.bound_asking, ("0",))
            return {
                id(expectation): expectation.found(cursor)
                for expectation, cursor in zip(asked, cursors, strict=True)
            }
        except QueryCanceled as error:
            raise ExpectationTooSlow(seconds=_ASKING_SECONDS_MAX) from error

    def _was_committed(self, session: _Session, attempt: _Attempt) -> bool:
        found = session.work.execute(self._queries.find_batch, (attempt.last_seq, attempt.root))
        return found.fetchone() is not None

    def _write(
        self,
        session: _Session,
        begun: _Begun,
        units: Sequence[Unit],
        attempt: _Attempt,
    ) -> tuple[list[Outcome], int]:
        tail, heads = begun.tail, begun.heads
        found = self._ask(session, units)
        arrangement = arrange(units, heads, tail.last_seq, found, begun.destroyed)
        if not arrangement.lines:
            session.connection.rollback()
            return list(_problems(arrangement)), 0
        now = max(to_microseconds(self._clock.now()), tail.at)
        last_seq = arrangement.lines[-1].seq
        attach_partitions(session.work, self._queries, self._schema, tail, last_seq)
        leaves = self._copy(session.work, arrangement.lines, now)
        entries = _entries(arrangement.lines, now)
        self._project(session.connection, arrangement.lines, entries)
        attempt.outcomes = _outcomes(arrangement, entries, tail.last_seq)
        with session.connection.pipeline():
            if self._has_heads:
                self._move_heads(session.work, arrangement.heads, heads)
            self._close_batch(session.work, chained(tail, leaves, now), attempt)
            session.work.execute("commit")
        return attempt.outcomes, len(entries)

    def _copy(self, cursor: Cursor, lines: Sequence[Line], now: int) -> list[bytes]:
        leaves = []
        parts = [pack.COPY_HEADER]
        for line in lines:
            fixed, leaf_bytes = _packed(line, now)
            proposal = line.proposal
            body = _body_for(proposal, line.version)
            parts += (fixed, proposal.front, leaf_bytes, pack.pack_back(body))
            leaves.append(leaf_bytes)
        parts.append(pack.COPY_TRAILER)
        with cursor.copy(self._queries.copy_changes) as copy:
            copy.write(b"".join(parts))
        return leaves

    def _move_heads(
        self, cursor: Cursor, moved: Mapping[bytes, Head], heads: Mapping[bytes, Head]
    ) -> None:
        for query, keys in (
            (self._queries.insert_heads, sorted(key for key in moved if key not in heads)),
            (self._queries.update_heads, sorted(key for key in moved if key in heads)),
        ):
            if keys:
                places = [moved[key] for key in keys]
                columns = (
                    pack.uuids(keys),
                    pack.bigints([head.seq for head in places]),
                    pack.integers([head.version for head in places]),
                    pack.smallints([head.operation for head in places]),
                )
                cursor.execute(query, columns)

    def _project(
        self, connection: Connection, lines: Sequence[Line], entries: Sequence[Entry]
    ) -> None:
        for number, projection in enumerate(self._projections):
            prepared = [line.proposal.prepared[number] for line in lines]
            with connection.cursor() as own:
                projection.apply(own, entries, prepared)

    def _close_batch(self, cursor: Cursor, closing: tuple[Tail, Batch], attempt: _Attempt) -> None:
        grown, batch = closing
        cursor.execute(
            self._queries.close_batch,
            (batch.last_seq, batch.first_seq, batch.number, from_microseconds(batch.at),
             batch.root, batch.chain, batch.nodes, grown.peaks, self._has_heads),
        )  # fmt: skip
        self._signer.sign_if_due(cursor, grown)
        attempt.last_seq, attempt.root = batch.last_seq, batch.root


def keep_dictionaries(
    cursor: Cursor, queries: Queries, dictionaries: Mapping[int, Dictionary]
) -> None:
    """Lay the dictionaries beside the bodies that need them; raises DictionaryAltered.

    So a database can be read without the program that wrote it.
    """
    for number, dictionary in dictionaries.items():
        content = dictionary.content
        facts = (number, TYPE_NUMBERS[dictionary.type], dictionary.version, content)
        cursor.execute(queries.insert_dictionary, facts)
        kept = cursor.execute(queries.read_dictionary, (number,)).fetchone()
        if kept is None or kept[0] != content:
            raise DictionaryAltered(number=number)


def _body_for(proposal: Proposal, version: int) -> bytes:
    """Return a body as it lies; sealed anew where another version than this was foreseen."""
    if proposal.key is None or proposal.sealed_as == version:
        return proposal.body
    return sealed_for(proposal, proposal.key, version, secrets.token_bytes(NONCE_SIZE))


def sealed_for(proposal: Proposal, key: BodyKey, version: int, nonce: bytes) -> bytes:
    """Return the body of a proposal sealed for a version."""
    packing, origin = proposal.codec & 0xFF, proposal.change.origin
    place = place_of(packing, origin, proposal.type_number, version, proposal.id_bytes)
    return seal(key, proposal.packed, place, nonce)


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


def _refusal(error: OperationalError | DatabaseAway) -> Problem:
    return DatabaseFull() if isinstance(error, DiskFull) else DatabaseAway()
