"""What alerts know beside the trail: accounts, relations of care, households, the list.

Accounts and households are asked for again after some minutes; relations and the list of
sensitive persons each time, for all persons of an entry at once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from trucyte.base.clock import Clock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.database.queries import load_queries
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.gate import Records
from trucyte.records.persons.holders import number_of
from trucyte.records.persons.spans import microseconds
from trucyte.shared.access.local import system_access
from trucyte.shared.access.staff.account import Rights
from trucyte.shared.audit.statements import QUERIES as TRAIL

_KEPT_SECONDS: Final = 300.0
_KEPT_MAX: Final = 10_000
_HOUSEHOLD_MAX: Final = 50  # more who share a name and an address are no household


class Queries(NamedTuple):
    """The named queries of alerts."""

    claim_alert: str
    forget_claims: str
    related: str
    watch: str
    unwatch: str
    list_watched: str


QUERIES: Final = load_queries(Queries, "trucyte.shared.audit.alerts")

RightsOf = Callable[[str], Rights | None]  # of an account; None: it is no person's


class Kin(Protocol):
    """Who a practitioner is as a patient, and who lives with them."""

    def of(self, practitioner: str) -> tuple[frozenset[int], frozenset[int]]:
        """Return the keys of the practitioner's own records and of the household's."""
        ...


@dataclass(frozen=True, slots=True)
class _Holder:
    is_person: bool
    holders: tuple[int, ...]
    own: frozenset[int]
    family: frozenset[int]


_UNKNOWN: Final = _Holder(is_person=False, holders=(), own=frozenset(), family=frozenset())


class NodeKnowledge:
    """See `engine.Known`; over the tables of a node."""

    def __init__(self, database: Database, clock: Clock, rights_of: RightsOf, kin: Kin) -> None:
        """Ask `rights_of` for accounts and `kin` for households."""
        self._database = database
        self._clock = clock
        self._rights_of = rights_of
        self._kin = kin
        self._holders: dict[str, tuple[float, _Holder]] = {}

    def is_person(self, account: str) -> bool:
        """Say whether an account is a person's."""
        return self._holder(account).is_person

    def own(self, account: str) -> frozenset[int]:
        """Return the keys of the holder's own records."""
        return self._holder(account).own

    def family(self, account: str) -> frozenset[int]:
        """Return the keys of those of the holder's household."""
        return self._holder(account).family

    def watched(self, persons: Iterable[int]) -> frozenset[int]:
        """Return those on the list, or whose Patient is labelled."""
        facts = {"persons": list(persons), "type": TYPE_NUMBERS["Patient"]}
        return self._asked(TRAIL.watched, facts)

    def related(self, account: str, persons: Iterable[int]) -> frozenset[int] | None:
        """Return those with whom the account, or its ward, has a relation now.

        None where the account has neither a practitioner nor a ward: registrars and cashiers
        work for everybody, and a program has no relations.
        """
        holders = self._holder(account).holders
        if not holders:
            return None
        now = microseconds(self._clock.now())
        return self._asked(
            QUERIES.related, {"persons": list(persons), "holders": list(holders), "now": now}
        )

    def _asked(self, query: str, facts: Mapping[str, Any]) -> frozenset[int]:
        with self._database.connection() as connection:
            return frozenset(person for (person,) in connection.execute(query, facts))

    def _holder(self, account: str) -> _Holder:
        now = self._clock.now().timestamp()
        kept = self._holders.get(account)
        if kept is not None and 0 <= now - kept[0] < _KEPT_SECONDS:
            return kept[1]
        found = self._read(account)
        if len(self._holders) >= _KEPT_MAX:
            self._holders.clear()
        self._holders[account] = (now, found)
        return found

    def _read(self, account: str) -> _Holder:
        rights = self._rights_of(account) if account else None
        if rights is None:
            return _UNKNOWN
        references = [*([rights.practitioner] if rights.practitioner else ()), *rights.wards]
        own, family = (
            self._kin.of(rights.practitioner) if rights.practitioner else (frozenset(), frozenset())
        )
        return _Holder(
            is_person=True,
            holders=tuple(number_of(reference) for reference in references),
            own=own,
            family=family - own,
        )


class RecordsKin:
    """Kin by the records: the same personal number, the same family name at one address."""

    def __init__(self, records: Records) -> None:
        """Look in `records`; what is found is shown to nobody."""
        self._records = records

    def of(self, practitioner: str) -> tuple[frozenset[int], frozenset[int]]:
        """Return own and household's keys; nobody where the practitioner is not here."""
        kind, _, id = practitioner.partition("/")
        access = system_access("alerts")
        try:
            line = self._records.read(access, kind, id)
        except Problem:
            return frozenset(), frozenset()
        numbers = [
            f"{one.get('system', '')}|{one['value']}"
            for one in _listed(msgspec.json.decode(line.body), "identifier")
            if one.get("value")
        ]
        own = self._found([("identifier", number) for number in numbers[:10]])
        family: set[int] = set()
        for _, patient in own:
            family |= {person for person, _ in self._household(patient)}
        return frozenset(person for person, _ in own), frozenset(family)

    def _household(self, patient: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
        surnames = {str(one["family"]) for one in _listed(patient, "name") if one.get("family")}
        homes = _homes(patient)
        if not homes or not surnames:
            return []
        found = [
            (person, other)
            for surname in sorted(surnames)
            for person, other in self._found([("family:exact", surname)], homes)
        ]
        return found if len(found) <= _HOUSEHOLD_MAX else []

    def _found(
        self, pairs: list[tuple[str, str]], homes: frozenset[str] = frozenset()
    ) -> list[tuple[int, Mapping[str, Any]]]:
        """Return the Patients that meet one of `pairs`, at one of `homes` where those are told."""
        access, found = system_access("alerts"), []
        for name, value in pairs:
            asked = [(name, value), ("_count", "200")]
            if homes:
                asked.append(("address:contains", sorted(homes)[0]))
            page = self._records.search(access, "Patient", asked)
            for line in page.entries:
                patient = msgspec.json.decode(line.body)
                if not homes or homes & _homes(patient):
                    found.append((line.person, patient))
        return found


def _listed(resource: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    values = resource.get(name)
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _homes(patient: Mapping[str, Any]) -> frozenset[str]:
    """Return the addresses of a Patient that are of a house: a line, not a commune alone."""
    return frozenset(
        str(line).casefold().strip()
        for address in _listed(patient, "address")
        for line in address.get("line") or ()
        if len(str(line).strip()) >= 5 and any(sign.isdigit() for sign in str(line))
    )
