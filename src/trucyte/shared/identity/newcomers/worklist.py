"""Pairs that wait for a person: listed, put side by side, decided.

A caller sees a pair where it may see both Patients; a facility's clerk sees those of its own.
Every decision is an entry of the journal with who made it, why, and on what evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.behalf import organisation_number
from trucyte.records import Access, Records, Resource
from trucyte.records.owners import numbers_seen
from trucyte.records.search.bound import Parameters
from trucyte.records.search.permission import permitted
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
CLERK: Final = "clerk"  # the rule that a person's decision rests on
_OWN: Final = 0
_SEEN: Final = (
    "exists (select from journal.head h join records.entry e on e.seq = h.seq"
    " where h.key = journal.head_key(p.{side}_origin, {type}, p.{side}_id) and {conditions})"
)


class Verdict(StrEnum):
    """What a person can decide."""

    LINK = "link"
    DIFFER = "differ"
    LATER = "later"


class NoteNotKept(Problem):
    """A note belongs to a decision; what is put off keeps none."""

    kind = Kind.INVALID
    code = "pair-note"


class PairEnded(Problem):
    """This pair waits for nobody any more: it is {state}."""

    kind = Kind.CONFLICT
    code = "pair-ended"


@dataclass(frozen=True, slots=True)
class PairPage:
    """Some pairs, the oldest first; `next` is for `after`, None at the end."""

    pairs: tuple[Pair, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A pair with both Patients as they are now, and the reasons in words."""

    pair: Pair
    low: Resource
    high: Resource
    sentences: tuple[str, ...]


class Worklist:
    """The worklist of a node. Safe to share between threads."""

    def __init__(self, database: Database, records: Records, links: Linking, clock: Clock) -> None:
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
        pair = self._one(access, number)
        if pair.state not in (PairState.OPEN, PairState.LATER):
            raise PairEnded(state=pair.state.value)
        if verdict is Verdict.LATER:
            if note:
                raise NoteNotKept
            return self._settled(access, pair, PairState.LATER)
        decided = decided_of(pair.decision, pair.model, CLERK, note=note)
        if verdict is Verdict.LINK:
            self._links.link(access, pair.low, pair.high, decided)
            return self._settled(access, pair, PairState.LINKED)
        self._links.differ(access, pair.low, pair.high, decided)
        return self._settled(access, pair, PairState.DIFFERENT)

    def count(self) -> Mapping[PairState, int]:
        """Return how many pairs there are in each state; for operators."""
        with self._database.reader() as connection:
            rows = connection.execute(statements()["count"]).fetchall()
        return {PairState(state): count for state, count in rows}

    def _settled(self, access: Access, pair: Pair, state: PairState) -> Pair:
        told = {
            "number": pair.number,
            "state": state,
            "now": self._clock.now(),
            "by": access.caller,
        }
        with self._database.connection() as connection:
            connection.execute(statements()["decide"], told)
        return self._one(access, pair.number)

    def _one(self, access: Access, number: int) -> Pair:
        pairs = self._pairs(access, list(PairState), "", number - 1, 1)
        if not pairs or pairs[0].number != number:
            raise PairUnknown
        return pairs[0]

    def _pairs(
        self, access: Access, states: Sequence[PairState], facility: str, after: int, count: int
    ) -> list[Pair]:
        bound = Parameters()
        conditions = _seen(access, bound)
        if facility:
            numbers = bound.add([organisation_number(facility)], "bigint[]")
            conditions.append(f"p.organisations && {numbers}")
        text = statements()["page"].replace("{conditions}", " and ".join(conditions))
        values = bound.values | {"states": list(states), "after": after, "count": count}
        with self._database.reader() as connection:
            return [pair_of(row) for row in connection.execute(text.encode(), values)]


def _seen(access: Access, bound: Parameters) -> list[str]:
    """Return the conditions of pairs of whom the caller may see both Patients."""
    found = []
    numbers = numbers_seen(access)
    if numbers is not None:  # one look-up before the exact question
        found.append(f"p.organisations && {bound.add(numbers, 'bigint[]')}")
    conditions = " and ".join(permitted(access, bound, _OWN))
    type_number = bound.add(TYPE_NUMBERS["Patient"], "smallint")
    return found + [
        _SEEN.format(side=side, type=type_number, conditions=conditions) for side in ("low", "high")
    ]


def fields_of(resource: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what a Patient says, as written, by the name of the comparison it stands in."""
    names = [one for one in _objects(resource, "name") if one.get("use") != "old"]
    name = names[0] if names else {}
    given = [str(part) for part in name.get("given", ())]
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
    parts = [*address.get("line", ()), *(address.get(part) for part in ("city", "state"))]
    return str(address.get("text") or ", ".join(str(part) for part in parts if part))


def _objects(resource: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = resource.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
