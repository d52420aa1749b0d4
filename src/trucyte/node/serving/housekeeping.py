"""What goes on behind the answers of a node: intake, followers, sealing, sweeping."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from trucyte.base.problem import Problem
from trucyte.base.tracing import Event as LogEvent
from trucyte.intake.door import process_waiting
from trucyte.intake.progress import Watchers
from trucyte.intake.watch import FolderWatch
from trucyte.node.api.reindexing import walk_of
from trucyte.node.bulk.jobs import Bulk, make_bulk, work_on_bulk
from trucyte.node.exchange.subscriptions import telling
from trucyte.node.people.parts import identifying
from trucyte.node.wiring import Node
from trucyte.records.parameters.worker import Reindexer
from trucyte.records.persons.relations import sweep_relations
from trucyte.shared.terminology.follower import Follower

STOP_SECONDS_MAX = 30
SEAL_SECONDS = 60.0
SWEEP_TURNS = 60  # about an hour
PAGES_LIVE = timedelta(hours=1)  # how long the next page of a search can be asked for
WAITS = LogEvent("node.waits", logging.WARNING, problem=str)


def _keep_house(node: Node, bulk: Bulk, stop: Event) -> None:
    """Seal what was accepted and sweep what has gone, at their own pace, until `stop` is set.

    A busy journal or trail signs by itself; this signs for an idle one. A Problem is told and tried
    again at the next turn.
    """
    signed, turn = [-1, -1], 0
    while not stop.wait(SEAL_SECONDS):
        turn += 1
        try:
            # What a kill left half done; one that is under way elsewhere only gets help.
            node.journal.resume_erasures()
            for number, journal in enumerate((node.journal, node.trail.journal)):
                if journal.tail() != signed[number]:
                    signed[number] = journal.checkpoint().last_seq
            if turn % SWEEP_TURNS == 0:
                _sweep(node, bulk)
        except Problem as problem:
            WAITS.log(problem=problem.code)


def _sweep(node: Node, bulk: Bulk) -> None:
    """Forget what nobody can ask for any more: a running export still needs what it began with."""
    limit = node.clock.now() - PAGES_LIVE
    begun = bulk.exports.folders.open_since()
    node.parts.index.sweep(node.database, limit if begun is None else min(limit, begun))
    node.parts.index.sweep_phrases(node.database)
    sweep_relations(node.database)
    bulk.exports.folders.sweep()
    bulk.imports.folders.sweep()


@contextmanager
def working(node: Node, watch: Path | None = None) -> Iterator[None]:
    """Work on what is received, and look at a folder, until the block is left."""
    stop = Event()
    watchers = Watchers(warning=lambda problem: WAITS.log(problem=problem.code))
    codes = Follower(node.database, node.journal)
    bulk = make_bulk(node)
    reindexer = Reindexer(node.database, walk_of(node), node.clock)
    threads = [
        Thread(target=process_waiting, args=(node.door, stop, watchers), name="intake"),
        Thread(target=codes.run, args=(stop, watchers.warning), name="terminology"),
        Thread(target=reindexer.run, args=(stop, watchers.warning), name="reindex"),
        Thread(target=work_on_bulk, args=(bulk, stop), name="bulk"),
        Thread(target=_keep_house, args=(node, bulk, stop), name="housekeeping"),
    ]
    if watch is not None:
        watch.mkdir(parents=True, exist_ok=True)
        folder = FolderWatch(watch, node.receipts)
        threads.append(Thread(target=lambda: folder.run(stop, watchers=watchers), name="watch"))
    for thread in threads:
        thread.start()
    try:
        with telling(node, watchers.warning), identifying(node, watchers.warning):
            yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(STOP_SECONDS_MAX)
