"""Who may this be: candidates by the keys they share, weighed, decided, best first.

What a caller may not see is left out in the query, before any limit, so that neither it nor
how many of it there are can be told from an answer. Nothing is shown here: who shows a
candidate reads it through the gate, which leaves the trail.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any, Final

from trucyte.base.clock import Clock, SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.rows import binary_cursor
from trucyte.records.access import Access
from trucyte.records.search.bound import Parameters
from trucyte.records.search.permission import Basis, permitted
from trucyte.shared.identity.index.form import CROWD, FORM, Keys, unpack
from trucyte.shared.identity.index.statements import statements
from trucyte.shared.identity.matching.deciding import Decision, decide, resembles
from trucyte.shared.identity.matching.model import Model
from trucyte.shared.identity.matching.person import Person
from trucyte.shared.identity.matching.weighing import Scale

CANDIDATES_MAX: Final = 100  # of one person: weighed at most
SHARED_NUMBER: Final = "shared-personal-number"
# A personal number is one person's. Whom more than so many share it with, it says nothing of.
_BEARERS_MAX: Final = 5
_MANY: Final = 4
_OWN: Final = 0
_WHOLE_SECONDS: Final = 1.0
_PROBABLE: Final = 0.5
# A row of the index at the same line is the current one: most need no look at the heads.
_SEEN: Final = (
    "cross join lateral ("
    "select from records.entry e where e.seq = p.seq and {conditions}"
    " union all select from journal.head h join records.entry e on e.seq = h.seq"
    " where h.key = journal.head_key(p.origin, {type}, p.id) and h.seq <> p.seq"
    " and {conditions} limit 1) e"
)
_RANKS: Final = {"sure": 0, "unsure": 1, "different": 2}


class Grade(Enum):
    """How good a match is (R4 match-grade)."""

    CERTAIN = "certain"
    PROBABLE = "probable"
    POSSIBLE = "possible"
    CERTAINLY_NOT = "certainly-not"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One Patient that shares a key with who was asked for."""

    origin: int
    id: str
    person: int  # person key
    seq: int  # journal line of the version that was compared
    decision: Decision

    @property
    def reference(self) -> str:
        """The reference within its origin."""
        return f"Patient/{self.id}"

    @property
    def grade(self) -> Grade:
        """How good it is: certain where it would be linked without asking anybody."""
        if self.decision.verdict == "different":
            return Grade.CERTAINLY_NOT
        if self.decision.verdict == "sure":
            return Grade.CERTAIN
        is_probable = self.decision.evidence.probability >= _PROBABLE
        return Grade.PROBABLE if is_probable else Grade.POSSIBLE


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found for one person."""

    candidates: tuple[Candidate, ...]  # who resembles, the best first
    compared: int  # how many share a key that is not crowded, and were compared
    crowded: tuple[str, ...]  # blocks whose key too many share: not looked at
    asked: int  # how many keys the person has
    is_cut: bool  # there were more than were weighed
    is_whole: bool  # False while the index is being made


@dataclass(slots=True)
class _Found:
    """What the database said of one asker."""

    rows: list[tuple[Any, ...]]
    crowded: Sequence[int] = ()


class Matcher:
    """Answers who someone may be. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        model: Model,
        *,
        crowd: int = CROWD,
        clock: Clock | None = None,
    ) -> None:
        """Ask the index of `database`; a key that more than `crowd` share is left out.

        `clock` tells when relations and consents are asked; without it, the system's.
        """
        self._clock = clock or SystemClock()
        self._database = database
        self._keys = keys
        self._crowd = crowd
        self.model = model
        self._scale = Scale(model)
        self._whole_until = 0.0

    def match(self, access: Access, person: Person, *, most: int = CANDIDATES_MAX) -> Matches:
        """Return who of those that the caller may see `person` may be."""
        return self.match_many(access, [person], most=most)[0]

    def match_many(
        self, access: Access, persons: Sequence[Person], *, most: int = CANDIDATES_MAX
    ) -> list[Matches]:
        """Return the same for several, in one question to the database."""
        named = [self._keys.named(person) for person in persons]
        found, is_whole = self._found(access, named, most)
        return [
            self._matches(person, keys, found.get(place, _Found([])), most, is_whole=is_whole)
            for place, (person, keys) in enumerate(zip(persons, named, strict=True))
        ]

    def decided(self, one: Person, other: Person) -> Decision:
        """Weigh two persons and decide."""
        return decide(one, other, self.model.weigh(one, other), self.model)

    def _matches(
        self,
        person: Person,
        keys: Sequence[tuple[str, int]],
        found: _Found,
        most: int,
        *,
        is_whole: bool,
    ) -> Matches:
        rows = found.rows[:most]
        weighed = list(self._candidates(person, rows)) if rows else ()
        candidates = _asked_about(weighed, self.model)
        return Matches(
            candidates=tuple(sorted(candidates, key=_best_first)),
            compared=len(rows),
            crowded=tuple(dict.fromkeys(keys[place][0] for place in found.crowded)),
            asked=len(keys),
            is_cut=len(found.rows) > most,
            is_whole=is_whole,
        )

    def _candidates(self, person: Person, rows: Sequence[tuple[Any, ...]]) -> Iterator[Candidate]:
        """Weigh; whom the weight alone tells apart is no candidate."""
        # What a person can weigh at most is worth finding out for several alone.
        weigh = (
            self._scale.of(person).weigh
            if len(rows) >= _MANY
            else partial(self.model.weigh, person)
        )
        for seq, key, origin, id, fields in rows:
            other = unpack(fields)
            evidence = weigh(other)
            if evidence is None:
                continue
            decision = decide(person, other, evidence, self.model)
            if resembles(decision, self.model) or _bear_one_number(decision):
                yield Candidate(origin, id, key, seq, decision)

    def _found(
        self, access: Access, named: Sequence[Sequence[tuple[str, int]]], most: int
    ) -> tuple[Mapping[int, _Found], bool]:
        asked = [
            (asker, place, key)
            for asker, keys in enumerate(named)
            for place, (_, key) in enumerate(keys)
        ]
        text, values = self._statement(access)
        values |= {
            "askers": [asker for asker, _, _ in asked],
            "places": [place for _, place, _ in asked],
            "keys": [key for _, _, key in asked],
            "crowd": self._crowd,
            "most": most + 1,
        }
        found: dict[int, _Found] = {}
        with self._database.reader() as connection:
            is_whole = self._is_whole(connection)
            cursor = binary_cursor(connection)
            for asker, *row, crowded in cursor.execute(text, values, prepare=True):
                of_asker = found.setdefault(asker, _Found([]))
                if crowded is None:
                    of_asker.rows.append(tuple(row))
                else:
                    of_asker.crowded = crowded
        return found, is_whole

    def _statement(self, access: Access) -> tuple[bytes, dict[str, Any]]:
        bound = Parameters()
        seen = ""
        if not access.sees_whole:  # one who sees all sees other nodes' Patients too
            now = int(self._clock.now().timestamp() * 1_000_000)
            conditions = " and ".join(permitted(access, bound, _OWN, Basis(now), type="Patient"))
            type_number = bound.add(TYPE_NUMBERS["Patient"], "smallint")
            seen = _SEEN.format(type=type_number, conditions=conditions)
        text = statements()["candidates"].replace("{permitted}", seen)
        return text.encode(), bound.values

    def _is_whole(self, connection: Any) -> bool:
        if time.monotonic() < self._whole_until:
            return True
        row = connection.execute(statements()["read_form"]).fetchone()
        is_whole = row is not None and row[0] == FORM and row[1]
        if is_whole:
            self._whole_until = time.monotonic() + _WHOLE_SECONDS
        return bool(is_whole)


def _bear_one_number(decision: Decision) -> bool:
    return decision.evidence.level("personal") == "exact"


def _asked_about(found: Sequence[Candidate], model: Model) -> Iterator[Candidate]:
    """Make a question of whoever bears the same personal number, even where all else differs.

    One of the two bears it by mistake; but one that several bear is a dummy.
    """
    bearers = [one for one in found if _bear_one_number(one.decision)]
    is_dummy = len(bearers) > _BEARERS_MAX
    for one in found:
        if one.decision.verdict != "different" or not _bear_one_number(one.decision):
            yield one
        elif not is_dummy:
            decision = Decision("unsure", (SHARED_NUMBER,), one.decision.evidence)
            yield replace(one, decision=decision)
        elif resembles(one.decision, model):
            yield one


def _best_first(candidate: Candidate) -> tuple[int, float, int, str]:
    decision = candidate.decision
    return (
        _RANKS[decision.verdict],
        -decision.evidence.weight_bits,
        candidate.origin,
        candidate.id,
    )
