"""The run of new Patients: each that is accepted or changed is matched against everybody.

Sure, and the policy lets a machine decide: linked, with the model's version and the levels
kept in the link. Otherwise likely: a row of the worklist. Different: nothing. A pair that was
decided different, or whose link was broken, is never proposed again.

Each step is one transaction with the cursor; links are entries of the journal, written before
it and without effect when written twice, so a process that dies anywhere loses and doubles
nothing. Links that are made or broken through another door are followed too. The run never
goes beyond what the index has laid out: two newcomers find each other.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Final, Protocol

from psycopg.types.json import Jsonb

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.base.tracing import Event as LogEvent
from trucyte.database.connect import Cursor, Database
from trucyte.fhir.parse import parse
from trucyte.journal.change import Operation, Position, Stored
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.owners import EVERYBODY, owners_of_keys
from trucyte.records.persons.linkage import TYPE as LINKAGE
from trucyte.records.persons.linkage import LinkageRefused, read_statement
from trucyte.shared.identity.index.follower import NAME as INDEX
from trucyte.shared.identity.index.follower import TYPE
from trucyte.shared.identity.index.form import unpack
from trucyte.shared.identity.index.matcher import Candidate, Matcher
from trucyte.shared.identity.links import Decided, LinkState
from trucyte.shared.identity.matching.deciding import Decision
from trucyte.shared.identity.matching.person import Person
from trucyte.shared.identity.newcomers.pair import (
    Key,
    PairState,
    decided_of,
    evidence_row,
    key_of,
)
from trucyte.shared.identity.newcomers.policy import Policy
from trucyte.shared.identity.newcomers.statements import statements

NAME: Final = "newcomers"
BY: Final = "identity"  # who decides where no person does
LINK_REFUSED: Final = LogEvent("identity.link-refused", problem=str)
_OWN: Final = 0
_PERSONS_AT_ONCE: Final = 200
_CANDIDATES_MAX: Final = 50
_SETTLED: Final = frozenset({PairState.LINKED, PairState.DIFFERENT, PairState.BROKEN})


class Linking(Protocol):
    """`Links`, as far as it is needed here."""

    def link(self, access: Access, one: str, other: str, decided: Decided) -> object:
        """Say that two Patients are one person."""
        ...

    def link_all(
        self, access: Access, asked: Sequence[tuple[str, str, Decided]]
    ) -> Sequence[object]:
        """Say it of many pairs; a Problem stands in the place of what is refused."""
        ...

    def differ(self, access: Access, one: str, other: str, decided: Decided) -> object:
        """Remember that two Patients are two persons."""
        ...

    def states(
        self, pairs: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], LinkState | None]:
        """Return what is known of pairs; None: nothing was ever decided."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the run needs of a node."""

    database: Database
    journal: Journal
    matcher: Matcher
    links: Linking
    clock: Clock
    access: Access  # of the program itself: what it reads is shown to nobody
    policy: Policy


