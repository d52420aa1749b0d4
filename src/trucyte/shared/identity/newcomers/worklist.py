"""Pairs that wait for a person: listed, put side by side, decided.

A caller sees a pair where it may see both Patients; a facility's clerk sees those of its own.
Every decision is an entry of the journal with who made it, why, and on what evidence.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.behalf import organisation_number
from trucyte.records import Access, Records, Resource
from trucyte.records.owners import numbers_seen
from trucyte.records.search.bound import Parameters
from trucyte.records.search.permission import Basis, permitted
from trucyte.shared.identity.links import Decided
from trucyte.shared.identity.matching.explaining import explain
from trucyte.shared.identity.newcomers.pair import (
    Pair,
    PairState,
    PairUnknown,
    decided_of,
    pair_of,
)
from trucyte.shared.identity.newcomers.run import Linking
from trucyte.shared.identity.newcomers.statements import statements

COUNT_MAX: Final = 200
WAITING_MAX: Final = 10_000  # pairs counted; beyond it is "more than"
CLERK: Final = "clerk"  # the rule that a person's decision rests on
_OWN: Final = 0
_NUMBERS_END: Final = 1 << 63
_SEEN: Final = (
    "exists (select from journal.head h join records.entry e on e.seq = h.seq"
    " where h.key = journal.head_key(p.{side}_origin, {type}, p.{side}_id) and {conditions})"
)


class Verdict(StrEnum):
    """What a person can decide."""

    LINK = "link"
    DIFFER = "differ"
    LATER = "later"
    UNLINK = "unlink"  # only of what was linked


# What a person may decide where a pair waits, and what takes a decision back. Nothing is
# erased: taking back is a decision of its own, with its reason.
WAITING: Final = frozenset({PairState.OPEN, PairState.LATER})
REVISIONS: Final[Mapping[PairState, Verdict]] = {
    PairState.LINKED: Verdict.UNLINK,
    PairState.DIFFERENT: Verdict.LINK,
    PairState.BROKEN: Verdict.LINK,
}
_BECOMES: Final = {
    Verdict.LINK: PairState.LINKED,
    Verdict.DIFFER: PairState.DIFFERENT,
    Verdict.LATER: PairState.LATER,
    Verdict.UNLINK: PairState.BROKEN,
}


class Deciding(Linking, Protocol):
    """`Links`, as far as people decide."""

    def unlink(self, access: Access, one: str, other: str, decided: Decided) -> object:
        """Break the link of two Patients."""
        ...


class NoteNotKept(Problem):
    """A note belongs to a decision; what is put off keeps none."""

    kind = Kind.INVALID
    code = "pair-note"


class PairEnded(Problem):
    """This pair waits for nobody any more: it is {state}."""

    kind = Kind.CONFLICT
    code = "pair-ended"


class ReasonMissing(Problem):
    """A decision is taken back with a reason."""

    kind = Kind.INVALID
    code = "pair-reason"


@dataclass(frozen=True, slots=True)
class PairPage:
    """Some pairs, the oldest first; `next` is for `after`, None at the end."""

    pairs: tuple[Pair, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits; `WAITING_MAX` + 1 stands for more."""

    pairs: int
    by_organisation: Sequence[tuple[str, int]]  # `Organization/x`, the most first


