"""The links of a node: decided once, kept as Linkages, asked by anyone who needs them.

What is written goes through the journal like everything: a Linkage and a Provenance that
says who decided, as one unit, on the version that was looked at. Whoever comes between makes
it look again, so sixteen who say the same at once write it once.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.new_ids import new_id
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept_own
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import Change, Entry, Operation, Stored, VersionConflict
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.labels import sensitivity_of_body
from trucyte.records.owners import Standing
from trucyte.records.persons.circles import MEMBERS_MAX, STATES
from trucyte.records.persons.following import persons_with
from trucyte.records.persons.linkage import TYPE, LinkState, PatientAt, pair_id
from trucyte.records.persons.statements import QUERIES
from trucyte.records.shown import ResourceGone, ResourceNotFound, ResourceRestricted
from trucyte.shared.identity.links.link import Decided, Link, linkage, pair_of, read_link

TRIES: Final = 20
_PAUSE_SECONDS: Final = 0.005
_OWN: Final = 0
_ACCOUNTS: Final = "https://trucyte.vn/fhir/sid/account"
_ACTIVITY: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PURPOSE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_LABELS: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_NAMES: Final = {number: state for state, number in STATES.items()}

Pair = tuple[str, str]


class LinkContested(Problem):
    """Others keep deciding on this pair; look at it again."""

    kind = Kind.CONFLICT
    code = "link-contested"


class NotLinked(Problem):
    """These two Patients are not linked to each other."""

    kind = Kind.CONFLICT
    code = "link-none"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a link would come to, without making it."""

    id: str  # of the Linkage
    state: LinkState | None  # what is known of the two now; None: nothing
    members: tuple[str, ...]  # of the group that the two would be in


