"""Run one export: plan it, let the writers write its parts, and say what came of it.

An export stands at the position at which it was planned. A part counts once its files
are durable and the trail names whose data is in it; a run that was killed goes on with the
parts that are left, at the same position.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import orjson

from trucyte.base.clock import Clock
from trucyte.base.crew import Crew
from trucyte.base.working import Inline, Workers, work_through
from trucyte.exchange.bulk.folder import ExportFolder, File, Finished, Part, Plan
from trucyte.exchange.bulk.request import ExportRequest, Level
from trucyte.exchange.bulk.write import (
    Build,
    Done,
    Task,
    file_name,
    make_writer,
)
from trucyte.records.access import Access
from trucyte.records.asker import Asker
from trucyte.records.walk import Deleted, Selection, Span, Walker, spans

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PART_MIN, _PART_MAX = 40_000, 250_000
_PARTS_EACH = 3  # for each worker, so that none is left alone with a large one
_INLINE_MAX = 20_000  # positions; fewer are done before a process has started
_BUNDLE_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is."""

    parts: int
    parts_total: int
    resources: int


Report = Callable[[Progress], bool]  # says whether to go on


@dataclass(frozen=True, slots=True)
class Exporter:
    """Runs exports; safe to share between threads."""

    walker: Walker
    access: Callable[[Asker], Access]  # with the recorder that keeps the trail
    person: Callable[[str], int]  # "Patient/<id>" -> person key
    clock: Clock
    build: Build = field(repr=False)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)

    def run(self, folder: ExportFolder, report: Report) -> Finished | None:
        """Write an export to its end; None where `report` said to stop.

        Raises DiskNearlyFull, DatabaseAway and WorkersDie: a later run goes on from there.
        """
        if (finished := folder.finished()) is not None:
            return finished
        request = folder.request()
        access = self.access(request.asker)
        reason = f"export {request.level} {','.join(request.types) or '*'}"
        plan = self._planned(folder, request, access, reason)
        if not self._write_parts(folder, request, plan, access, report, reason):
            return None
        return self._finished(folder, request, plan, access, reason)

    # Planning

    def _planned(
        self, folder: ExportFolder, request: ExportRequest, access: Access, reason: str
    ) -> Plan:
        """Return the plan that is still good, or a new one."""
        plan = folder.plan()
        position = self.walker.position()
        if plan and plan.epoch == position.epoch and plan.snapshot >= self.walker.horizon():
            return plan
        access.recorder.shown(access, (), f"{reason}: begin")
        now = self.clock.now()
        last = position.seq
        if request.until is not None:
            last = min(last, self.walker.position_after(request.until) - 1)
        first = 1 if request.since is None else self.walker.position_after(request.since)
        size = max(_PART_MIN, -(-(last - first + 1) // (max(1, self.workers) * _PARTS_EACH)))
        cut = spans(first, last, size=min(size, _PART_MAX))
        plan = Plan(
            position.seq, position.epoch, now, (now - _EPOCH) // _MICROSECOND, first,
            tuple((span.first, span.last) for span in cut),
        )  # fmt: skip
        folder.set_plan(plan)
        return plan

    def _selection(self, request: ExportRequest) -> Selection:
        is_of_patients = request.level is not Level.SYSTEM
        persons = request.patients
        return Selection(
            types=request.chosen_types,
            persons=None if persons is None else tuple(map(self.person, persons)),
            of_patients=is_of_patients,
            filters=request.filters,
        )

    # Writing

    def _write_parts(
        self,
        folder: ExportFolder,
        request: ExportRequest,
        plan: Plan,
        access: Access,
        report: Report,
        reason: str,
    ) -> bool:
        done = folder.parts()
        todo = [n for n in range(1, len(plan.spans) + 1) if n not in done]
        tasks = [self._task(folder, request, plan, number) for number in todo]

        def settle(told: Done) -> None:
            # The trail first: what is not in it is in no file that is served.
            access.recorder.shown(access, sorted(told.persons), reason)
            folder.add_part(told.part)
            done[told.part.number] = told.part

        with closing(self._writers(plan, tasks)) as writers:
            return work_through(
                writers,
                ([task] for task in tasks),
                goes_on=lambda: report(_progress(done, plan)),
                settle=settle,
            )

    def _task(self, folder: ExportFolder, request: ExportRequest, plan: Plan, number: int) -> Task:
        first, last = plan.spans[number - 1]
        return Task(
            folder.path, number, request.asker, self._selection(request), Span(first, last),
            plan.snapshot, plan.now, request.elements,
        )  # fmt: skip

    def _writers(self, plan: Plan, tasks: Sequence[Task]) -> Workers[Task, Done]:
        positions = sum(task.span.last - task.span.first + 1 for task in tasks)
        if self.workers < 1 or positions <= _INLINE_MAX:
            return Inline(make_writer(self.build))
        return Crew(partial(make_writer, self.build), min(self.workers, len(tasks)))

    # The end

    def _finished(
        self, folder: ExportFolder, request: ExportRequest, plan: Plan, access: Access, reason: str
    ) -> Finished:
        files = [file for _, part in sorted(folder.parts().items()) for file in part.files]
        finished = Finished(
            plan.at,
            tuple(sorted(files, key=lambda file: (file.type, file.name))),
            self._deleted(folder, request, plan, access),
        )
        access.recorder.shown(access, (), f"{reason}: end")
        folder.finish(finished)
        return finished

    def _deleted(
        self, folder: ExportFolder, request: ExportRequest, plan: Plan, access: Access
    ) -> tuple[File, ...]:
        """Write what was deleted since, as transactions that delete it (IG § Deleted)."""
        if request.since is None or not plan.spans:
            return ()
        span = Span(plan.first, plan.spans[-1][1])
        gone = self.walker.deleted(access, self._selection(request), span)
        if not gone:
            return ()
        bundles = [
            _bundle(gone[at : at + _BUNDLE_ENTRIES]) for at in range(0, len(gone), _BUNDLE_ENTRIES)
        ]
        name = file_name("Bundle", 0)
        data = b"".join(orjson.dumps(bundle) + b"\n" for bundle in bundles)
        access.recorder.shown(access, sorted({one.person for one in gone}), "export deleted")
        with (folder.path / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return (File("Bundle", name, len(bundles), len(data)),)


def _progress(done: dict[int, Part], plan: Plan) -> Progress:
    resources = sum(file.count for part in done.values() for file in part.files)
    return Progress(len(done), len(plan.spans), resources)


def _bundle(gone: Sequence[Deleted]) -> dict[str, object]:
    entries = [{"request": {"method": "DELETE", "url": f"{o.type}/{o.id}"}} for o in gone]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
