"""Bulk export and import of a node: wired, and worked on beside what is served."""

import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event

from trucyte.base.clock import SystemClock
from trucyte.base.disk import disk_state
from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import Settings
from trucyte.base.tracing import Event as LogEvent
from trucyte.database.connect import Database
from trucyte.database.job_folders import JobFolders
from trucyte.database.jobs import Job, Jobs
from trucyte.exchange.bulk.exports import JOB_KIND as EXPORT
from trucyte.exchange.bulk.exports import Exports
from trucyte.exchange.bulk.run import Exporter
from trucyte.exchange.bulk.write import Cut, ExportTools
from trucyte.intake.bulk.fetch import FetchRules
from trucyte.intake.bulk.imports import JOB_KIND as IMPORT
from trucyte.intake.bulk.imports import Imports
from trucyte.intake.bulk.run import Importer, Sources
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.node.parts import make_parts, worker_build
from trucyte.node.wiring import Node
from trucyte.records import Hasher
from trucyte.records.walk import Walker
from trucyte.shared.access.local import Unshown, access_again
from trucyte.web.api.operations.bulk import Bulk as BulkApi
from trucyte.web.api.operations.table import Operation
from trucyte.web.api.shape import Shapes, Wish
from trucyte.web.defects import say_sorry

_IDLE_SECONDS = 1.0
_LEASE_SECONDS = 180.0
# What may be better when it is tried again.
_PASSING = (Kind.UNAVAILABLE, Kind.NO_SPACE, Kind.CONFLICT)
FAILED = LogEvent("bulk.failed", logging.WARNING, kind=str, problem=str)


@dataclass(frozen=True, slots=True)
class Bulk:
    """The parts of bulk jobs."""

    jobs: Jobs
    exports: Exports
    imports: Imports
    exporter: Exporter
    importer: Importer


def make_bulk(node: Node, *, sources: Sources | None = None) -> Bulk:
    """Wire the bulk jobs of a node; `sources` in place of those that the settings name."""
    settings = node.settings
    told = settings.bulk
    workers = told.workers or os.cpu_count() or 1
    jobs = Jobs(
        node.database,
        node.clock,
        worker=f"bulk-{socket.gethostname()}-{os.getpid()}",
        lease_seconds=_LEASE_SECONDS,
    )
    keep = timedelta(hours=told.keep_hours)

    def folders(kind: str) -> JobFolders:
        root = settings.data / "bulk" / kind
        return JobFolders(root, kind, node.database, jobs, node.clock, keep=keep)

    keys = settings.data / "keys"
    room = partial(
        disk_state, warn_bytes=settings.disk.warn_bytes, stop_bytes=settings.disk.stop_bytes
    )
    allowed = sources or Sources(
        tuple(told.import_folders),
        FetchRules(frozenset(told.import_hosts), allows_private=told.import_private),
    )
    return Bulk(
        jobs=jobs,
        exports=Exports(folders(EXPORT)),
        imports=Imports(folders(IMPORT), allowed),
        exporter=Exporter(
            walker=Walker(node.database, node.journal, node.parts.index, node.clock),
            access=partial(access_again, recorder=node.trail),
            person=Hasher(node.keyring.persons).person,
            clock=node.clock,
            build=partial(build_export_tools, node.database.url, keys, settings),
            workers=workers,
        ),
        importer=Importer(
            database=node.database,
            journal=node.journal,
            build=worker_build(node.database.url, keys),
            sources=allowed,
            room=lambda: room(settings.data),
            # One waits for the journal's lock or the disk while the others work.
            workers=told.workers or (os.cpu_count() or 1) + 1,
            language=settings.language,
        ),
    )


def operations_of(node: Node, bulk: Bulk) -> Sequence[Operation]:
    """Return the bulk operations of a node's API."""
    walker = Walker(node.database, node.journal, node.parts.index, node.clock)
    api = BulkApi(bulk.exports, bulk.imports, node.records, walker, node.clock.now)
    return api.operations()


def build_export_tools(url: str, keys: Path, settings: Settings) -> ExportTools:
    """Make what one process writes parts of exports with."""
    keyring = Keyring.open(keys)
    database = Database(url)
    parts = make_parts(keyring)
    journal = Journal(database, keyring, SystemClock())
    shapes = Shapes(parts.definitions)

    def cut(elements: Sequence[str]) -> Cut | None:
        return shapes.shape(Wish(elements=frozenset(elements))) if elements else None

    def close() -> None:
        journal.close()
        database.close()

    return ExportTools(
        walker=Walker(database, journal, parts.index),
        # Whoever hears what was written keeps the trail; here nobody is shown anything.
        access=partial(access_again, recorder=Unshown()),
        cut=cut,
        room=partial(
            disk_state, warn_bytes=settings.disk.warn_bytes, stop_bytes=settings.disk.stop_bytes
        ),
        close=close,
    )


def work_on_bulk(bulk: Bulk, stop: Event) -> None:
    """Do bulk jobs one after the other until `stop` is set: the life of a worker.

    What a Problem or a defect ends is tried again later, as the job table has it.
    """
    while not stop.is_set():
        try:
            if not do_one(bulk, stop):
                stop.wait(_IDLE_SECONDS)
        except Problem as problem:  # the database is away, say
            FAILED.log(kind="take", problem=problem.code)
            stop.wait(_IDLE_SECONDS)


def do_one(bulk: Bulk, stop: Event) -> bool:
    """Take and do the next job, if there is one. Raises DatabaseAway, JobLost."""
    job = bulk.jobs.take([EXPORT, IMPORT])
    if job is None:
        return False
    runs: dict[str, Callable[[], None]] = {
        EXPORT: lambda: bulk.exports.run(bulk.exporter, job, stop),
        IMPORT: lambda: bulk.imports.run(bulk.importer, job, stop),
    }
    try:
        runs[job.kind]()
    except Problem as problem:
        _fail(bulk, job, problem.code, is_final=problem.kind not in _PASSING)
    except Exception as defect:  # noqa: BLE001 - the outermost loop: the job fails, not the node
        say_sorry(defect, f"bulk-{job.kind}")
        _fail(bulk, job, "defect", is_final=False)
    return True


def _fail(bulk: Bulk, job: Job, code: str, *, is_final: bool) -> None:
    FAILED.log(kind=job.kind, problem=code)
    if is_final:
        bulk.jobs.give_up(job, code)
    else:
        bulk.jobs.fail(job, code)
