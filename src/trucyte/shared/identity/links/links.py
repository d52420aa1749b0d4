"""The links of a node: decided once, kept as Linkages, asked by anyone who needs them.

What is written goes through the journal like everything: a Linkage and a Provenance that
says who decided, as one unit, on the version that was looked at. Whoever comes between makes
it look again, so sixteen who say the same at once write it once.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.new_ids import new_id
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept_own
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import Change, Operation, Stored, VersionConflict
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.persons.circles import MEMBERS_MAX, STATES
from trucyte.records.persons.following import persons_with
from trucyte.records.persons.linkage import TYPE, LinkState, PatientAt, pair_id
from trucyte.records.persons.statements import QUERIES
from trucyte.records.rows import sensitivity_of
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
        for tried in range(TRIES):
            if tried:
                time.sleep(random.uniform(0, _PAUSE_SECONDS * tried))  # noqa: S311 - no secret
            current = self._current(id_)
            known = _link_of(current) if current is not None and current.body else None
            if known is not None and known.state is state:
                return known
            if state is LinkState.BROKEN and (known is None or known.state != LinkState.LINKED):
                raise NotLinked
            resource = linkage(
                id_,
                pair,
                state,
                decided,
                organisation=access.organisation,
                is_restricted=is_restricted,
            )
            try:
                return self._write(access, resource, current)
            except VersionConflict:
                continue
        raise LinkContested

    def _write(self, access: Access, resource: dict[str, Any], current: Stored | None) -> Link:
        version = current.entry.version if current is not None else 0
        source = self._behalf.standing(access.caller, access.organisation)
        changes = [
            self._change(made, version if made is resource else 0, source)
            for made in (resource, self._provenance(access, resource, version + 1))
        ]
        entry = self._journal.commit(changes)[0]
        made = read_link(resource, at=entry.accepted_at, version=entry.version)
        return replace(made, is_new=True)

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

    def _current(self, id_: str) -> Stored | None:
        key = (_OWN, TYPE, id_)
        with self._journal.database.reader() as connection:
            return self._journal.current([key], connection).get(key)

    # Who is meant

    def _check_seen(
        self, access: Access, pair: Sequence[PatientAt], *, may_be_gone: bool = False
    ) -> bool:
        """Raise for a Patient that the caller does not see; say whether one is restricted.

        A Patient of another node is for who sees all organisations: it is none of them.
        """
        if access.sees_organisations is not None and any(patient.node for patient in pair):
            raise ResourceNotFound(type="Patient")
        own = [(_OWN, "Patient", patient.id) for patient in pair if not patient.node]
        hidden = self._records.standing(access, [(kind, id_) for _, kind, id_ in own])
        with self._journal.database.reader() as connection:
            lines = self._journal.current(own, connection)
        restricted = False
        for key in own:
            line = lines.get(key)
            if line is None or hidden.hides(key[1:]):
                raise ResourceNotFound(type="Patient")
            if not line.body:
                if may_be_gone:
                    continue
                raise ResourceGone(type="Patient")
            if sensitivity_of(parse(line.body)):
                if not access.sees_restricted:
                    raise ResourceRestricted(type="Patient")
                restricted = True
        return restricted

    def _key(self, patient: PatientAt) -> int:
        return self._person(patient.reference)

    def _edge(self, pair: Sequence[PatientAt]) -> tuple[int, int]:
        one, other = sorted(map(self._key, pair))
        return one, other


def _place(reference: str) -> PatientAt:
    """Read a reference; raises NotAPair."""
    return pair_of(reference, "from/nobody/fhir/Patient/x")[0]


def _link_of(line: Stored) -> Link:
    entry = line.entry
    return read_link(parse(line.body), at=entry.accepted_at, version=entry.version)


__all__ = ["MEMBERS_MAX", "LinkContested", "Links", "NotLinked", "Preview"]
