"""Batches (R4 3.1.0.11): every entry for itself, done in their order.

The standard asks clients to send entries that do not rest on each other; what those get
that do is what they would get had they sent them one after another. Entries that do not
touch what an earlier one changes are still decided together and share one commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from trucyte.base.problem import Problem
from trucyte.fhir.parse import parse
from trucyte.fhir.search import SearchValues
from trucyte.intake.interactions.asks import Ask, Verb
from trucyte.intake.interactions.committing import TRIES, pause, written
from trucyte.intake.interactions.entries import Asked
from trucyte.intake.interactions.kept import Original
from trucyte.intake.interactions.plans import (
    Key,
    Plan,
    Planner,
    Scene,
    Settled,
    coming_of,
    keys_of,
)
from trucyte.intake.interactions.problems import Contested, ReferenceMissing
from trucyte.intake.interactions.provenance import provenances
from trucyte.intake.interactions.references import check_references
from trucyte.intake.interactions.values import EntryDone, Reads
from trucyte.journal.change import Change, ExpectationFailed, VersionConflict
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.search.expectation import SearchExpectation

_AGAIN = (VersionConflict, ExpectationFailed)
_Write = tuple[int, Asked]  # with its place in the bundle


@dataclass(slots=True)
class _Changed:
    """What the entries of one round change, for those behind them."""

    keys: set[Key] = field(default_factory=set)
    has_deleted: bool = False
    _by_type: dict[str, list[tuple[Change, SearchValues | None]]] = field(default_factory=dict)

    def add(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.keys.add((change.type, change.id))
            self.has_deleted |= not change.body
            self._by_type.setdefault(change.type, []).append((change, None))

    def touches(self, settled: Settled) -> bool:
        """Say whether an entry is to be decided on what these changes leave."""
        if not self.keys:
            return False
        if not self.keys.isdisjoint(settled.keys):
            return True
        asked = settled.expectation
        if asked is None:
            return False
        if not asked.is_local:  # what lies at the end of a link may be of any type
            return True
        found = {(type_name, id_) for _, type_name, id_ in asked.expected}
        return not self.keys.isdisjoint(found) or self._meet(asked)

    def _meet(self, asked: SearchExpectation) -> bool:
        """Say whether one of them meets a condition; its values are made once."""
        changes = self._by_type.get(asked.type, [])
        for place, (change, known) in enumerate(changes):
            if not change.body:
                continue
            values = known
            if values is None:
                resource = change.resource if change.resource is not None else parse(change.body)
                values = asked.extractor.values(dict(resource))
                changes[place] = (change, values)
            if asked.matches(change.id, values):
                return True
        return False


@dataclass(slots=True)
class _Round:
    """Entries that are decided together; those that were not reached wait for the next."""

    done: dict[int, EntryDone] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)
    changed: _Changed = field(default_factory=_Changed)


class Batches:
    """Carries out the batches of one node."""

    def __init__(self, journal: Journal, planner: Planner) -> None:
        """Write into `journal` what `planner` plans."""
        self._journal = journal
        self._planner = planner
        self._settings = planner.settings

    def run(
        self, access: Access, entries: Sequence[Asked], reads: Reads, original: Original
    ) -> dict[int, EntryDone]:
        """Return what became of each entry, by its place; a read sees the writes before it."""
        done: dict[int, EntryDone] = {}
        waiting: list[_Write] = []
        for place, entry in enumerate(entries):
            if entry.problem is not None:
                done[place] = EntryDone(problem=entry.problem)
            elif entry.write is not None:
                waiting.append((place, entry))
            else:
                done |= self._writes(access, waiting, original)
                waiting = []
                done[place] = answered(entry, reads)
        return done | self._writes(access, waiting, original)

    def _writes(
        self, access: Access, writes: Sequence[_Write], original: Original
    ) -> dict[int, EntryDone]:
        """Do writes in their order, round by round, until none waits or others are in the way."""
        done: dict[int, EntryDone] = {}
        waiting, tried = list(writes), 0
        window = len(waiting)
        while waiting and tried < TRIES:
            pause(tried)
            now = self._round(access, waiting[:window], original)
            done |= now
            waiting = [write for write in waiting if write[0] not in now]
            # A look at many entries to do one is not made twice: the work stays linear.
            window = max(1, 2 * len(now))
            tried = 0 if now else tried + 1
        for place, entry in waiting:
            done[place] = EntryDone(problem=_placed(Contested(type="Bundle"), entry))
        return done

    def _round(
        self, access: Access, writes: Sequence[_Write], original: Original
    ) -> dict[int, EntryDone]:
        """Decide on entries up to the first that rests on another; commit, return those done."""
        settled = {place: self._settled(access, entry) for place, entry in writes}
        meant = [one for one in settled.values() if isinstance(one, Settled)]
        scene = self._planner.look(access, self._journal, keys_of(meant))
        scene = replace(scene, coming=coming_of(meant))
        this = _Round()
        for place, entry in writes:
            one = settled[place]
            if self._rests(this.changed, one, entry):
                break
            plan = one if isinstance(one, Problem) else self._planned(access, one, scene)
            if isinstance(plan, _AGAIN):
                break
            if isinstance(plan, ReferenceMissing) and this.changed.keys:
                break  # it may be to what comes in this round
            if isinstance(plan, Problem):
                this.done[place] = EntryDone(problem=_placed(plan, entry))
            else:
                this.plans[place] = plan
                this.changed.add(plan.changes)
        return this.done | self._commit(access, this.plans, dict(writes), original)

    def _planned(self, access: Access, settled: Settled, scene: Scene) -> Plan | Problem:
        try:
            plan = self._planner.plan(access, settled, scene)
            if self._settings.refuses_missing_references:
                check_references(self._journal, self._planner.records, access, plan.changes)
            self._planner.keep_bounds(access, plan.changes)
        except Problem as problem:
            return problem
        return plan

    def _settled(self, access: Access, entry: Asked) -> Settled | Problem:
        try:
            return self._planner.settle(access, _ask(entry))
        except Problem as problem:
            return problem

    def _rests(self, changed: _Changed, settled: Settled | Problem, entry: Asked) -> bool:
        """Say whether an entry must wait for what this round has changed so far."""
        if isinstance(settled, Problem):  # a condition met too often or not may change, too
            return bool(changed.keys) and bool(_ask(entry).query)
        if self._settings.refuses_missing_references and changed.has_deleted:
            return settled.ask.verb is not Verb.DELETE
        return changed.touches(settled)

    def _commit(
        self,
        access: Access,
        plans: Mapping[int, Plan],
        entries: Mapping[int, Asked],
        original: Original,
    ) -> dict[int, EntryDone]:
        done = {
            place: EntryDone(written=written(plan, ()))
            for place, plan in plans.items()
            if not plan.changes
        }
        units = [(place, plan) for place, plan in plans.items() if plan.changes]
        changes = [
            self._with_provenance(access, original.named(plan.changes, place + 1), original)
            for place, plan in units
        ]
        expectations = {n: p.expectations for n, (_, p) in enumerate(units) if p.expectations}
        with original.committing():
            outcomes = self._journal.commit_many(changes, expectations) if units else []
        for (place, plan), outcome in zip(units, outcomes, strict=True):
            if isinstance(outcome, _AGAIN):
                continue
            if isinstance(outcome, Problem):
                done[place] = EntryDone(problem=_placed(outcome, entries[place]))
            else:
                original.written()
                done[place] = EntryDone(written=written(plan, outcome[: len(plan.changes)]))
        return done

    def _with_provenance(
        self, access: Access, changes: Sequence[Change], original: Original
    ) -> Sequence[Change]:
        number = original.number
        if not number and not any(self._settings.writes_provenance(one.type) for one in changes):
            return changes
        return [*changes, *provenances(self._planner, access, changes, number)]


def answered(entry: Asked, reads: Reads) -> EntryDone:
    """Return the answer to a read of a bundle."""
    read = entry.read
    assert read is not None
    return EntryDone(answered=reads.answer(read.method, read.url, read.headers))


def _ask(entry: Asked) -> Ask:
    assert entry.write is not None
    return entry.write


def _placed(problem: Problem, entry: Asked) -> Problem:
    problem.location = entry.place
    return problem
