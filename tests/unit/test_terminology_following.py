"""Code lists follow the journal by themselves, and a replay shows whether they are right."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.terminology import SYSTEM, TREE, Lists, code_system, edition, open_lists, terms
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database, DatabaseAway
from trucyte.fhir.definitions import Definitions
from trucyte.journal.rebuild import Difference
from trucyte.shared.terminology import follower as following
from trucyte.shared.terminology.edition import INLINE_MAX
from trucyte.shared.terminology.follower import Follower

SECONDS = 20


@pytest.fixture
def lists(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Lists]:
    with open_lists(database, tmp_path, clock, definitions) as opened:
        yield opened


def altered(lists: Lists, sql: str) -> None:
    with lists.node.database.connection() as connection:
        connection.execute(sql)


def one(lists: Lists, sql: str) -> object:
    with lists.node.database.connection() as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def soon(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happened()


@contextmanager
def running(follower: Follower) -> Iterator[list[Problem]]:
    stop, problems = threading.Event(), list[Problem]()
    thread = threading.Thread(target=follower.run, args=(stop, problems.append))
    thread.start()
    try:
        yield problems
    finally:
        stop.set()
        thread.join(SECONDS)
        assert not thread.is_alive()


def has_code(lists: Lists, code: str) -> Callable[[], bool]:
    return lambda: bool(lists.terminology.has_code(SYSTEM, code))


def test_what_is_accepted_through_any_door_is_answered_by_itself(lists: Lists) -> None:
    with running(lists.follower) as problems:
        lists.node.put(code_system(TREE))
        assert soon(has_code(lists, "A1"))
        lists.node.put(code_system([{"code": "Z9", "display": "Mới"}]))
        assert soon(has_code(lists, "Z9"))
        lists.node.delete("CodeSystem", "benh")
        assert soon(lambda: lists.terminology.has_code(SYSTEM, "Z9") is None)
    assert problems == []


def test_a_follower_that_starts_again_goes_on_where_the_last_one_ended(lists: Lists) -> None:
    with running(lists.follower):
        lists.node.put(code_system(TREE))
        assert soon(has_code(lists, "A1"))
    before = one(lists, "select ctid::text from terminology.artefact")
    lists.node.put(code_system(TREE, id="other", url="urn:x:other"))
    with running(Follower(lists.node.database, lists.node.journal)):
        assert soon(lambda: bool(lists.terminology.has_code("urn:x:other", "A1")))
    assert one(lists, "select ctid::text from terminology.artefact where id='benh'") == before


def test_a_database_that_goes_away_is_told_and_waited_for(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [DatabaseAway(reason="gone")]
    real = lists.node.journal.tail

    def tail() -> int:
        if failures:
            raise failures.pop()
        return real()

    monkeypatch.setattr(following, "_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(lists.node.journal, "tail", tail)
    lists.node.put(code_system(TREE))
    with running(lists.follower) as problems:
        assert soon(has_code(lists, "A1"))
    assert [problem.code for problem in problems] == [DatabaseAway.code]


def test_a_replay_finds_nothing_where_all_is_right_and_leaves_all_as_it_was(lists: Lists) -> None:
    lists.store.put([edition(terms(INLINE_MAX + 700), url="urn:x:large")])
    lists.put(code_system(TREE))
    lists.put(code_system(TREE[:1]))
    generation = one(lists, "select generation from terminology.state")
    places = "select string_agg(ctid::text, ' ' order by position) from terminology.concept"
    before = one(lists, places)
    seen: list[tuple[int, int]] = []
    assert lists.follower.compare(lambda done, total: seen.append((done, total))) is None
    assert seen[-1] == (lists.line_count(), lists.line_count())
    assert one(lists, "select generation from terminology.state") == generation
    assert one(lists, places) == before
    lists.put(code_system(TREE))  # the journal's tail is free again


@pytest.mark.parametrize(
    ("sql", "difference"),
    [
        ("update terminology.concept set display = 'x' where code = 'A1'",
         Difference("terminology.concept", "benh/2", "changed")),
        ("delete from terminology.concept where code = 'A1'",
         Difference("terminology.concept", "benh/2", "missing")),
        ("update terminology.artefact set valid_to = '2020-01-01'",
         Difference("terminology.artefact", "3/benh", "changed")),
        ("insert into terminology.concept (artefact, position, code, display, folded, verified,"
         " parents, detail) select artefact, 99, 'Q', display, folded, verified, parents, detail"
         " from terminology.concept where code = 'A1'",
         Difference("terminology.concept", "benh/99", "extra")),
    ],
)  # fmt: skip
def test_a_replay_names_the_row_that_was_altered(
    lists: Lists, sql: str, difference: Difference
) -> None:
    lists.put(code_system(TREE))
    altered(lists, sql)
    found = lists.follower.compare()
    assert found is not None
    assert (found.table, found.kind) == (difference.table, difference.kind)
    assert found.row.split("/")[-1] == difference.row.split("/")[-1]


def test_to_be_behind_is_no_difference(lists: Lists) -> None:
    lists.put(code_system(TREE))
    lists.node.put(code_system(TREE[:1]))
    assert lists.follower.compare() is None
    assert lists.terminology.has_code(SYSTEM, "B1"), "nothing was laid out for good"