class Links:
    """Makes, breaks and tells links. Safe to share between threads."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        clock: Clock,
        *,
        ids: bytes,
        person: Callable[[str], int],
    ) -> None:
        """Take the key that ids are made with, and what gives the person key of "Patient/x"."""
        self._journal = journal
        self._records = records
        self._clock = clock
        self._ids = ids
        self._person = person
        self._behalf = Behalf(journal.database)

    # Deciding

    def link(self, access: Access, one: str, other: str, decided: Decided) -> Link:
        """Say that two Patients are one person; `one` is the one to go on with.

        Raises NotAPair, ResourceNotFound, ResourceGone, ResourceRestricted of a Patient that
        the caller does not see, LinkContradicts, GroupTooLarge, LinkContested.
        """
        return self._decide(access, pair_of(one, other), LinkState.LINKED, decided)

    def link_all(
        self, access: Access, asked: Sequence[tuple[str, str, Decided]]
    ) -> list[Link | Problem]:
        """Say of many pairs what `link` says of one, in few commits.

        Returns for each the link, or the Problem that `link` would raise. Raises NotAPair.
        """
        pairs = [pair_of(one, other) for one, other, _ in asked]
        seen = self._looked(access, [patient for pair in pairs for patient in pair])
        ids = [pair_id(self._ids, *pair) for pair in pairs]
        known = self._currents(ids)
        source = self._behalf.standing(access.caller, access.organisation)
        found: dict[int, Link | Problem] = {}
        units: dict[int, _Unit] = {}
        for place, (pair, id_, (_, _, decided)) in enumerate(zip(pairs, ids, asked, strict=True)):
            current = known.get((_OWN, TYPE, id_))
            try:
                link = _told(current, LinkState.LINKED)
                is_restricted = seen.check(pair)
            except Problem as problem:
                found[place] = problem
                continue
            if link is not None:
                found[place] = link
                continue
            resource = self._linkage(access, pair, LinkState.LINKED, decided, is_restricted)
            units[place] = self._unit(access, resource, current, source)
        outcomes = self._journal.commit_many([unit.changes for unit in units.values()])
        for (place, unit), outcome in zip(units.items(), outcomes, strict=True):
            found[place] = self._outcome(access, unit, outcome, asked[place])
        return [found[place] for place in range(len(asked))]

    def _outcome(
        self,
        access: Access,
        unit: "_Unit",
        outcome: Sequence[Entry] | Problem,
        asked: tuple[str, str, Decided],
    ) -> Link | Problem:
        """Return what became of one of many; where others came between, it is tried alone."""
        if not isinstance(outcome, Problem):
            return unit.link(outcome[0])
        if not isinstance(outcome, VersionConflict):
            return outcome
        try:
            return self.link(access, *asked)
        except Problem as problem:
            return problem

    def differ(self, access: Access, one: str, other: str, decided: Decided) -> Link:
        """Say that two Patients are two persons, and remember it; a link between them ends.

        Raises as `link`: LinkContradicts where others still link the two.
        """
        return self._decide(access, pair_of(one, other), LinkState.DIFFERENT, decided)

    def unlink(self, access: Access, one: str, other: str, decided: Decided) -> Link:
        """Break the link of two Patients; from then on each has its own records alone.

        What is broken already stays so. Raises NotLinked where the two never were linked
        directly, and as `link`.
        """
        return self._decide(access, pair_of(one, other), LinkState.BROKEN, decided)

    def keep_apart(self, access: Access, mother: str, child: str) -> Link:
        """Say that mother and child are two persons, though the child bears her name and number.

        No machine will propose the two, and no chain of links can make one person of them.
        Raises as `differ`.
        """
        return self.differ(access, mother, child, Decided(("mother-and-child",)))

    # Asking

    def group(self, reference: str) -> tuple[str, ...]:
        """Return all Patients that are one person with this one, it among them, in order."""
        return self.groups([reference])[reference]

    def groups(self, references: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the group of each of some Patients, asked at once. Raises NotAPair."""
        places = {reference: _place(reference) for reference in references}
        facts = {"persons": [self._key(at) for at in places.values()]}
        with self._journal.database.reader() as connection:
            rows = connection.execute(QUERIES.circles_of, facts).fetchall()
        circle_of = {person: circle for person, circle, *_ in rows}
        members: dict[int, list[PatientAt]] = {}
        for _, circle, _, node, id_ in rows:
            members.setdefault(circle, []).append(PatientAt(node, id_))
        found = {}
        for reference, at in places.items():
            circle = circle_of.get(self._key(at))
            whole = [at] if circle is None else sorted(members[circle])
            found[reference] = tuple(one.reference for one in whole)
        return found

    def persons(self, person: int) -> Sequence[int]:
        """Return the person keys of all who are one person with this one, it among them."""
        with self._journal.database.reader() as connection, connection.cursor() as cursor:
            return persons_with(cursor, [person])

    def state(self, one: str, other: str) -> LinkState | None:
        """Return what is known of a pair; None: nothing was ever decided."""
        return self.states([(one, other)])[one, other]

    def states(self, pairs: Iterable[Pair]) -> dict[Pair, LinkState | None]:
        """Return what is known of pairs, whichever of two is named first. Raises NotAPair."""
        keys = {pair: self._edge(pair_of(*pair)) for pair in pairs}
        edges = list(set(keys.values()))
        facts = {"persons": [a for a, _ in edges], "others": [b for _, b in edges]}
        with self._journal.database.reader() as connection:
            rows = connection.execute(QUERIES.states, facts).fetchall()
        found = {(one, other): _NAMES[state] for one, other, state in rows}
        return {pair: found.get(edge) for pair, edge in keys.items()}

    def preview(self, access: Access, one: str, other: str) -> Preview:
        """Return what linking two would come to. Raises as `link`, but for what it would do."""
        pair = pair_of(one, other)
        self._check_seen(access, pair)
        groups = self.groups([pair[0].reference, pair[1].reference])
        members = tuple(sorted({member for group in groups.values() for member in group}))
        state = self.state(pair[0].reference, pair[1].reference)
        return Preview(pair_id(self._ids, *pair), state, members)

    def history(self, access: Access, one: str, other: str) -> Sequence[Link]:
        """Return every decision on a pair, the first one first.

        Raises as `link` of Patients that the caller does not see.
        """
        pair = pair_of(one, other)
        self._check_seen(access, pair)
        lines = self._journal.history(_OWN, TYPE, pair_id(self._ids, *pair))
        persons = [self._key(patient) for patient in pair]
        access.recorder.shown(access, persons, f"history {TYPE}")
        decisions = [_link_of(line) for line in lines if line.body]
        return sorted(decisions, key=lambda link: link.version)

    # Writing

    def _decide(
        self,
        access: Access,
        pair: tuple[PatientAt, PatientAt],
        state: LinkState,
        decided: Decided,
    ) -> Link:
        is_restricted = self._check_seen(access, pair, may_be_gone=state != LinkState.LINKED)
        id_ = pair_id(self._ids, *pair)
        source = self._behalf.standing(access.caller, access.organisation)
        for tried in range(TRIES):
            if tried:
                time.sleep(random.uniform(0, _PAUSE_SECONDS * tried))  # noqa: S311 - no secret
            current = self._currents([id_]).get((_OWN, TYPE, id_))
            link = _told(current, state)
            if link is not None:
                return link
            resource = self._linkage(access, pair, state, decided, is_restricted)
            unit = self._unit(access, resource, current, source)
            try:
                return unit.link(self._journal.commit(unit.changes)[0])
            except VersionConflict:
                continue
        raise LinkContested

    def _linkage(
        self,
        access: Access,
        pair: tuple[PatientAt, PatientAt],
        state: LinkState,
        decided: Decided,
        is_restricted: bool,
    ) -> dict[str, Any]:
        return linkage(
            pair_id(self._ids, *pair),
            pair,
            state,
            decided,
            organisation=access.organisation,
            is_restricted=is_restricted,
        )

    def _unit(
        self, access: Access, resource: dict[str, Any], current: Stored | None, source: int
    ) -> "_Unit":
        """Return the Linkage with its Provenance, on the version that was looked at."""
        version = current.entry.version if current is not None else 0
        changes = [
            self._change(made, version if made is resource else 0, source)
            for made in (resource, self._provenance(access, resource, version + 1))
        ]
        return _Unit(resource, changes)

    def _change(self, resource: dict[str, Any], version: int, source: int) -> Change:
        accepted = accept_own(resource)
        kind, id_ = resource["resourceType"], resource["id"]
        return Change(
            type=kind,
            id=id_,
            operation=Operation.UPDATE if version else Operation.CREATE,
            body=accepted.body,
            meta_offset=accepted.meta_offset,
            person=self._person(f"{kind}/{id_}"),
            expected=version,
            source=source,
            resource=resource,
        )

    def _provenance(self, access: Access, resource: dict[str, Any], version: int) -> dict[str, Any]:
        """Return who decided, in the manner of every write of this node."""
        who = {"type": "Device", "identifier": {"system": _ACCOUNTS, "value": access.caller}}
        agent: dict[str, Any] = {
            "type": {"coding": [{"system": _AGENT, "code": "author"}]},
            "who": who,
        }
        if access.organisation:
            agent["onBehalfOf"] = {"reference": access.organisation}
        made: dict[str, Any] = {
            "resourceType": "Provenance",
            "id": new_id(self._clock),
            "target": [{"reference": f"{TYPE}/{resource['id']}/_history/{version}"}],
            "recorded": self._clock.now().astimezone(VIETNAM).isoformat(timespec="milliseconds"),
            "activity": {
                "coding": [{"system": _ACTIVITY, "code": "UPDATE" if version > 1 else "CREATE"}]
            },
            "agent": [agent],
        }
        if access.purpose:
            made["reason"] = [{"coding": [{"system": _PURPOSE, "code": access.purpose}]}]
        if "meta" in resource:
            made["meta"] = {"security": [{"system": _LABELS, "code": "R"}]}
        return made

    def _currents(self, ids: Sequence[str]) -> Mapping[tuple[int, str, str], Stored]:
        with self._journal.database.reader() as connection:
            return self._journal.current([(_OWN, TYPE, id_) for id_ in ids], connection)

    # Who is meant

    def _check_seen(
        self, access: Access, pair: Sequence[PatientAt], *, may_be_gone: bool = False
    ) -> bool:
        """Raise for a Patient that the caller does not see; say whether one is restricted.

        A Patient of another node is for who sees all organisations: it is none of them.
        """
        return self._looked(access, pair).check(pair, may_be_gone=may_be_gone)

    def _looked(self, access: Access, patients: Sequence[PatientAt]) -> "_Looked":
        own = [(_OWN, "Patient", patient.id) for patient in patients if not patient.node]
        hidden = self._records.standing(access, [(kind, id_) for _, kind, id_ in own])
        with self._journal.database.reader() as connection:
            return _Looked(access, hidden, self._journal.current(own, connection))

    def _key(self, patient: PatientAt) -> int:
        return self._person(patient.reference)

    def _edge(self, pair: Sequence[PatientAt]) -> tuple[int, int]:
        one, other = sorted(map(self._key, pair))
        return one, other


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is written of one decision, all or nothing."""

    resource: dict[str, Any]
    changes: Sequence[Change]

    def link(self, entry: Entry) -> Link:
        """Return the link as it was accepted."""
        made = read_link(self.resource, at=entry.accepted_at, version=entry.version)
        return replace(made, is_new=True)


@dataclass(frozen=True, slots=True)
class _Looked:
    """Patients as they are now, looked at for one caller."""

    access: Access
    hidden: Standing
    lines: Mapping[tuple[int, str, str], Stored]

    def check(self, pair: Sequence[PatientAt], *, may_be_gone: bool = False) -> bool:
        """Raise for a Patient that the caller does not see; say whether one is restricted."""
        if self.access.sees_organisations is not None and any(patient.node for patient in pair):
            raise ResourceNotFound(type="Patient")
        restricted = [self._check(patient, may_be_gone) for patient in pair if not patient.node]
        return any(restricted)

    def _check(self, patient: PatientAt, may_be_gone: bool) -> bool:
        line = self.lines.get((_OWN, "Patient", patient.id))
        if line is None or self.hidden.hides(("Patient", patient.id)):
            raise ResourceNotFound(type="Patient")
        if not line.body:
            if may_be_gone:
                return False
            raise ResourceGone(type="Patient")
        labels = sensitivity_of_body(line.body)
        if not self.access.sees(labels):
            raise ResourceRestricted(type="Patient")
        return bool(labels)


def _told(current: Stored | None, state: LinkState) -> Link | None:
    """Return what is known where it is what is to be said. Raises NotLinked."""
    known = _link_of(current) if current is not None and current.body else None
    if known is not None and known.state is state:
        return known
    if state is LinkState.BROKEN and (known is None or known.state != LinkState.LINKED):
        raise NotLinked
    return None


def _place(reference: str) -> PatientAt:
    """Read a reference; raises NotAPair."""
    return pair_of(reference, "from/nobody/fhir/Patient/x")[0]


def _link_of(line: Stored) -> Link:
    entry = line.entry
    return read_link(parse(line.body), at=entry.accepted_at, version=entry.version)


__all__ = ["MEMBERS_MAX", "LinkContested", "Links", "NotLinked", "Preview"]
