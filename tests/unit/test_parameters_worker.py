"""The worker that walks: it stops when told, rests what is cancelled, tries again what failed."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database, DatabaseAway
from trucyte.database.jobs import Jobs
from trucyte.fhir.definitions import Definitions
from trucyte.records.parameters.plan import State
from trucyte.records.parameters.walk import Report, Walk
from trucyte.records.parameters.worker import Reindexer

BASE = "https://example.org/fhir/SearchParameter/"


def parameter(code: str) -> dict:
    return {
        "resourceType": "SearchParameter",
        "id": code,
        "url": BASE + code,
        "status": "active",
        "code": code,
        "base": ["Patient"],
        "type": "token",
        "expression": "Patient.gender",
    }


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(*[{"resourceType": "Patient", "id": f"p{n}"} for n in range(60)])
        opened.put(parameter("sex"))
        yield opened


class Between(Walk):
    """A walk in whose turns something happens."""

    happens = staticmethod(lambda: None)

    def run(self, report: Report) -> bool:
        def told(done: int, total: int) -> bool:
            self.happens()
            return report(done, total)

        return super().run(told)


def state(node: Node) -> State:
    node.index.book.learn(node.database, now=True)
    return node.index.book.plan.kept["sex"].state


def worker_of(node: Node) -> tuple[Between, Reindexer]:
    walk = Between(node.database, node.journal, node.index, node.clock)
    return walk, Reindexer(node.database, walk, node.clock)


def test_a_cancelled_job_lets_its_parameters_rest(node: Node) -> None:
    walk, worker = worker_of(node)
    jobs = Jobs(node.database, node.clock, worker="other")
    walk.happens = lambda: jobs.cancel(1)
    assert worker.work()
    assert state(node) is State.STOPPED
    assert jobs.read(1).state == "cancelled"


def test_a_node_that_stops_leaves_the_walk_to_the_next_start(node: Node) -> None:
    walk, worker = worker_of(node)
    stop = Event()
    walk.happens = stop.set
    assert worker.work(stop)
    assert state(node) is State.BUILDING


def test_what_failed_is_tried_again(node: Node) -> None:
    walk, worker = worker_of(node)

    def away() -> None:
        raise DatabaseAway

    walk.happens = away
    with pytest.raises(DatabaseAway):
        worker.work()
    assert Jobs(node.database, node.clock, worker="other").read(1).problem == "database-away"
    assert state(node) is State.BUILDING


def test_a_worker_that_runs_goes_on_after_a_problem(node: Node) -> None:
    walk, worker = worker_of(node)
    stop, told, turns = Event(), [], iter([True])

    def once() -> None:
        if next(turns, False):
            raise DatabaseAway

    def waits(problem: Problem) -> None:
        told.append(problem.code)
        stop.set()

    walk.happens = once
    thread = Thread(target=worker.run, args=(stop, waits))
    thread.start()
    thread.join(20)
    assert told == ["database-away"]


def test_a_worker_that_runs_brings_all_to_ready(node: Node) -> None:
    worker = worker_of(node)[1]
    stop = Event()
    thread = Thread(target=worker.run, args=(stop, lambda problem: None))
    thread.start()
    while state(node) is not State.READY:
        pass
    stop.set()
    thread.join()
    assert node.search("Patient", ("sex:missing", "true"), ("_count", "100"))


DERIVED = {"derivedFrom": BASE + "sex"}
OF_R4 = "http://hl7.org/fhir/SearchParameter/"


@pytest.mark.parametrize(
    "more",
    [
        {**DERIVED, "type": "string"},
        {**DERIVED, "base": ["Person"], "expression": "Person.gender"},
        {"derivedFrom": OF_R4 + "Patient-active", "type": "string"},
        {"derivedFrom": OF_R4 + "Patient-active", "code": "active", "type": "string"},
        {"derivedFrom": OF_R4 + "Patient-active", "code": "active", "base": ["Person"]},
        {"multipleOr": "yes"},
    ],
)
def test_what_is_derived_keeps_to_its_origin(node: Node, more: dict) -> None:
    with pytest.raises(Problem) as caught:
        node.put({**parameter("other"), **more})
    assert caught.value.code == "search-parameter-unreadable"


@pytest.mark.parametrize(
    "more",
    [
        DERIVED,
        {"derivedFrom": OF_R4 + "Patient-active", "expression": "Patient.active"},
        {"derivedFrom": OF_R4 + "Resource-tag", "expression": "Patient.meta.tag"},
    ],
)
def test_what_is_derived_and_keeps_to_its_origin_is_taken(node: Node, more: dict) -> None:
    node.put({**parameter("other"), **more})
    node.index.book.learn(node.database, now=True)
    assert "other" in node.index.book.plan.compiled
