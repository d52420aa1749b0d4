"""Accept claims visits in batches: read, map, decide, check, commit.

A batch costs the journal one look and one commit. Visits of one person never share a
round, so each is decided on what the one before it left. Whatever fails, fails one visit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from trucyte.base.clock import VIETNAM
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.text import accept_own
from trucyte.intake.claims.draft import Draft
from trucyte.intake.claims.plan import Plan, Planner, Work, key_of
from trucyte.intake.claims.present import Key, Present
from trucyte.intake.claims.provenance import provenance_id
from trucyte.intake.claims.read import VisitReader
from trucyte.intake.claims.tables import Visit
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Piece
from trucyte.intake.running.results import Outcome, Result
from trucyte.intake.sensitivity import may_be_sensitive
from trucyte.intake.speaking import Speaking
from trucyte.intake.tools import Tools
from trucyte.intake.unreadable import DecisionContested, MappingFailed
from trucyte.journal.change import Change, Operation, VersionConflict

Task = tuple[int, Piece]  # source, piece
Told = tuple[int, Result]  # source, result
_WAIT = (Kind.UNAVAILABLE, Kind.NO_SPACE)  # what concerns the node, not a visit
_TRIES = 8
_SHARED_MAX = 200_000


class ClaimsAcceptor:
    """Takes pieces of claims files into the journal."""

    def __init__(self, tools: Tools, limits: Limits = DEFAULT) -> None:
        """Work with `tools` in one thread."""
        self._tools = tools
        self._reader = VisitReader(limits)
        self._present = Present(tools.journal)
        self._planner = Planner(tools, self._present)
        self._speaking = Speaking(tools)
        self._shared: dict[Key, None] = {}  # directory resources known to be there

    def accept(self, tasks: Sequence[Task]) -> Iterator[Told]:
        """Accept each piece or say why not, in any order of their ordinals.

        Raises the Problem where the database or its disk is gone; the pieces that gave no
        result yet can be accepted again.
        """
        works = []
        for source, piece in tasks:
            try:
                works.append(self._work(source, piece))
            except Problem as problem:
                if problem.kind in _WAIT:
                    raise
                yield source, refused(piece, problem)
            except Exception as error:  # noqa: BLE001 - a defect costs one visit, not the file
                yield source, refused(piece, MappingFailed(error=type(error).__name__))
        pieces = {(source, piece.ordinal): piece for source, piece in tasks}
        for round_ in _rounds(works):
            for work, result in self._round(round_, pieces):
                yield work.source, result

    def _work(self, source: int, piece: Piece) -> Work:
        if piece.problem is not None:
            raise piece.problem
        visit = self._plausible(self._reader.read(piece))
        self._speaking.visit(source, piece.ordinal, visit.facility)
        people = self._tools.mapping.people(visit)
        return Work(
            source,
            piece.ordinal,
            visit,
            provenance_id(self._tools.ids, visit.facility, visit.link),
            [draft for draft in people if not draft.is_shared],
            [draft for draft in people if draft.is_shared],
        )

    def _plausible(self, visit: Visit) -> Visit:
        """Forget a day of making (NGAYLAP) that has not come yet.

        Newer is the later NGAYLAP: one mistyped into the future would outrank every later
        correction. Without it the order of arrival decides.
        """
        tomorrow = self._tools.clock.now().astimezone(VIETNAM).date() + timedelta(days=1)
        if visit.made_on is None or visit.made_on <= tomorrow:
            return visit
        return replace(visit, made_on=None)

    def _round(
        self, works: Sequence[Work], pieces: dict[tuple[int, int], Piece]
    ) -> Iterator[tuple[Work, Result]]:
        """Accept visits of different people; those in conflict are decided again, alone."""
        waiting = list(works)
        for attempt in range(_TRIES):
            again = []
            for group in [waiting] if attempt == 0 else [[work] for work in waiting]:
                for work, result in self._attempt(group):
                    if isinstance(result, VersionConflict):
                        again.append(work)
                    elif isinstance(result, Problem):
                        piece = pieces[work.source, work.ordinal]
                        yield work, refused(piece, result, work.visit.link)
                    else:
                        yield work, result
            waiting = again
            if not waiting:
                return
        for work in waiting:
            piece = pieces[work.source, work.ordinal]
            yield work, refused(piece, DecisionContested(), work.visit.link)

    def _attempt(self, works: Sequence[Work]) -> Iterator[tuple[Work, Result | Problem]]:
        self._present.clear()
        self._present.load(key for work in works for key in work.keys)
        plans: list[tuple[Work, Plan]] = []
        self._tools.rules.look(work.visit for work in works)
        for work in works:
            try:
                plan = self._planner.plan(work)
                plan.findings = self._tools.rules.check(work.visit)
                plans.append((work, plan))
            except Problem as problem:
                if problem.kind in _WAIT:
                    raise
                yield work, problem
            except Exception as error:  # noqa: BLE001 - a defect costs one visit, not the file
                yield work, MappingFailed(error=type(error).__name__)
        created = self._commit(plans)
        for (work, plan), (count, trouble) in zip(plans, created, strict=True):
            yield work, trouble or self._result(work, plan, count)

    def _commit(self, plans: Sequence[tuple[Work, Plan]]) -> list[tuple[int, Problem | None]]:
        """Commit what is planned; return for each how many lines it became, or its Problem."""
        shared = self._new_shared(work for work, plan in plans if plan.changes)
        busy = [(work, plan) for work, plan in plans if plan.changes]
        units = [[change] for _, change in shared] + [plan.changes for _, plan in busy]
        outcomes = self._tools.journal.commit_many(units) if units else []
        for outcome in outcomes:
            if isinstance(outcome, Problem) and outcome.kind in _WAIT:
                raise outcome
        counts = {id(work): 0 for work, _ in plans}
        for (work, change), outcome in zip(shared, outcomes, strict=False):
            is_new = not isinstance(outcome, Problem)
            if is_new or isinstance(outcome, VersionConflict):  # there now, or there before
                self._remember((change.type, change.id))
            # Kept with the visit: it may be decided again, what it brought is written.
            work.written += is_new
        problems: dict[int, Problem] = {}
        for (work, _), outcome in zip(busy, outcomes[len(shared) :], strict=True):
            if isinstance(outcome, Problem):
                problems[id(work)] = outcome
            else:
                counts[id(work)] += len(outcome)
        return [(counts[id(work)], problems.get(id(work))) for work, _ in plans]

    def _new_shared(self, works: Iterable[Work]) -> list[tuple[Work, Change]]:
        """Return the directory resources that are not known to be there, each once."""
        found: dict[Key, tuple[Work, Change]] = {}
        for work in works:
            for draft in work.shared:
                key = key_of(draft)
                if key not in self._shared and key not in found:
                    found[key] = (work, self._shared_change(work, draft))
        return list(found.values())

    def _shared_change(self, work: Work, draft: Draft) -> Change:
        kind, identity = key_of(draft)
        accepted = accept_own(draft.resource)
        return Change(
            type=kind,
            id=identity,
            operation=Operation.CREATE,
            body=accepted.body,
            meta_offset=accepted.meta_offset,
            person=self._tools.person(f"{kind}/{identity}"),
            expected=0,  # one that is there already stays as it is
            source=work.source,
            row=work.ordinal,
            resource=draft.resource,
        )

    def _remember(self, key: Key) -> None:
        if len(self._shared) >= _SHARED_MAX:
            self._shared.clear()
        self._shared[key] = None

    def _result(self, work: Work, plan: Plan, count: int) -> Result:
        return Result(
            ordinal=work.ordinal,
            outcome=plan.outcome,
            link=work.visit.link,
            encounter=plan.encounter,
            is_restricted=plan.is_restricted,
            resources=count + work.written + plan.resources,
            findings=plan.findings,
            variant=work.visit.variant.value,
            facility=work.visit.facility,
        )


def refused(piece: Piece, problem: Problem, link: str = "") -> Result:
    """Return the result of a piece that goes to quarantine."""
    return Result(
        ordinal=piece.ordinal,
        outcome=Outcome.QUARANTINED,
        link=link,
        is_restricted=may_be_sensitive(piece.data),
        facility=piece.envelope.facility,
        reason=problem.code,
        facts=problem.facts,
    )


def _rounds(works: Iterable[Work]) -> list[list[Work]]:
    """Share works out so that no round holds two of one person or visit, order kept."""
    rounds: list[list[Work]] = []
    last: dict[Key, int] = {}
    for work in works:
        number = 1 + max((last.get(key, -1) for key in work.keys), default=-1)
        last.update(dict.fromkeys(work.keys, number))
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(work)
    return rounds
