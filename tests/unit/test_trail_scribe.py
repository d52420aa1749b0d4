"""Entries of the trail: gathered, each told of its own end, none left behind."""

import time
from collections.abc import Sequence
from threading import Event

import pytest

from trucyte.base.problem import Problem
from trucyte.database.connect import DatabaseAway
from trucyte.journal.change import Change, Operation
from trucyte.shared.audit.scribe import Scribe


def unit(name: str) -> list[Change]:
    return [Change("AuditEvent", name, Operation.CREATE, b"[1]", -1, 0)]


class Book:
    """Remembers each commit; holds them up until told, and refuses what is named bad."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.commits: list[list[str]] = []
        self.gate = Event()
        if is_open:
            self.gate.set()

    def commit(self, units: Sequence[Sequence[Change]]) -> list[list[object] | Problem]:
        assert self.gate.wait(10)
        names = [changes[0].id for changes in units]
        self.commits.append(names)
        if "dead" in names:
            raise RuntimeError("dead")
        return [DatabaseAway() if name == "bad" else [] for name in names]


def test_what_comes_while_a_commit_runs_shares_the_next_one() -> None:
    book = Book(is_open=False)
    scribe = Scribe(book.commit)
    first = scribe.enter(unit("a"))
    time.sleep(0.05)  # the first commit is under way
    others = [scribe.enter(unit(name)) for name in "bcd"]
    assert not first.done()
    book.gate.set()
    for future in (first, *others):
        assert future.result(10) is None
    assert book.commits == [["a"], ["b", "c", "d"]]
    scribe.close()


def test_each_entry_is_told_of_its_own_end() -> None:
    book = Book()
    scribe = Scribe(book.commit)
    good, bad = scribe.enter(unit("a")), scribe.enter(unit("bad"))
    assert good.result(10) is None
    with pytest.raises(DatabaseAway):
        bad.result(10)
    scribe.close()


def test_a_commit_that_breaks_is_told_to_all_and_the_next_goes_on() -> None:
    book = Book()
    scribe = Scribe(book.commit)
    with pytest.raises(RuntimeError, match="dead"):
        scribe.enter(unit("dead")).result(10)
    assert scribe.enter(unit("a")).result(10) is None
    scribe.close()


def test_closing_writes_what_waits_and_it_opens_again_when_used() -> None:
    book = Book(is_open=False)
    scribe = Scribe(book.commit)
    futures = [scribe.enter(unit(str(number))) for number in range(600)]
    book.gate.set()
    scribe.close()
    assert all(future.done() for future in futures)
    assert sum(map(len, book.commits)) == 600
    assert max(map(len, book.commits)) <= 256
    assert scribe.enter(unit("again")).result(10) is None
    scribe.close()
