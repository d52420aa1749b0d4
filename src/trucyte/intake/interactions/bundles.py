"""Transactions and batches (R4 3.1.0.11).

A transaction is one unit of the journal. Its conditions are answered first, then every
resource has its id and links can be rewritten, then all is checked and committed at once;
reads are answered after it. Batches lie beside this in `batches`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from trucyte.base.problem import Problem
from trucyte.fhir.path.path import Paths
from trucyte.intake.claims.present import Present
from trucyte.intake.fhir.conditions import conditional_references, split_condition
from trucyte.intake.interactions.asks import Ask, Verb, read_query
from trucyte.intake.interactions.batches import Batches, answered
from trucyte.intake.interactions.committing import TRIES, pause, tell, written
from trucyte.intake.interactions.entries import Asked, read_bundle
from trucyte.intake.interactions.kept import Original, Originals, kept
from trucyte.intake.interactions.plans import (
    Plan,
    Planner,
    Settled,
    coming_of,
    keys_of,
)
from trucyte.intake.interactions.problems import (
    BundleTooLarge,
    BundleUnreadable,
    ConditionClosed,
    Contested,
    NotSelective,
    ReferenceNotSelective,
    WrittenTwice,
)
from trucyte.intake.interactions.provenance import provenances
from trucyte.intake.interactions.references import check_references
from trucyte.intake.interactions.values import BundleDone, EntryDone, Reads
from trucyte.journal.change import (
    Change,
    Entry,
    ExpectationFailed,
    Operation,
    VersionConflict,
)
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.labels import sensitivity_of_body
from trucyte.records.search.expectation import SearchExpectation
from trucyte.records.shown import InteractionNotAllowed

_ORDER = (Verb.DELETE, Verb.CREATE, Verb.UPDATE, Verb.PATCH)  # R4 3.1.0.11.2
_AGAIN = (VersionConflict, ExpectationFailed)
# Pairs of a condition and a new resource of its transaction that are compared at most.
_PAIRS_MAX = 50_000


@dataclass(slots=True)
class _Links:
    """What links of a transaction shall say, and the conditions that rests on."""

    targets: dict[str, str] = field(default_factory=dict)
    expectations: list[SearchExpectation] = field(default_factory=list)


class Bundles:
    """Carries out the bundles of one node."""

    def __init__(
        self,
        journal: Journal,
        planner: Planner,
        paths: Paths,
        originals: Originals | None = None,
    ) -> None:
        """Write into `journal` what `planner` plans."""
        self._journal = journal
        self._planner = planner
        self._paths = paths
        self._originals = originals
        self._batches = Batches(journal, planner)
        self._settings = planner.settings

    def run(self, access: Access, body: bytes, reads: Reads, came: bytes = b"") -> BundleDone:
        """Carry out a bundle; see `Interactions.bundle`."""
        asked = read_bundle(body, self._paths, self._settings)
        if not came and asked.is_signed:
            came = body  # its signature holds of these bytes alone
        writes = [entry.write for entry in asked.entries if entry.write is not None]
        parts = [write.draft.body for write in writes if write.draft is not None]
        with kept(self._originals, access, came, parts) as original:
            if asked.is_transaction:
                done = self._transaction(access, asked.entries, original)
                kind, reason = "transaction-response", "transaction"
            else:
                done = self._batches.run(access, asked.entries, reads, original)
                kind, reason = "batch-response", "batch"
        everything = [one for entry in done.values() for one in entry.written]
        if everything:
            tell(access, reason, everything)
        answers = [
            done.get(place) or answered(entry, reads) for place, entry in enumerate(asked.entries)
        ]
        return BundleDone(kind, answers)

    def _transaction(
        self, access: Access, entries: Sequence[Asked], original: Original
    ) -> dict[int, EntryDone]:
        for entry in entries:
            if entry.problem is not None:
                raise entry.problem
        writes = [(place, e) for place, e in enumerate(entries) if e.write is not None]
        writes.sort(key=lambda write: _ORDER.index(_ask(write[1]).verb))
        if not writes:
            return {}
        for tried in range(TRIES):
            pause(tried)
            try:
                return self._attempt(access, writes, original)
            except _AGAIN:
                continue
        raise Contested(type="Bundle")

    def _attempt(
        self, access: Access, writes: Sequence[tuple[int, Asked]], original: Original
    ) -> dict[int, EntryDone]:
        entries = [entry for _, entry in writes]
        settled = self._settled(access, entries)
        links = self._links(access, entries, settled)
        scene = self._planner.look(access, self._journal, keys_of(settled))
        scene = replace(scene, coming=coming_of(settled, links.targets))
        plans = []
        for entry, one in zip(entries, settled, strict=True):
            try:
                plans.append(self._planner.plan(access, one, scene, links.targets))
            except Problem as problem:
                raise _placed(problem, entry) from None
        _check_own_conditions(settled, plans, entries)
        changes = [
            change
            for (place, _), plan in zip(writes, plans, strict=True)
            for change in original.named(plan.changes, place + 1)
        ]
        conditions = [*links.expectations, *(e for plan in plans for e in plan.expectations)]
        lines = iter(self._commit(access, changes, conditions, original))
        return {
            place: EntryDone(written=written(plan, [next(lines) for _ in plan.changes]))
            for (place, _), plan in zip(writes, plans, strict=True)
        }

    def _settled(self, access: Access, entries: Sequence[Asked]) -> list[Settled]:
        conditions = sum(bool(_ask(entry).query) for entry in entries)
        if conditions > self._settings.conditions:
            raise BundleTooLarge(most=self._settings.conditions, what="conditions")
        settled = []
        for entry in entries:
            try:
                settled.append(self._planner.settle(access, _ask(entry)))
            except Problem as problem:
                raise _placed(problem, entry) from None
        _check_once(settled, entries)
        return settled

    def _links(
        self, access: Access, entries: Sequence[Asked], settled: Sequence[Settled]
    ) -> _Links:
        links = _Links()
        for entry, one in zip(entries, settled, strict=True):
            for link, target in _links_of(entry, one).items():
                if links.targets.setdefault(link, target) != target:
                    reason = "two entries have one fullUrl"
                    raise _placed(BundleUnreadable(reason=reason), entry)
        bodies = [draft.body for e in entries if (draft := _ask(e).draft) is not None]
        conditional = conditional_references(bodies)
        if len(conditional) > self._settings.conditions:
            raise BundleTooLarge(most=self._settings.conditions, what="conditional references")
        for reference in conditional:
            target, expectation = self._meant(access, reference, settled)
            links.targets[reference] = target
            links.expectations.append(expectation)
        return links

    def _meant(
        self, access: Access, reference: str, settled: Sequence[Settled]
    ) -> tuple[str, SearchExpectation]:
        """Return what a conditional reference means: one that is here, else one that comes."""
        kind, query = split_condition(reference)
        if not access.may("s", kind):
            raise InteractionNotAllowed(type=kind)
        expectation = self._planner.records.expectation(access, kind, read_query(query))
        found = [id_ for _, _, id_ in expectation.expected]
        if not found and expectation.is_local:
            found = [
                one.ids[0]
                for one in settled
                if one.ask.type == kind and one.ask.draft is not None and not one.is_met
                if expectation.meets(_as_change(one))
            ]
        if len(found) != 1:
            raise ReferenceNotSelective(matches=len(found), type=kind)
        if expectation.expected and not access.sees_whole:
            self._check_open(access, (kind, found[0]))
        return f"{kind}/{found[0]}", expectation

    def _check_open(self, access: Access, key: tuple[str, str]) -> None:
        """Raise ConditionClosed where the reference would give away a restricted resource."""
        present = Present(self._journal)
        present.load([key])
        stored = present.stored(key)
        if stored and not access.sees(sensitivity_of_body(stored.body)):
            raise ConditionClosed()

    def _commit(
        self,
        access: Access,
        changes: Sequence[Change],
        conditions: Sequence[SearchExpectation],
        original: Original,
    ) -> Sequence[Entry]:
        if not changes:
            return ()
        if self._settings.refuses_missing_references:
            check_references(self._journal, self._planner.records, access, changes)
        whole = list(changes)
        if self._settings.provenance_of_transactions or original.number:
            whole += provenances(self._planner, access, changes, original.number)
        self._planner.keep_bounds(access, changes)
        with original.committing():
            entries = self._journal.commit(whole, conditions)
        original.written()
        return entries


def _ask(entry: Asked) -> Ask:
    assert entry.write is not None
    return entry.write


def _placed(problem: Problem, entry: Asked) -> Problem:
    problem.location = entry.place
    return problem


def _links_of(entry: Asked, settled: Settled) -> dict[str, str]:
    """Return which links mean an entry: its fullUrl, and relative ones at the same base."""
    draft = settled.ask.draft
    if draft is None or not entry.full_url:
        return {}
    target = f"{settled.ask.type}/{settled.ids[0]}"
    links = {entry.full_url: target}
    relative = f"{settled.ask.type}/{draft.id}"
    if draft.id and entry.full_url.endswith(f"/{relative}"):
        links[relative] = target
    return links


def _as_change(settled: Settled) -> Change:
    """Return a new resource as it came, to ask whether it meets a condition."""
    draft, (id_,) = settled.ask.draft, settled.ids
    assert draft is not None
    resource = {**draft.resource, "id": id_}
    return Change(settled.ask.type, id_, Operation.CREATE, draft.body, 0, 0, resource=resource)


def _check_once(settled: Sequence[Settled], entries: Sequence[Asked]) -> None:
    """Raise WrittenTwice where two entries mean one resource (R4 3.1.0.11.2)."""
    seen: set[tuple[str, str]] = set()
    stand = {key for one in settled if _only_looks(one) for key in one.keys}
    for entry, one in zip(entries, settled, strict=True):
        if _only_looks(one):
            continue
        for key in one.keys:
            if key in seen or (key in stand and one.ask.verb is Verb.DELETE):
                raise _placed(WrittenTwice(type=one.ask.type), entry)
            seen.add(key)


def _only_looks(settled: Settled) -> bool:
    return settled.ask.verb is Verb.CREATE and settled.is_met


def _check_own_conditions(
    settled: Sequence[Settled], plans: Sequence[Plan], entries: Sequence[Asked]
) -> None:
    """Raise NotSelective where what one entry writes meets the condition of another.

    Both would be accepted, and the condition be met twice.
    """
    by_type: dict[str, list[tuple[int, Change]]] = {}
    for place, plan in enumerate(plans):
        for change in plan.changes:
            by_type.setdefault(change.type, []).append((place, change))
    left = _PAIRS_MAX
    for place, one in enumerate(settled):
        if one.ask.verb is not Verb.DELETE and one.expectation and one.expectation.is_local:
            others = [change for at, change in by_type.get(one.ask.type, ()) if at != place]
            left -= len(others)
            if left < 0:
                raise BundleTooLarge(most=_PAIRS_MAX, what="conditions on resources it writes")
            if _is_met_by(one.expectation, others):
                raise _placed(NotSelective(type=one.ask.type), entries[place])


def _is_met_by(expectation: SearchExpectation, others: Sequence[Change]) -> bool:
    """Say whether changes make more resources meet a condition than were found to."""
    known = {id_ for _, _, id_ in expectation.expected}
    return any(change.id not in known and expectation.meets(change) for change in others)