@dataclass(frozen=True, slots=True)
class DayDone:
    """What people decided since a moment."""

    all: int
    own: int  # by the caller


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A pair with both Patients as they are now, and the reasons in words."""

    pair: Pair
    low: Resource
    high: Resource
    sentences: tuple[str, ...]


class Worklist:
    """The worklist of a node. Safe to share between threads."""

    def __init__(self, database: Database, records: Records, links: Deciding, clock: Clock) -> None:
        """Read Patients through `records`; what is decided goes to `links`."""
        self._database = database
        self._records = records
        self._links = links
        self._clock = clock

    def page(
        self,
        access: Access,
        *,
        states: Sequence[PairState] = (PairState.OPEN,),
        facility: str = "",
        after: int = 0,
        count: int = 50,
    ) -> PairPage:
        """Return pairs that the caller may see, the oldest first, behind number `after`.

        `facility` (`Organization/x`) keeps to pairs with a Patient of that one. At most
        `COUNT_MAX` at once. Shows references and levels, nothing of the Patients themselves.
        """
        pairs = self._pairs(access, states, facility, after, min(count, COUNT_MAX) + 1)
        is_full = len(pairs) > min(count, COUNT_MAX)
        kept = pairs[: min(count, COUNT_MAX)]
        return PairPage(tuple(kept), kept[-1].number if is_full else None)

    def pair(self, access: Access, number: int, language: str = "vi") -> SideBySide:
        """Return one pair with both Patients; the trail says that they were shown.

        Raises PairUnknown, also for who may not see either Patient.
        """
        pair = self._one(access, number)
        ids = [reference.partition("/")[2] for reference in (pair.low, pair.high)]
        found = self._records.read_all(access, "Patient", ids, "match Patient")
        if len(found) < len(ids):
            raise PairUnknown
        low, high = found
        return SideBySide(pair, low, high, explain(pair.decision, language))

    def decide(self, access: Access, number: int, verdict: Verdict, note: str = "") -> Pair:
        """Decide about a pair as the caller; `note` says why, and lies with the link.

        Raises PairUnknown, PairEnded where nothing waits, NoteNotKept, and what linking
        raises; a decision that cannot be kept changes nothing.
        """
        if verdict is Verdict.LATER and note:
            raise NoteNotKept
        return self._moved(access, number, verdict, note, WAITING)

    def revise(
        self, access: Access, number: int, verdict: Verdict, *, was: PairState, reason: str
    ) -> Pair:
        """Take a decision back as the caller, who saw the pair as it `was`; `reason` says why.

        A link is broken, of two that were held for different or apart a link is made. Raises
        PairUnknown, PairEnded where it is not as it was, ReasonMissing, and what linking raises.
        """
        if not reason:
            raise ReasonMissing
        is_move = REVISIONS.get(was) is verdict
        return self._moved(access, number, verdict, reason, {was} if is_move else set())

    def unlink(self, access: Access, one: str, other: str, reason: str) -> None:
        """Break a link between two Patients, from the worklist or not; `reason` says why.

        Raises ReasonMissing, and what breaking raises.
        """
        if not reason:
            raise ReasonMissing
        self._links.unlink(access, one, other, Decided((CLERK,), note=reason))
        low, high = sorted(reference.partition("/")[2] for reference in (one, other))
        told = {
            "low_origin": _OWN,
            "low_id": low,
            "high_origin": _OWN,
            "high_id": high,
            "state": PairState.BROKEN,
            "now": self._clock.now(),
            "by": access.caller,
        }
        with self._database.connection() as connection:
            connection.execute(statements()["settle"], told)

    def one(self, access: Access, number: int) -> Pair:
        """Return a pair without its Patients; raises PairUnknown."""
        return self._one(access, number)

    def beside(
        self, access: Access, number: int, facility: str = ""
    ) -> tuple[int | None, int | None]:
        """Return the numbers of the pairs that wait before and behind one; at the end the first.

        None where no other waits.
        """
        bound, conditions = self._conditions(access, facility)
        text = statements()["previous"].replace("{conditions}", conditions)
        with self._database.reader() as connection:
            values = bound.values | {"number": number}
            before = connection.execute(text.encode(), values).fetchone()
        states = (PairState.OPEN,)
        after = self._pairs(access, states, facility, number, 1)
        after = after or self._pairs(access, states, facility, 0, 1)
        behind = [pair.number for pair in after if pair.number != number]
        return before[0] if before else None, behind[0] if behind else None

    def waiting(self, access: Access) -> Waiting:
        """Count the pairs that wait and that the caller may see, in all and by organisation."""
        bound, conditions = self._conditions(access, "")
        text = statements()["waiting"].replace("{conditions}", conditions)
        with self._database.reader() as connection:
            values = bound.values | {"most": WAITING_MAX + 1}
            rows = connection.execute(text.encode(), values).fetchall()
        by_name: dict[str | None, int] = dict(rows)
        named = [(reference, count) for reference, count in by_name.items() if reference]
        return Waiting(by_name[None], sorted(named, key=lambda row: (-row[1], row[0])))

    def done(self, access: Access, since: datetime) -> DayDone:
        """Count the pairs that people decided since a moment, of the caller's organisations."""
        bound = Parameters()
        conditions = " and ".join(_of_organisations(access, bound)) or "true"
        text = statements()["done"].replace("{conditions}", conditions)
        with self._database.reader() as connection:
            values = bound.values | {"since": since, "caller": access.caller}
            row = connection.execute(text.encode(), values).fetchone()
        assert row is not None
        return DayDone(row[0], row[1])

    def decided(self, access: Access, count: int = 50) -> tuple[Pair, ...]:
        """Return the pairs that people decided, the last first."""
        bound, conditions = self._conditions(access, "")
        text = statements()["decided"].replace("{conditions}", conditions)
        with self._database.reader() as connection:
            values = bound.values | {"count": min(count, COUNT_MAX)}
            return tuple(pair_of(row) for row in connection.execute(text.encode(), values))

    def count(self) -> Mapping[PairState, int]:
        """Return how many pairs there are in each state; for operators."""
        with self._database.reader() as connection:
            rows = connection.execute(statements()["count"]).fetchall()
        return {PairState(state): count for state, count in rows}

    def _moved(
        self,
        access: Access,
        number: int,
        verdict: Verdict,
        note: str,
        allowed: Collection[PairState],
    ) -> Pair:
        """Decide while nobody else can: of two at once the second finds the pair decided."""
        pair = self._one(access, number)
        with self._database.connection() as connection:
            state = _locked(connection, number)
            if state not in allowed:
                raise PairEnded(state=state.value)
            self._say(
                access, pair, verdict, decided_of(pair.decision, pair.model, CLERK, note=note)
            )
            told = {
                "number": number,
                "state": _BECOMES[verdict],
                "now": self._clock.now(),
                "by": access.caller,
            }
            connection.execute(statements()["decide"], told)
        return self._one(access, number)

    def _say(self, access: Access, pair: Pair, verdict: Verdict, decided: Decided) -> None:
        if verdict is Verdict.LINK:
            self._links.link(access, pair.low, pair.high, decided)
        elif verdict is Verdict.DIFFER:
            self._links.differ(access, pair.low, pair.high, decided)
        elif verdict is Verdict.UNLINK:
            self._links.unlink(access, pair.low, pair.high, decided)

    def _one(self, access: Access, number: int) -> Pair:
        if not 0 < number < _NUMBERS_END:
            raise PairUnknown
        pairs = self._pairs(access, list(PairState), "", number - 1, 1)
        if not pairs or pairs[0].number != number:
            raise PairUnknown
        return pairs[0]

    def _pairs(
        self, access: Access, states: Sequence[PairState], facility: str, after: int, count: int
    ) -> list[Pair]:
        bound, conditions = self._conditions(access, facility)
        text = statements()["page"].replace("{conditions}", conditions)
        values = bound.values | {"states": list(states), "after": after, "count": count}
        with self._database.reader() as connection:
            return [pair_of(row) for row in connection.execute(text.encode(), values)]

    def _conditions(self, access: Access, facility: str) -> tuple[Parameters, str]:
        """Return what makes a pair the caller's to see, and one of `facility` where given."""
        bound = Parameters()
        conditions = _seen(access, bound, self._clock.now())
        if facility:
            numbers = bound.add([organisation_number(facility)], "bigint[]")
            conditions.append(f"p.organisations && {numbers}")
        return bound, " and ".join(conditions)


