"""The book of parameters in force, as one process knows it.

What is in force changes under the journal's lock, in the transaction of the SearchParameter
itself, and each writer asks under that lock whether it knows the newest: hence every row
behind a SearchParameter's line has its values, whoever wrote it. Rows before it are walked
(`walk`). Readers ask now and then, and again behind a search that used such a parameter.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Cursor, Database
from trucyte.database.jobs import add_job
from trucyte.fhir.search import Extractor
from trucyte.fhir.search.custom import CompiledParameter
from trucyte.journal.change import Change, Entry, Operation
from trucyte.records.hashing import Hasher
from trucyte.records.parameters.definition import TYPE, compiled, side_numbers
from trucyte.records.parameters.plan import (
    Kept,
    ParameterNotReady,
    ParameterStopped,
    Plan,
    State,
    Vocabulary,
)
from trucyte.records.parameters.statements import statements
from trucyte.records.rows import RowMaker
from trucyte.records.search.asked.leaf import UnknownParameter

JOB: Final = "reindex"
LEARN_SECONDS: Final = 0.5
_TRIES: Final = 4
_OWN: Final = 0  # other nodes' parameters are theirs


Answer = TypeVar("Answer")


class ParametersChanging(Problem):
    """The search parameters of this node are being changed; try again in a moment."""

    kind = Kind.UNAVAILABLE
    code = "search-parameters-changing"


class ParameterBook:
    """Keeps the newest plan this process knows. Safe between threads: plans never change."""

    def __init__(self, extractor: Extractor, hasher: Hasher) -> None:
        """Begin with R4's own, and what the extractor has; nothing is read yet."""
        self._fixed = tuple(extractor.custom)
        self._learned = 0.0
        self.plan = Plan(-1, 0, {}, {}, {}, extractor, RowMaker(extractor, hasher))

    def learn(self, database: Database, *, now: bool = False) -> bool:
        """Ask what is in force, at most every half second unless `now`; say if that is news."""
        moment = time.monotonic()
        if not now and moment - self._learned < LEARN_SECONDS:
            return False
        before = self.plan.stamp
        with database.reader() as connection:
            if _stamp(connection.cursor())[0] != before:
                with connection.transaction():
                    self.refresh(connection.cursor())
        self._learned = moment
        return self.plan.stamp != before

    def words(self, database: Database) -> Vocabulary:
        """Return the names a search may use now."""
        self.learn(database)
        return Vocabulary(self.plan)

    def answered(self, database: Database, answer: Callable[[Vocabulary], Answer]) -> Answer:
        """Answer by what is in force, and again where that changed meanwhile for what was asked.

        Raises ParametersChanging where it changes again and again, and what `answer` raises.
        """
        self.learn(database)
        for _ in range(_TRIES):
            words = Vocabulary(self.plan)
            try:
                given = answer(words)
            except (UnknownParameter, ParameterNotReady, ParameterStopped):
                # Another process may know more: progress, or a parameter of just now.
                if not self.learn(database, now=True):
                    raise
                continue
            if not words.is_custom_used:
                return given
            self.learn(database, now=True)
            if self.plan.stamp == words.plan.stamp:
                return given
        raise ParametersChanging()

    def refresh(self, cursor: Cursor) -> Plan:
        """Return the plan in force in the cursor's transaction; remember it.

        Remembering one that is then rolled back does no harm: its stamp never comes again.
        """
        stamp, seq = _stamp(cursor)
        if stamp != self.plan.stamp:
            self.plan = _planned(self.plan, self._fixed, stamp, seq, read_kept(cursor))
        return self.plan

    def accept(self, cursor: Cursor, entries: Sequence[Entry], changes: Sequence[Change]) -> Plan:
        """Take SearchParameters into force, under the journal's lock; return the plan then.

        Raises the Problems of compiling: the unit is refused.
        """
        plan = self.refresh(cursor)
        for entry, change in zip(entries, changes, strict=True):
            if entry.type == TYPE and entry.origin == _OWN and entry.seq > plan.seq:
                plan = self._accept_one(cursor, plan, entry, change)
        return plan

    def finish_all(self, cursor: Cursor) -> None:
        """Say that all rows are by what is in force, as a replay makes them."""
        row = cursor.execute(statements()["finish_all"]).fetchone()
        if row is not None and row[0]:
            turn(cursor)

    def check(self, change: Change) -> None:
        """Refuse what cannot be used, before the lock; raises the Problems of compiling."""
        if change.origin == _OWN and change.operation is not Operation.DELETE:
            self._compiled(self.plan, change.id, _resource(change))

    def _compiled(
        self, plan: Plan, id_: str, resource: Mapping[str, Any]
    ) -> CompiledParameter | None:
        others = [parameter for other, parameter in plan.compiled.items() if other != id_]
        extractor = plan.extractor
        return compiled(
            resource, extractor.definitions, [*self._fixed, *others], extractor.language
        )

    def _accept_one(self, cursor: Cursor, plan: Plan, entry: Entry, change: Change) -> Plan:
        was = plan.kept.get(entry.id)
        made = None
        body = was.body if was else ""
        if entry.operation is not Operation.DELETE:
            made = self._compiled(plan, entry.id, _resource(change))
            body = change.body.decode()
        if made is not None and made == plan.compiled.get(entry.id):
            cursor.execute(statements()["describe"], {"id": entry.id, "body": body})
        elif made is not None or was is not None:
            row = _row(entry, made, was, body)
            cursor.execute(statements()["put"], row)
            add_job(cursor, JOB, b"", now=entry.accepted_at, key=JOB)
        turn(cursor, entry.seq)
        return self.refresh(cursor)


