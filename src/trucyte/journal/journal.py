"""Accept resources: the one way a fact enters this node, and the order all else follows."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Final

from trucyte.base.clock import Clock
from trucyte.base.problem import Problem
from trucyte.database.connect import Connection, Cursor, Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal import follow as following
from trucyte.journal import leaf, pack
from trucyte.journal.arrange import Outcome, Proposal, Unit
from trucyte.journal.atrest.body_keys import BodyKeys, Pair
from trucyte.journal.atrest.erasure import Erased, Eraser, Keeper, Order, PastErasure
from trucyte.journal.atrest.sealed import NONCE_SIZE, BodyKey
from trucyte.journal.change import (
    Change,
    Entry,
    Expectation,
    Head,
    Key,
    KeyDestroyed,
    Operation,
    Position,
    Projection,
    Stored,
)
from trucyte.journal.checkpoint import Checkpoint, Signer
from trucyte.journal.codec import SEALED, Codec, shipped_dictionaries
from trucyte.journal.evidence import Evidence, prove
from trucyte.journal.group import Group, Pace
from trucyte.journal.keyring import Keyring
from trucyte.journal.named import queries_of
from trucyte.journal.rebuild import Difference, Progress, compare, extend, rebuild
from trucyte.journal.rows import all_stored_of, binary_cursor, lines_of
from trucyte.journal.tail import Tail, read_tail
from trucyte.journal.verify import Alone, Checkers, Verdict, verify
from trucyte.journal.writer import OutcomeUnknown, Writer, sealed_for

Expectations = Sequence[Expectation]

_KEYS_MADE_AGAIN_MAX: Final = 3
_CHANCE_SIZE: Final = leaf.SALT_SIZE + NONCE_SIZE


def _silent(done: int, total: int) -> None:
    """Report progress to nobody."""


Noted = Callable[[int, int, float], None]  # (units joined, lines, seconds) of one commit


def nobody_else(change: Change) -> int:
    """Seal everything under the key of its person."""
    return 0


def nothing_noted(units: int, lines: int, seconds: float) -> None:
    """Keep no figures."""


class Journal:
    """A journal in one schema of one database. Safe to share between threads.

    The node's own lies in `journal`. Without heads a line costs less, and there are no
    versions: each line is a fact of its own, `expected` is not checked, `head`,
    `version` and `history` do not exist, and nobody who waits is told of new lines.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        projections: Sequence[Projection] = (),
        *,
        schema: str = "journal",
        has_heads: bool = True,
        codec: Codec | None = None,
        seals: bool = True,
        keeper: Keeper = nobody_else,
        followers: Sequence[str] = (),
        lock_seconds_max: float = 0.05,
        checkpoint_batches: int = 1000,
        checkpoint_seconds: float = 60.0,
        retry_seconds: float = 30.0,
        noted: Noted = nothing_noted,
    ) -> None:
        """Open lazily; `projections` run inside every commit, in this order.

        Bodies are sealed under keys of their persons unless `seals` is false or a `codec` is
        given; those that are there are read whatever their form. `keeper` tells whose key
        seals what is of several persons. An erasure removes the rows of `followers` too,
        tables by their qualified names that have the seq of a line in a column.

        `noted` is told of each commit when it is done: units joined, lines, seconds.
        """
        self.database = database
        self.keyring = keyring
        self.projections = tuple(projections)
        self._queries = queries_of(schema)
        self._has_heads = has_heads
        self.body_keys = BodyKeys(database, keyring)
        self.codec = codec or Codec(shipped_dictionaries(), keys=self.body_keys)
        self._seals = seals and codec is None
        self.keeper = keeper
        self._eraser = Eraser(
            database, self.body_keys, self.codec, self.projections, clock,
            keeper=keeper, followers=followers,
        )  # fmt: skip
        self._signer = Signer(
            keyring, clock, batches_max=checkpoint_batches, seconds_max=checkpoint_seconds,
            queries=self._queries,
        )  # fmt: skip
        self._pace = Pace(lock_seconds_max)
        self._writer = Writer(
            database, clock, self.projections, self._signer,
            self.codec.dictionaries, schema=schema, has_heads=has_heads,
            retry_seconds=retry_seconds, locked=self._pace.note,
        )  # fmt: skip
        self._group: Group[Unit, Outcome] = Group(
            self._commit_noted, weight_max=lambda: self._pace.rows, broken=OutcomeUnknown
        )
        self._listener = following.Listener(database, schema)
        self._noted = noted

    def commit(self, changes: Sequence[Change], expectations: Expectations = ()) -> list[Entry]:
        """Accept the changes as one unit, all or nothing, and return their lines in order.

        Returns once the lines are durable and searchable. Raises VersionConflict where an
        `expected` does not hold, ExpectationFailed where one of `expectations` does not,
        ExpectationTooSlow, BodyTooLarge, ChangeRefused where the database cannot hold a
        value, and what a projection raises; DatabaseAway or DatabaseFull where nothing was
        accepted, OutcomeUnknown where that cannot be told.
        """
        for _ in range(_KEYS_MADE_AGAIN_MAX):
            (outcome,) = self._group.run([self._propose(changes, expectations)], len(changes))
            if not isinstance(outcome, KeyDestroyed):
                break
            self.body_keys.drop()
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    def commit_many(
        self,
        units: Sequence[Sequence[Change]],
        expectations: Mapping[int, Expectations] | None = None,
    ) -> list[Outcome]:
        """Accept many units, each all or nothing; a bad one fails alone.

        `expectations` are of the units at those places. Returns for each unit its lines or the
        Problem that `commit` would raise. The units are cut into batches short enough not to
        keep other writers waiting.
        """
        outcomes: list[Outcome] = []
        expected = expectations or {}
        for part in self._pace.cut(units):
            pairs = {(one.person, one.retention) for unit in part for one in unit if one.body}
            try:
                self._keys_of(pairs)  # of all units at once
            except Problem as problem:
                outcomes += [type(problem)(**problem.facts) for _ in part]
                continue
            proposed = [
                self._proposed_or_refused(unit, expected.get(place, ()))
                for place, unit in enumerate(part, len(outcomes))
            ]
            units_left = [unit for unit in proposed if not isinstance(unit, Problem)]
            weight = sum(len(unit.proposals) for unit in units_left)
            committed = iter(self._group.run(units_left, weight))
            outcomes += [
                unit if isinstance(unit, Problem) else next(committed) for unit in proposed
            ]
        return [
            self._again(units[place], expected.get(place, ()))
            if isinstance(outcome, KeyDestroyed)
            else outcome
            for place, outcome in enumerate(outcomes)
        ]

    def head(self, keys: Iterable[Key]) -> dict[Key, Head]:
        """Return what is current of each (origin, type, id) that was ever accepted."""
        assert self._has_heads
        by_packed = {_head_key(key): key for key in keys}
        with self._looking() as cursor:
            cursor.execute(self._queries.read_heads, (pack.uuids(list(by_packed)),))
            return {
                by_packed[packed]: Head(version, seq, Operation(operation))
                for packed, version, seq, operation in cursor
            }

    def bodies(self, seqs: Iterable[int], cursor: Cursor | None = None) -> dict[int, Stored]:
        """Return the lines of `seqs` with their bodies; what is not there is left out.

        They are read in the transaction of `cursor` if given.
        """
        wanted = (pack.bigints(list(seqs)),)
        if cursor is None:
            lines = self._lines(self._queries.bodies, wanted)
        else:
            rows = binary_cursor(cursor.connection).execute(self._queries.bodies, wanted).fetchall()
            lines = all_stored_of(rows, self.codec)
        return {line.entry.seq: line for line in lines}

    def lines(self, seqs: Iterable[int], cursor: Cursor) -> list[Stored]:
        """Return the lines of `seqs` in no order; what is not there is left out.

        `cursor` is one of `rows.binary_cursor`.
        """
        wanted = (pack.bigints(list(seqs)),)
        rows = cursor.execute(self._queries.lines, wanted, prepare=True).fetchall()
        return lines_of(rows, self.codec)

    def current(
        self, keys: Iterable[Key], connection: Connection | None = None
    ) -> dict[Key, Stored]:
        """Return the current line of each (origin, type, id) that was ever accepted.

        Asks once, on `connection` if given. A deleted one's line has no body.
        """
        if connection is None:
            with self.database.reader() as own:
                return self.current(keys, own)
        wanted = pack.uuids([_head_key(key) for key in keys])
        cursor = binary_cursor(connection)
        rows = cursor.execute(self._queries.current, (wanted,), prepare=True).fetchall()
        lines = lines_of(rows, self.codec)
        return {(line.entry.origin, line.entry.type, line.entry.id): line for line in lines}

    def version(self, origin: int, type: str, id: str, version: int) -> Stored | None:
        """Return one version of a resource, None where there is none such."""
        lines = self._versions((origin, type, id), down_to=version)
        return lines[-1] if lines and lines[-1].entry.version == version else None

    def history(self, origin: int, type: str, id: str) -> list[Stored]:
        """Return all versions of a resource, newest first."""
        return self._versions((origin, type, id), down_to=1)

    def tail(self) -> int:
        """Return the last seq, 0 for an empty journal."""
        return self.position().seq

    def position(self) -> Position:
        """Return the last seq with the epoch it belongs to."""
        tail = self.read_tail()
        return Position(tail.last_seq, tail.epoch)

    def read_tail(self) -> Tail:
        """Return the whole tail."""
        with self._reading() as cursor:
            return read_tail(cursor, self._queries)

    def follow(
        self, after: int, limit: int = 1000, types: Sequence[str] | None = None
    ) -> list[Stored]:
        """Return the next lines behind seq `after`, in order; of some types where named.

        Where types are named, take `tail()` first: an answer shorter than `limit` means
        that nothing of them stands up to there.
        """
        if types is None:
            return self._lines(self._queries.follow, (after, limit))
        numbers = pack.smallints([TYPE_NUMBERS[name] for name in types])
        return self._lines(self._queries.follow_types, (after, numbers, limit))

    def rows_of(self, source: int, after: int) -> set[int]:
        """Return which rows of a source have lines behind seq `after`; walks all lines there."""
        with self._reading() as cursor:
            return {row for (row,) in cursor.execute(self._queries.rows_of_source, (after, source))}

    def wait(self, after: int, timeout_seconds: float) -> int:
        """Wait until there is a line behind `after`, at most so long; return the last seq."""
        assert self._has_heads
        return self._listener.wait(after, timeout_seconds)

    def cursor(self, name: str) -> Position | None:
        """Return where the follower `name` stands, None where it never moved."""
        with self._reading() as cursor:
            return following.read_cursor(cursor, self._queries, name)

    def move_cursor(self, name: str, position: Position, cursor: Cursor | None = None) -> None:
        """Remember how far the follower `name` came, in the transaction of `cursor` if given.

        Raises CursorMovedBack: two followers of one name would skip for each other.
        """
        if cursor is not None:
            following.move_cursor(cursor, self._queries, name, position)
            return
        with self._reading() as own:
            following.move_cursor(own, self._queries, name, position)

    def forget_cursor(self, name: str, cursor: Cursor) -> None:
        """Let the follower `name` begin again, in the transaction of `cursor`."""
        cursor.execute(self._queries.forget_cursor, (name,))

    def checkpoint(self) -> Checkpoint:
        """Sign everything accepted so far, now."""
        with self._reading() as cursor:
            return self._signer.sign(cursor, read_tail(cursor, self._queries, lock=True))

    def last_checkpoint(self) -> Checkpoint | None:
        """Return the newest signed checkpoint, or None before the first."""
        with self._reading() as cursor:
            row = cursor.execute(self._queries.last_checkpoint).fetchone()
        return Checkpoint(*row) if row else None

    def prove(self, seq: int) -> Evidence:
        """Return the evidence of a line, to be verified by anyone; raises LineNotFound."""
        with self.database.connection() as connection:
            return prove(connection, self._queries, seq, self.codec, self._signer)

    def verify(
        self,
        progress: Progress = _silent,
        trusted: Mapping[str, bytes] | None = None,
        checkers: Checkers | None = None,
    ) -> Verdict:
        """Walk everything and name the first thing altered.

        Trusts this node's own signing keys, and the `trusted` public keys by name. Lines
        are checked by `checkers`, or else by this process alone.
        """
        keys = {**self.keyring.public_keys, **(trusted or {})}
        alone = Alone(self.database, self._queries, self.codec)
        with closing(alone):
            return verify(
                self.database, self._queries, keys, progress, checkers or alone,
                has_heads=self._has_heads,
            )  # fmt: skip

    def rebuild(self, progress: Progress = _silent) -> int:
        """Build the projections again from the journal; return the lines replayed."""
        assert self._has_heads  # what has none is no source of tables
        return rebuild(self.database, self.projections, self.codec, progress)

    def extend(self, after: int, progress: Progress = _silent) -> int:
        """Replay the lines behind `after` into projections that are as they were at `after`."""
        assert self._has_heads
        return extend(self.database, self.projections, self.codec, after, progress)

    def compare(self, progress: Progress = _silent) -> Difference | None:
        """Return the first row of a projection that a replay would not give; change nothing."""
        assert self._has_heads
        return compare(self.database, self.projections, self.codec, progress)

    def erase(
        self,
        keys: Iterable[Key] = (),
        *,
        persons: Iterable[int] = (),
        rule: str,
        by: str,
        article: str,
        blocked_until: datetime | None = None,
    ) -> Erased:
        """Erase by law all versions of resources, and all that is of persons by their keys.

        Bodies, salts, everything derived and the keys go; the lines stay, and proofs with
        them. Of persons, what is others' too is blocked until `blocked_until` instead; a
        resource that is named is erased whosever it is. `rule` is what decided, `by` the
        account, `article` of which law. May be killed and resumed at any point.
        """
        assert self._has_heads
        return self._eraser.erase(keys, persons, Order(rule, by, article, blocked_until))

    def resume_erasures(self) -> list[Erased]:
        """Go on with erasures that were begun and not finished."""
        return self._eraser.resume()

    def erasures_since(self, number: int = 0) -> list[PastErasure]:
        """Return the erasures behind one by its number: what a backup must be given beside it."""
        return self._eraser.since(number)

    def replay_erasures(self, past: Iterable[PastErasure]) -> int:
        """Erase again, in what was restored, before it serves; return the lines erased."""
        return self._eraser.replay(past)

    def blocked_rows(self, source: int) -> frozenset[int]:
        """Return which rows of an original are not to be shown or read again; 0: all of it."""
        return self._eraser.blocked_rows(source)

    def start_epoch(self) -> int:
        """Begin a new epoch, as a restore must: cursors of the old one no longer fit."""
        with self._reading() as cursor:
            read_tail(cursor, self._queries, lock=True)
            row = cursor.execute(self._queries.start_epoch).fetchone()
            assert row is not None
            return int(row[0])

    def close(self) -> None:
        """Close the connections of this journal; it opens them again when used."""
        self._writer.close()
        self._listener.close()
        self.body_keys.close()

    def _commit_noted(self, units: Sequence[Unit]) -> Sequence[Outcome]:
        began = time.perf_counter()
        outcomes = self._writer.commit(units)
        lines = sum(len(outcome) for outcome in outcomes if not isinstance(outcome, Problem))
        self._noted(len(units), lines, time.perf_counter() - began)
        return outcomes

    def _propose(self, changes: Sequence[Change], expectations: Expectations) -> Unit:
        """Do everything to the changes of a unit that needs no lock."""
        # One call to the system for all salts: it costs more than hashing.
        pairs = [self._pair(change) for change in changes]
        sealed = {pair for change, pair in zip(changes, pairs, strict=True) if change.body}
        keys = self._keys_of(sealed)
        chance = secrets.token_bytes(_CHANCE_SIZE * len(changes))
        proposals = [
            self._proposal(change, chance[place : place + _CHANCE_SIZE], keys.get(pair))
            for change, pair, place in zip(changes, pairs, count(0, _CHANCE_SIZE), strict=False)
        ]
        return Unit(proposals, expectations)

    def _proposed_or_refused(
        self, changes: Sequence[Change], expectations: Expectations
    ) -> Unit | Problem:
        try:
            return self._propose(changes, expectations)
        except Problem as problem:
            return problem

    def _pair(self, change: Change) -> Pair:
        return (self.keeper(change) if self._seals else 0) or change.person, change.retention

    def _keys_of(self, pairs: set[Pair]) -> Mapping[Pair, BodyKey]:
        """Return the keys that seal bodies, all asked for at once."""
        return self.body_keys.of(pairs) if self._seals and pairs else {}

    def _again(self, changes: Sequence[Change], expectations: Expectations) -> Outcome:
        """Accept a unit that met an erasure once more, under new keys."""
        self.body_keys.drop()
        try:
            return self.commit(changes, expectations)
        except Problem as problem:
            return problem

    def _proposal(self, change: Change, chance: bytes, key: BodyKey | None) -> Proposal:
        assert change.body or change.operation is Operation.DELETE
        salt, nonce = chance[: leaf.SALT_SIZE], chance[leaf.SALT_SIZE :]
        id_bytes = change.id.encode()
        type_number = TYPE_NUMBERS[change.type]
        codec, packed = self.codec.compress(change.type, change.body)
        proposal = Proposal(
            change,
            leaf.head_key(change.origin, type_number, id_bytes),
            type_number,
            id_bytes,
            codec,
            leaf.inner_hash(salt, change.body),
            pack.pack_front(id_bytes, salt),
            packed,
            packed,
            [projection.prepare(change) for projection in self.projections],
        )
        if key is None or not change.body:
            return proposal
        version = (change.expected or 0) + 1
        body = sealed_for(proposal, key, version, nonce)
        return replace(proposal, codec=codec | SEALED, body=body, key=key, sealed_as=version)

    def _versions(self, key: Key, *, down_to: int) -> list[Stored]:
        assert self._has_heads
        return self._lines(self._queries.line_of_versions, (pack.uuids([_head_key(key)]), down_to))

    def _lines(self, query: str, values: Sequence[object]) -> list[Stored]:
        with self._looking() as cursor:
            rows = cursor.execute(query, values).fetchall()
        return all_stored_of(rows, self.codec)

    @contextmanager
    def _looking(self) -> Iterator[Cursor]:
        """Lend a cursor for one statement that only reads: no transaction around it."""
        with self.database.reader() as connection:
            yield binary_cursor(connection)

    @contextmanager
    def _reading(self) -> Iterator[Cursor]:
        with self.database.connection() as connection:
            yield binary_cursor(connection)


def _head_key(key: Key) -> bytes:
    origin, type_name, id_ = key
    return leaf.head_key(origin, TYPE_NUMBERS[type_name], id_.encode())