@dataclass(slots=True)
class Tally:
    """What a run did."""

    persons: int = 0
    compared: int = 0
    linked: int = 0
    proposed: int = 0
    crowded: int = 0  # persons with a key that too many share

    def add(self, other: "Tally") -> None:
        """Add what another step did."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class _Step:
    """What one step found."""

    tally: Tally = field(default_factory=Tally)
    decided: dict[Key, Decision] = field(default_factory=dict)  # sure or unsure
    looked_at: list[tuple[int, str]] = field(default_factory=list)


class Newcomers:
    """Matches whoever is new. Several processes take turns."""

    def __init__(self, parts: Parts) -> None:
        """Match with the parts of a node."""
        self._parts = parts

    def catch_up(self, stop: Event | None = None) -> Tally:
        """Match everybody up to where the index stands now."""
        total = Tally()
        while stop is None or not stop.is_set():
            tally, is_end = self._step()
            total.add(tally)
            if is_end:
                break
        return total

    def _step(self) -> tuple[Tally, bool]:
        parts, journal = self._parts, self._parts.journal
        with parts.database.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statements()["lock"])
            here, end = journal.cursor(NAME), journal.cursor(INDEX)
            if end is None:
                return Tally(), True
            # A restore matches again from the start: what is known is not proposed twice.
            after = here.seq if here is not None and here.epoch == end.epoch else 0
            if after >= end.seq:
                return Tally(), True
            lines = journal.follow(after, _PERSONS_AT_ONCE, [TYPE, LINKAGE])
            mine = [line for line in lines if line.entry.seq <= end.seq]
            step = self._matched(cursor, [one for one in mine if one.entry.type == TYPE])
            self._keep(cursor, step)
            self._follow_links(cursor, [one for one in mine if one.entry.type == LINKAGE])
            is_full = len(mine) == _PERSONS_AT_ONCE
            reached = mine[-1].entry.seq if is_full else end.seq
            journal.move_cursor(NAME, Position(reached, end.epoch), cursor)
        return step.tally, reached >= end.seq

    # Matching

    def _matched(self, cursor: Cursor, lines: Sequence[Stored]) -> _Step:
        """Decide about the Patients of some lines; those that are replaced come later."""
        step = _Step()
        mine = [line.entry for line in lines if line.entry.origin == _OWN]
        step.looked_at = [
            (entry.origin, entry.id) for entry in mine if entry.operation is Operation.DELETE
        ]
        seqs = {"seqs": [entry.seq for entry in mine]}
        rows = cursor.execute(statements()["persons_at"], seqs).fetchall()
        whose = [(origin, id) for _, origin, id, _ in rows]
        persons = [unpack(fields) for _, _, _, fields in rows]
        step.looked_at += whose
        self._decide(step, whose, persons)
        return step

    def _decide(
        self, step: _Step, whose: Sequence[tuple[int, str]], persons: Sequence[Person]
    ) -> None:
        if not persons:
            return
        matches = self._parts.matcher.match_many(self._parts.access, persons, most=_CANDIDATES_MAX)
        step.tally.persons += len(persons)
        for own, found in zip(whose, matches, strict=True):
            step.tally.crowded += bool(found.crowded)
            step.tally.compared += found.compared
            others = [one for one in found.candidates if (one.origin, one.id) != own]
            for other in filter(_is_likely, others):
                step.decided.setdefault(key_of(own, (other.origin, other.id)), other.decision)

    # Keeping

    def _keep(self, cursor: Cursor, step: _Step) -> None:
        known = self._known(cursor, list(step.decided))
        states = self._parts.links.states([_references(key) for key in step.decided])
        asked = {
            key: decision
            for key, decision in step.decided.items()
            if known.get(key) not in _SETTLED
        }
        for key in asked:
            state = states.get(_references(key))
            if state is not None:  # linked, parted or broken through another door
                self._settle(cursor, key, PairState(state.value))
                known[key] = PairState(state.value)
        left = {key: one for key, one in asked.items() if known.get(key) not in _SETTLED}
        linked = self._linked(left)
        owners = self._owners(cursor, left)
        step.tally.linked += len(linked)
        step.tally.proposed += self._put(cursor, left, owners, linked)
        self._withdraw(cursor, step)

    def _linked(self, asked: Mapping[Key, Decision]) -> set[Key]:
        """Link what the policy lets a machine link; return what was."""
        parts = self._parts
        sure = [key for key, one in asked.items() if parts.policy.links(one, parts.matcher.model)]
        version = parts.matcher.model.version
        links = [
            (*_references(key), decided_of(asked[key], version, "model-agrees")) for key in sure
        ]
        made = parts.links.link_all(parts.access, links) if links else ()
        return {key for key, link in zip(sure, made, strict=True) if _is_made(link)}

    def _known(self, cursor: Cursor, keys: Sequence[Key]) -> dict[Key, PairState]:
        rows = cursor.execute(statements()["known"], _columns(keys)).fetchall()
        return {(a, b, c, d): PairState(state) for a, b, c, d, state in rows}

    def _put(
        self,
        cursor: Cursor,
        left: Mapping[Key, Decision],
        owners: Mapping[tuple[str, str], frozenset[int]],
        linked: Collection[Key],
    ) -> int:
        """Keep pairs with their evidence; return how many wait for a person by that."""
        now, model = self._parts.clock.now(), self._parts.matcher.model.version
        made: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for key, decision in left.items():
            low, high = (frozenset(owners.get((TYPE, id), ())) for id in (key[1], key[3]))
            is_linked = key in linked
            row = {
                **_row(key),
                **evidence_row(decision),
                "state": PairState.LINKED if is_linked else PairState.OPEN,
                "model": model,
                "organisations": sorted((low | high) - {EVERYBODY}),
                "now": now,
                "decided_at": now if is_linked else None,
                "decided_by": BY if is_linked else "",
            }
            row["parts"] = Jsonb(row["parts"])
            made[is_linked].append(row)
        for rows in filter(None, (made[True], made[False])):
            cursor.executemany(statements()["put"], rows)
        return cursor.rowcount if made[False] else 0

    def _follow_links(self, cursor: Cursor, lines: Sequence[Stored]) -> None:
        """Let pairs say what links say now, through whatever door they were made or broken."""
        pairs = {pair for line in lines if (pair := _pair_of(line)) is not None}
        for (one, other), state in self._parts.links.states(pairs).items() if pairs else ():
            if state is not None:
                key = key_of((_OWN, _id(one)), (_OWN, _id(other)))
                self._settle(cursor, key, PairState(state.value))

    def _settle(self, cursor: Cursor, key: Key, state: PairState) -> None:
        told = {**_row(key), "state": state, "now": self._parts.clock.now(), "by": "link"}
        cursor.execute(statements()["settle"], told)

    def _withdraw(self, cursor: Cursor, step: _Step) -> None:
        """Let go what waited about these Patients and is likely no more."""
        if not step.looked_at:
            return
        numbers = cursor.execute(statements()["numbers"], _columns(list(step.decided))).fetchall()
        told = {
            "origins": [origin for origin, _ in step.looked_at],
            "ids": [id for _, id in step.looked_at],
            "kept": [number for (number,) in numbers],
            "now": self._parts.clock.now(),
            "by": BY,
        }
        cursor.execute(statements()["withdraw"], told)

    def _owners(
        self, cursor: Cursor, keys: Iterable[Key]
    ) -> Mapping[tuple[str, str], frozenset[int]]:
        patients = {(TYPE, id) for key in keys for id in (key[1], key[3])}
        return owners_of_keys(patients, cursor.connection) if patients else {}


def _is_made(link: object) -> bool:
    """Say whether a link was made; what the links refuse is for a person to look at."""
    if not isinstance(link, Problem):
        return True
    if link.kind in (Kind.UNAVAILABLE, Kind.NO_SPACE):
        raise link
    LINK_REFUSED.log(problem=link.code)
    return False


def _pair_of(line: Stored) -> tuple[str, str] | None:
    """Return the two Patients of this node that a Linkage is about; None: another statement."""
    try:
        statement = read_statement(parse(line.body)) if line.body else None
    except LinkageRefused:
        return None
    if statement is None or statement.source.node or statement.alternate.node:
        return None
    return statement.source.reference, statement.alternate.reference


def _id(reference: str) -> str:
    return reference.partition("/")[2]


def _is_likely(candidate: Candidate) -> bool:
    return candidate.origin == _OWN and candidate.decision.verdict != "different"


def _references(key: Key) -> tuple[str, str]:
    return f"{TYPE}/{key[1]}", f"{TYPE}/{key[3]}"


def _row(key: Key) -> dict[str, Any]:
    return dict(zip(("low_origin", "low_id", "high_origin", "high_id"), key, strict=True))


def _columns(keys: Sequence[Key]) -> dict[str, list[Any]]:
    names = ("low_origins", "low_ids", "high_origins", "high_ids")
    return {name: [key[place] for key in keys] for place, name in enumerate(names)}