def turn(cursor: Cursor, seq: int = 0) -> None:
    """Let every process know that something else is in force, now that `seq` was looked at."""
    cursor.execute(statements()["turn"], {"stamp": secrets.randbits(62), "seq": seq})


def _row(
    entry: Entry, made: CompiledParameter | None, was: Kept | None, body: str
) -> dict[str, Any]:
    """Return the row of a parameter that came, changed or goes: what it had is walked too."""
    types = set(was.types if was else ()) | set(made.expressions if made else ())
    sides = set(was.sides if was else ()) | set(side_numbers(made) if made else ())
    return {
        "id": entry.id,
        "seq": entry.seq,
        "walked": 0,
        "state": State.BUILDING if made is not None else State.LEAVING,
        "sides": sorted(sides),
        "types": sorted(types),
        "body": body,
    }


def _stamp(cursor: Cursor) -> tuple[int, int]:
    row = cursor.execute(statements()["stamp"], prepare=True).fetchone()
    assert row is not None
    return row[0], row[1]


def read_kept(cursor: Cursor) -> list[Kept]:
    """Return the parameters that are in force or leaving, by id."""
    return [
        Kept(id_, seq, walked, done, total, rate, State(state), tuple(sides), tuple(types), body)
        for id_, seq, walked, done, total, rate, state, sides, types, body in cursor.execute(
            statements()["in_force"]
        )
    ]


def _planned(
    before: Plan, fixed: Sequence[CompiledParameter], stamp: int, seq: int, rows: list[Kept]
) -> Plan:
    """Compile what is in force; what did not change is taken over from the plan before."""
    made: dict[str, CompiledParameter] = {}
    broken: dict[str, str] = {}
    for kept in _in_order_of_coming(rows):
        known = before.kept.get(kept.id)
        if known is not None and known.body == kept.body and kept.id in before.compiled:
            made[kept.id] = before.compiled[kept.id]
            continue
        try:
            parameter = compiled(
                msgspec.json.decode(kept.body),
                before.extractor.definitions,
                [*fixed, *made.values()],
                before.extractor.language,
            )
        except Problem as problem:
            # Another version of this program took it: here it has no values.
            broken[kept.id] = problem.code
            continue
        if parameter is not None:
            made[kept.id] = parameter
    ordered = {kept.id: made[kept.id] for kept in rows if kept.id in made}
    extractor = before.extractor.with_custom([*fixed, *ordered.values()])
    maker = before.maker.carried_to(extractor)
    by_id = {kept.id: kept for kept in rows}
    return Plan(stamp, seq, by_id, ordered, broken, extractor, maker)


def _in_order_of_coming(rows: Sequence[Kept]) -> Iterator[Kept]:
    """Yield those in force, each behind what its components may name."""
    in_force = (kept for kept in rows if kept.state is not State.LEAVING)
    yield from sorted(in_force, key=lambda kept: kept.seq)


def _resource(change: Change) -> Mapping[str, Any]:
    if change.resource is not None:
        return change.resource
    decoded: Mapping[str, Any] = msgspec.json.decode(change.body)
    return decoded