def _locked(connection: Connection, number: int) -> PairState:
    """Keep a pair for this transaction; return its state."""
    row = connection.execute(statements()["keep"], {"number": number}).fetchone()
    if row is None:
        raise PairUnknown
    return PairState(row[0])


def _of_organisations(access: Access, bound: Parameters) -> list[str]:
    numbers = numbers_seen(access)
    return [] if numbers is None else [f"p.organisations && {bound.add(numbers, 'bigint[]')}"]


def _seen(access: Access, bound: Parameters, now: datetime) -> list[str]:
    """Return the conditions of pairs of whom the caller may see both Patients."""
    found = _of_organisations(access, bound)  # one look-up before the exact question
    basis = Basis(int(now.timestamp() * 1_000_000))
    conditions = " and ".join(permitted(access, bound, _OWN, basis, type="Patient"))
    type_number = bound.add(TYPE_NUMBERS["Patient"], "smallint")
    return found + [
        _SEEN.format(side=side, type=type_number, conditions=conditions) for side in ("low", "high")
    ]


def fields_of(resource: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what a Patient says, as written, by the name of the comparison it stands in."""
    names = [one for one in _objects(resource, "name") if one.get("use") != "old"]
    name = names[0] if names else {}
    given = _texts(name.get("given"))
    numbers = [f"{one.get('value', '')}" for one in _objects(resource, "identifier")]
    phones = [str(one.get("value", "")) for one in _objects(resource, "telecom")]
    addresses = _objects(resource, "address")[:1]
    mothers = [
        str(one["name"].get("text", ""))
        for one in _objects(resource, "contact")
        if isinstance(one.get("name"), dict) and "MTH" in str(one.get("relationship"))
    ]
    return {
        "name": str(name.get("text") or " ".join([str(name.get("family", "")), *given]).strip()),
        "birth": str(resource.get("birthDate", "")),
        "sex": str(resource.get("gender", "")),
        "numbers": ", ".join(filter(None, numbers)),
        "phone": ", ".join(filter(None, phones)),
        "address": ", ".join(filter(None, map(_address_text, addresses))),
        "mother": ", ".join(filter(None, mothers)),
    }


def _address_text(address: Mapping[str, Any]) -> str:
    parts = [*_texts(address.get("line")), address.get("city"), address.get("state")]
    return str(address.get("text") or ", ".join(str(part) for part in parts if part))


def _objects(resource: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = resource.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
