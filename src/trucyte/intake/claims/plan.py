"""Decide what a visit changes: the rules of "Identity of rows", from the journal alone.

- Equal content writes nothing.
- Newer is the later NGAYLAP, then the later arrival; what is older, or was superseded
  already, changes nothing.
- A table that is sent replaces that table, and rows that are gone become
  entered-in-error; a table that is absent or empty leaves what is there.
- An older visit that arrives late pins people as it tells them and leaves the newer
  demographics current.
- A check-in (XML0) tells less of a person than a summary (XML1): once a summary was
  here, a check-in pins what is current and changes nobody.

Every decision is made against versions, so whatever happened meanwhile is a conflict and
the visit is decided again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from trucyte.fhir.issue import Severity
from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept_own
from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.ended import ended, is_ended
from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.present import Key, Present
from trucyte.intake.claims.provenance import (
    Target,
    VisitState,
    happened,
    read_provenance,
    state_of,
    write_provenance,
)
from trucyte.intake.claims.tables import TABLES, Visit
from trucyte.intake.latest import PEOPLE
from trucyte.intake.running.results import Outcome
from trucyte.intake.tools import Tools
from trucyte.intake.unreadable import MappingInvalid
from trucyte.journal.change import Change, Operation

_EXACT = msgspec.json.Decoder(float_hook=str)  # 3500.00 is not 3500
_EARLIER_MAX = 50  # versions of a person that are looked through for one to pin


@dataclass(slots=True)
class Work:
    """One visit on its way into the journal."""

    source: int
    ordinal: int
    visit: Visit
    provenance: str  # id of the visit's Provenance
    people: Sequence[Draft]  # Patient, Coverages
    shared: Sequence[Draft]
    written: int = 0  # directory resources that came with it and were new

    @property
    def keys(self) -> list[Key]:
        """What must be read before the visit is decided."""
        return [("Provenance", self.provenance), *map(key_of, self.people)]


@dataclass(slots=True)
class Plan:
    """What will be committed for a visit, as one unit; nothing where nothing changes."""

    outcome: Outcome
    changes: list[Change] = field(default_factory=list)
    encounter: str = ""
    is_restricted: bool = False
    resources: int = 0  # written already, by a run that was cut off
    findings: Sequence[Finding] = ()


@dataclass(slots=True)
class _Unit:
    """Changes and targets while a visit is decided."""

    changes: list[Change] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)


class Planner:
    """Decides visits against what is present."""

    def __init__(self, tools: Tools, present: Present) -> None:
        """Decide with `tools`; `present` must have loaded the keys of a work."""
        self._tools = tools
        self._present = present

    def plan(self, work: Work) -> Plan:
        """Return what the visit changes; raises MappingInvalid for a defect of ours."""
        stored = self._present.stored(("Provenance", work.provenance))
        state = read_provenance(_EXACT.decode(stored.body)) if stored else None
        if state is None:
            return self._first(work)
        if (state.source, state.ordinal) == (work.source, work.ordinal):
            return self._cut_off(work, state)
        made_on = work.visit.made_on
        if made_on and state.made_on and made_on < state.made_on:
            return _untouched(Outcome.SUPERSEDED, state)
        return self._correct(work, state)

    def _first(self, work: Work) -> Plan:
        unit = _Unit()
        versions = self._people(work, work.people, {}, unit)
        drafts = self._tools.mapping.rest(work.visit, versions)
        for draft in drafts:
            self._write(work, draft, 0, unit)
        return self._close(work, work.visit, drafts, unit, 0)

    def _cut_off(self, work: Work, state: VisitState) -> Plan:
        """Return what this very piece wrote before its run was cut off."""
        self._present.load(target.key for target in state.targets)
        lines = [self._present.stored(target.key) for target in state.targets]
        ours = [
            line for line in lines if line
            and (line.entry.source, line.entry.row) == (work.source, work.ordinal)
        ]  # fmt: skip
        plan = _untouched(Outcome.ACCEPTED, state)
        plan.resources = len(ours) + 1
        return plan

    # A visit that is here already.

    def _correct(self, work: Work, state: VisitState) -> Plan:
        visit = self._merged(work.visit, state)
        is_merged = visit is not work.visit
        people = _own(self._tools.mapping.people(visit)) if is_merged else work.people
        self._present.load([key_of(draft) for draft in people])
        unit = _Unit()
        versions = self._people(work, people, state.versions, unit)
        drafts = self._tools.mapping.rest(visit, versions)
        kept = {key_of(draft) for draft in (*people, *drafts)}
        self._present.load([*kept, *(target.key for target in state.targets)])
        for draft in drafts:
            self._replace(work, draft, unit)
        for target in state.targets:
            if target.key not in kept and target.type not in PEOPLE:
                self._end(work, target, _labels(drafts), unit)
        if not unit.changes and visit.made_on == state.made_on:
            return _untouched(Outcome.UNCHANGED, state)
        if unit.changes and self._was_superseded(work, state):
            return _untouched(Outcome.SUPERSEDED, state)
        version = self._present.version(("Provenance", work.provenance))
        return self._close(work, visit, drafts, unit, version)

    def _merged(self, visit: Visit, state: VisitState) -> Visit:
        """Return the visit with the tables that were sent before and not now."""
        made_on = visit.made_on or state.made_on
        absent = [name for name in state.tables if not visit.tables.get(name)]
        if not absent:
            return visit if made_on == visit.made_on else replace(visit, made_on=made_on)
        self._present.load(state.versions)
        stored = [self._present.stored(key) for key in state.versions if key[0] not in PEOPLE]
        resources = [parse(line.body) for line in stored if line]
        before = self._tools.mapping.claim(resources, self._at)
        tables = {
            name: visit.tables.get(name) or before.tables[name]
            for name in TABLES
            if visit.tables.get(name) or before.tables.get(name)
        }
        variant = visit.variant if visit.tables.get("XML1") else before.variant
        patient = visit.patient or before.patient
        return replace(visit, variant=variant, patient=patient, made_on=made_on, tables=tables)

    def _at(self, reference: str) -> Resource:
        """Read a pinned version: "Patient/<id>/_history/<n>"."""
        kind, identity, _, version = reference.split("/")
        stored = self._tools.journal.version(0, kind, identity, int(version))
        assert stored is not None, "a version that was pinned"
        return parse(stored.body)

    def _was_superseded(self, work: Work, state: VisitState) -> bool:
        """Say whether this content was here once, under the same NGAYLAP, and was corrected."""
        lines = self._tools.journal.history(0, "Provenance", work.provenance)
        for line in lines[1:]:
            earlier = read_provenance(_EXACT.decode(line.body)) if line.body else None
            is_rival = earlier and earlier.made_on == state.made_on == work.visit.made_on
            if earlier and is_rival and self._is_as_told(work, earlier):
                return True
        return False

    def _is_as_told(self, work: Work, earlier: VisitState) -> bool:
        versions = {f"{kind}/{id}": n for (kind, id), n in earlier.versions.items()}
        drafts = [*work.people, *self._tools.mapping.rest(work.visit, versions)]
        if {key_of(draft) for draft in drafts} != set(earlier.versions):
            return False
        return all(self._is_version(draft, earlier.versions[key_of(draft)]) for draft in drafts)

    def _is_version(self, draft: Draft, version: int) -> bool:
        stored = self._tools.journal.version(0, *key_of(draft), version)
        return stored is not None and is_same(accept_own(draft.resource).body, stored.body)

    # People: whose demographics are current, and which version a visit pins.

    def _people(
        self, work: Work, people: Sequence[Draft], pinned: Mapping[Key, int], unit: _Unit
    ) -> dict[str, int]:
        """Return the version of each person to pin, writing what is new."""
        versions = {}
        for draft in people:
            key = key_of(draft)
            version = pinned.get(key, 0)
            if not (version and self._is_version(draft, version)):
                version = self._person(work, draft, unit)
            versions[f"{key[0]}/{key[1]}"] = version
            unit.targets.append(Target(*key, version, draft.table))
        return versions

    def _person(self, work: Work, draft: Draft, unit: _Unit) -> int:
        key = key_of(draft)
        stored = self._present.stored(key)
        version = self._present.version(key)
        if stored is None:
            self._propose(work, draft, version, unit)
            return version + 1
        body = accept_own(draft.resource).body
        is_check_in = draft.table != "XML1"
        if is_same(body, stored.body) or (is_check_in and self._present.latest(key)):
            return version
        if not self._is_late(work, key):
            self._propose(work, draft, version, unit)
            return version + 1
        for earlier in self._tools.journal.history(0, *key)[1:_EARLIER_MAX]:
            if earlier.body and is_same(body, earlier.body):
                return earlier.entry.version
        self._propose(work, draft, version, unit)
        newer = Draft(parse(stored.body), draft.table, draft.row)
        self._propose(work, newer, version + 1, unit)
        return version + 1

    def _is_late(self, work: Work, key: Key) -> bool:
        latest = self._present.latest(key)
        made_on = work.visit.made_on
        return latest is not None and latest > (
            happened(work.visit),
            made_on.isoformat() if made_on else "",
        )

    # Writing.

    def _replace(self, work: Work, draft: Draft, unit: _Unit) -> None:
        """Write a resource if it differs from what is current."""
        key = key_of(draft)
        stored, version = self._present.stored(key), self._present.version(key)
        if stored and is_same(accept_own(draft.resource).body, stored.body):
            unit.targets.append(Target(*key, version, draft.table))
        else:
            self._write(work, draft, version, unit)

    def _write(self, work: Work, draft: Draft, version: int, unit: _Unit) -> None:
        self._propose(work, draft, version, unit)
        unit.targets.append(Target(*key_of(draft), version + 1, draft.table))

    def _end(
        self, work: Work, target: Target, labels: Sequence[Mapping[str, Any]], unit: _Unit
    ) -> None:
        """End a row that is gone: entered in error, or deleted where a type cannot say so.

        What is ended stays of the visit: it takes on labels that the visit gets later.
        """
        stored = self._present.stored(target.key)
        before = parse(stored.body) if stored else None
        if before is None:
            return
        version = self._present.version(target.key)
        resource = before if is_ended(before) else ended(before)
        if resource is None:
            unit.changes.append(self._change(work, target.key, b"", 0, version))
        else:
            resource = _labelled(resource, labels)
        if resource == before:
            unit.targets.append(replace(target, is_ended=True))
            return
        if resource is not None:
            self._propose(work, Draft(resource, target.table, 0), version, unit)
        unit.targets.append(replace(target, version=version + 1, is_ended=True))

    def _propose(self, work: Work, draft: Draft, version: int, unit: _Unit) -> None:
        self._check(draft.resource)
        accepted = accept_own(draft.resource)
        change = self._change(
            work, key_of(draft), accepted.body, accepted.meta_offset, version, draft.resource
        )
        unit.changes.append(change)

    def _check(self, resource: Resource) -> None:
        for issue in self._tools.checker.check(resource):
            if issue.severity in (Severity.ERROR, Severity.FATAL):
                raise MappingInvalid(path=issue.location, issue=issue.message_id)

    def _change(
        self,
        work: Work,
        key: Key,
        body: bytes,
        meta_offset: int,
        version: int,
        resource: Resource | None = None,
    ) -> Change:
        operation = Operation.UPDATE if version else Operation.CREATE
        return Change(
            type=key[0],
            id=key[1],
            operation=operation if body else Operation.DELETE,
            body=body,
            meta_offset=meta_offset,
            person=self._tools.person(person_of(work)),
            expected=version,
            source=work.source,
            row=work.ordinal,
            resource=resource,
        )

    def _close(
        self, work: Work, visit: Visit, drafts: Sequence[Draft], unit: _Unit, version: int
    ) -> Plan:
        """Add the Provenance, which names everything the visit now is."""
        tables = [name for name, rows in visit.tables.items() if rows]
        state = state_of(visit, work.source, work.ordinal, unit.targets, tables)
        labels = _labels(drafts)
        state = replace(state, labels=labels)
        organization = _organization(drafts, visit.facility)
        at = self._tools.clock.now()
        resource = write_provenance(work.provenance, state, at, organization)
        self._propose(work, Draft(resource, "", 0), version, unit)
        plan = _untouched(Outcome.ACCEPTED, state)
        plan.changes = unit.changes
        return plan


def key_of(draft: Draft) -> Key:
    """Return type and id of a draft."""
    return draft.resource["resourceType"], draft.resource["id"]


def person_of(work: Work) -> str:
    """Return "Patient/<id>" of a visit."""
    for draft in work.people:
        if draft.resource["resourceType"] == "Patient":
            return f"Patient/{draft.resource['id']}"
    raise AssertionError("the mapping makes a Patient of every visit")


def is_same(one: bytes, other: bytes) -> bool:
    """Say whether two bodies are the same, digits of numbers included, order of keys not."""
    return one == other or bool(_EXACT.decode(one) == _EXACT.decode(other))


def _own(drafts: Iterable[Draft]) -> list[Draft]:
    return [draft for draft in drafts if not draft.is_shared]


def _untouched(outcome: Outcome, state: VisitState) -> Plan:
    encounter = next((t.id for t in state.targets if t.type == "Encounter"), "")
    return Plan(outcome, encounter=encounter, is_restricted=bool(state.labels))


def _labels(drafts: Sequence[Draft]) -> Sequence[Mapping[str, Any]]:
    for draft in drafts:
        labels: Sequence[Mapping[str, Any]] = draft.resource.get("meta", {}).get("security", ())
        if labels:
            return labels
    return ()


def _labelled(resource: Resource, labels: Sequence[Mapping[str, Any]]) -> Resource:
    """Return a resource with labels; those it has are never taken off."""
    meta = resource.get("meta", {})
    if not labels or meta.get("security"):
        return resource
    return {**resource, "meta": {**meta, "security": list(labels)}}


def _organization(drafts: Sequence[Draft], facility: str) -> Mapping[str, Any]:
    """Return the facility as the visit's own resources refer to it."""
    for draft in drafts:
        for name in ("serviceProvider", "provider", "custodian"):
            found: Mapping[str, Any] | None = draft.resource.get(name)
            if found and "reference" in found:
                return found
    return {"identifier": {"value": facility}}
