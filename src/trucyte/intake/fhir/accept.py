"""Accept FHIR bundles, lines of NDJSON and single resources.

A transaction or collection is one unit; each entry of a batch and each line is one of
its own. The received bytes are kept, only ids and resolved links are spliced. What is
already here with the same content writes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.issue import Severity
from trucyte.fhir.parse import parse
from trucyte.fhir.text import Accepted, accept, without_own_fields
from trucyte.intake.claims.accept import Task, Told, refused
from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.plan import is_same
from trucyte.intake.claims.present import Present
from trucyte.intake.fhir.conditions import resolve_references
from trucyte.intake.fhir.entries import Asked, Entry, read_piece
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Piece
from trucyte.intake.running.results import Outcome, Result
from trucyte.intake.speaking import Speaking
from trucyte.intake.tools import Finder, Tools
from trucyte.intake.unreadable import (
    DecisionContested,
    FhirInvalid,
    MappingFailed,
    ReferenceUnresolved,
)
from trucyte.journal.change import Change, Operation, VersionConflict
from trucyte.journal.change import Entry as Line

_WAIT = (Kind.UNAVAILABLE, Kind.NO_SPACE)
_TRIES = 8
LICENCE_RULE = "GPHN-20"  # of rules/data/licences.toml
_FINDINGS_MAX = 100  # of one piece
_RESTRICTED = frozenset({"R", "V"})


@dataclass(slots=True)
class _Plan:
    """The units of one piece."""

    source: int
    piece: Piece
    kind: str
    units: list[list[Change]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    is_restricted: bool = False


class FhirAcceptor:
    """Takes pieces of FHIR JSON into the journal."""

    def __init__(self, tools: Tools, limits: Limits = DEFAULT, *, later_wins: bool = False) -> None:
        """Work with `tools` in one thread.

        `later_wins`: pieces of one source may be worked on side by side, and of those that
        name one resource the last one counts, whichever is committed first.
        """
        self._tools = tools
        self._limits = limits
        self._later_wins = later_wins
        self._present = Present(tools.journal)
        self._speaking = Speaking(tools)

    def accept(self, tasks: Sequence[Task]) -> Iterator[Told]:
        """Accept each piece or say why not; raises the Problem where the database is gone."""
        for (source, piece), result in self.judge(tasks):
            if isinstance(result, Problem):
                yield source, refused(piece, result)
            else:
                yield source, result

    def judge(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result | Problem]]:
        """Accept each piece and give what came of it, or the Problem that refuses it.

        Pieces that name one resource are accepted in their order.
        """
        self._speaking.begin()
        waiting: list[_Read] = []
        for task in tasks:
            try:
                waiting.append((task, self._read(task[1])))
            except Problem as problem:
                yield task, problem
        tries = 0
        while waiting and tries < _TRIES:
            now, later = _without_same(waiting)
            again: list[_Read] = []
            for read, result in self._attempt(now):
                if isinstance(result, VersionConflict):
                    again.append(read)
                else:
                    yield read[0], result
            tries = tries + 1 if again else 0
            waiting = again + later
        for task, _ in waiting:
            yield task, DecisionContested()

    def _attempt(self, reads: Sequence["_Read"]) -> Iterator[tuple["_Read", Result | Problem]]:
        self._present.clear()
        self._present.load((e.type, e.id) for _, found in reads for e in found.entries)
        plans: list[tuple[_Read, _Plan]] = []
        for read in reads:
            try:
                plans.append((read, self._plan(*read)))
            except Problem as problem:
                if problem.kind in _WAIT:
                    raise
                yield read, problem
            except Exception as error:  # noqa: BLE001 - a defect costs one piece, not the file
                yield read, MappingFailed(error=type(error).__name__)
        self._remark([plan for _, plan in plans])
        yield from self._commit(plans)

    def _remark(self, plans: Sequence[_Plan]) -> None:
        """Say in which pieces someone signs whose licence was not in force; none is refused."""
        if self._tools.signers is None:
            return
        changes = [
            (plan, change.resource)
            for plan in plans
            for unit in plan.units
            for change in unit
            if change.resource is not None
        ]
        found = self._tools.signers.barred([resource for _, resource in changes])
        for (plan, _), one in zip(changes, found, strict=True):
            if one is not None and len(plan.findings) < _FINDINGS_MAX:
                facts: dict[str, str | int] = {"licence": one.why, "entry": 1, "day": one.day}
                plan.findings.append(
                    Finding(LICENCE_RULE, Severity.INFORMATION, "", 0, one.place, facts)
                )

    def _read(self, piece: Piece) -> Asked:
        if piece.problem is not None:
            raise piece.problem
        return read_piece(piece, self._tools.ids, self._limits.bundle)

    def _commit(
        self, plans: Sequence[tuple["_Read", _Plan]]
    ) -> Iterator[tuple["_Read", Result | Problem]]:
        units = [unit for _, plan in plans for unit in plan.units]
        outcomes = iter(self._tools.journal.commit_many(units) if units else ())
        for read, plan in plans:
            became = [next(outcomes) for _ in plan.units]
            problems = [outcome for outcome in became if isinstance(outcome, Problem)]
            if problems:
                if problems[0].kind in _WAIT:
                    raise problems[0]
                yield read, problems[0]
                continue
            count = sum(len(outcome) for outcome in became if not isinstance(outcome, Problem))
            yield read, _result(plan, count)

    def _plan(self, task: Task, asked: Asked) -> _Plan:
        source, piece = task
        plan = _Plan(source, piece, asked.kind)
        entries, links = self._settled(asked, self._speaking.finder(source))
        self._speaking.check_keys(source, [(entry.type, entry.id) for entry in entries])
        changes = []
        for entry in entries:
            change = self._change(plan, entry, links)
            if change is not None:
                changes.append(change)
        if asked.is_whole:
            plan.units = [changes] if changes else []
        else:
            plan.units = [[change] for change in changes]
        return plan

    def _settled(self, asked: Asked, finder: Finder) -> tuple[list[Entry], dict[str, str]]:
        """Answer the conditions; return the entries that are left, and all links."""
        links = dict(asked.links)
        entries = []
        for entry in asked.entries:
            found: tuple[str, ...] = ()
            if entry.if_none_exist:
                found = tuple(finder.find(entry.type, entry.if_none_exist))
                if len(found) > 1:
                    raise ReferenceUnresolved(matches=len(found))
            if not found:
                entries.append(entry)
                continue
            ours = f"{entry.type}/{entry.id}"
            links = {
                link: f"{entry.type}/{found[0]}" if target == ours else target
                for link, target in links.items()
            }
        bodies = (entry.body for entry in entries)
        links.update(resolve_references(bodies, finder))
        return entries, links

    def _change(self, plan: _Plan, entry: Entry, links: dict[str, str]) -> Change | None:
        key = (entry.type, entry.id)
        version, stored = self._present.version(key), self._present.stored(key)
        if entry.if_match is not None and entry.if_match != version:
            raise FhirInvalid(path=entry.place, issue="if-match")
        if self._later_wins and stored and _is_overtaken(stored.entry, plan):
            return None
        if not entry.body:
            if stored is None:
                return None
            return self._made(plan, entry, Accepted(b"", 0), None, version)
        accepted = accept(entry.body, id=entry.id, references=links, resource=entry.resource)
        resource = entry.resource
        if resource is None or links or "id" not in resource:
            resource = parse(accepted.body)
        else:
            resource = without_own_fields(resource)
        self._check(resource, entry)
        plan.is_restricted = plan.is_restricted or is_restricted(resource)
        if stored and is_same(accepted.body, stored.body):
            return None
        return self._made(plan, entry, accepted, resource, version)

    def _check(self, resource: dict[str, Any], entry: Entry) -> None:
        for issue in self._tools.checker.check(resource):
            if issue.severity in (Severity.ERROR, Severity.FATAL):
                path = f"{entry.place}.{issue.location}".lstrip(".")
                raise FhirInvalid(path=path, issue=issue.message_id)

    def _made(
        self,
        plan: _Plan,
        entry: Entry,
        accepted: Accepted,
        resource: dict[str, Any] | None,
        version: int,
    ) -> Change:
        operation = Operation.UPDATE if version else Operation.CREATE
        person = self._tools.person_of(resource) if resource else None
        return Change(
            type=entry.type,
            id=entry.id,
            operation=operation if accepted.body else Operation.DELETE,
            body=accepted.body,
            meta_offset=accepted.meta_offset,
            person=self._tools.person(person or f"{entry.type}/{entry.id}"),
            expected=version,
            source=plan.source,
            row=plan.piece.ordinal,
            resource=resource,
        )


_Read = tuple[Task, Asked]


def _without_same(reads: Sequence[_Read]) -> tuple[list[_Read], list[_Read]]:
    """Return what can be worked on together, and what names a resource of those before it."""
    now: list[_Read] = []
    later: list[_Read] = []
    taken: set[tuple[str, str]] = set()
    for read in reads:
        keys = {(entry.type, entry.id) for entry in read[1].entries}
        (now if taken.isdisjoint(keys) else later).append(read)
        taken |= keys
    return now, later


def _is_overtaken(entry: Line, plan: _Plan) -> bool:
    """Say whether the current version is of this very piece, or of a later one of its source."""
    return entry.source == plan.source and entry.row >= plan.piece.ordinal


def is_restricted(resource: dict[str, Any]) -> bool:
    """Say whether a resource is labelled restricted or very restricted."""
    labels = resource.get("meta", {}).get("security", ())
    return any(label.get("code") in _RESTRICTED for label in labels)


def _result(plan: _Plan, count: int) -> Result:
    return Result(
        ordinal=plan.piece.ordinal,
        outcome=Outcome.ACCEPTED if count else Outcome.UNCHANGED,
        is_restricted=plan.is_restricted,
        resources=count,
        findings=plan.findings,
        variant=f"FHIR {plan.kind}" if plan.kind.startswith("Bundle") else "FHIR",
    )
