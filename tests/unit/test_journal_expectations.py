"""What a unit takes for granted is asked again under the lock, and of the units before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.journal import a_change, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Cursor, Database
from trucyte.journal.change import (
    Change,
    ExpectationFailed,
    ExpectationTooSlow,
    Key,
    Operation,
)
from trucyte.journal.journal import Journal

MEETS = b'"value": "wanted"'


@dataclass
class Wanted:
    """That exactly the `expected` resources hold the wanted value (small bodies lie raw)."""

    expected: frozenset[Key] = frozenset()
    limit: int = 2
    type: str = "Observation"
    is_local: bool = True
    query: str = """
        select c.origin, 'Observation', c.id from journal.change c join journal.head h using (seq)
        where position(%(meets)s::bytea in c.body) > 0 limit %(limit)s
    """

    def ask(self, cursor: Cursor) -> None:
        cursor.execute(self.query, {"meets": MEETS, "limit": self.limit})

    def found(self, cursor: Cursor) -> frozenset[Key]:
        return frozenset(tuple(row) for row in cursor.fetchall())

    def meets(self, change: Change) -> bool:
        return MEETS in change.body


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    journal = open_journal(database, tmp_path, clock, codec=Raw())
    yield journal
    journal.close()


class Raw:
    """Bodies as they are, so that a plain query can look into them."""

    dictionaries: dict = {}  # noqa: RUF012 - never changed

    def compress(self, type: str, body: bytes) -> tuple[int, bytes]:
        return 0, body

    def decompress(self, codec: int, body: bytes) -> bytes:
        return body


def wanted(id: str, **more) -> Change:
    return a_change(id, value="wanted", **more)


def key(id: str) -> Key:
    return (0, "Observation", id)


def outcomes(journal: Journal, *units: tuple[list[Change], Wanted]) -> list[object]:
    """Commit units as one batch; return the ids written, or the class of the Problem."""
    became = journal.commit_many(
        [changes for changes, _ in units], {n: [expected] for n, (_, expected) in enumerate(units)}
    )
    return [[line.id for line in o] if isinstance(o, list) else type(o) for o in became]


def test_what_holds_lets_the_unit_in(journal: Journal) -> None:
    assert journal.commit([wanted("a")], [Wanted()])
    assert journal.commit([a_change("b")], [Wanted(frozenset({key("a")}))])


def test_what_does_not_hold_keeps_it_out_and_leaves_nothing(journal: Journal) -> None:
    journal.commit([wanted("a")])
    with pytest.raises(ExpectationFailed):
        journal.commit([wanted("b")], [Wanted()])
    with pytest.raises(ExpectationFailed):
        journal.commit([wanted("b")], [Wanted(frozenset({key("c")}))])
    assert journal.tail() == 1


def test_of_two_in_one_batch_that_expect_nothing_one_is_let_in(journal: Journal) -> None:
    assert outcomes(journal, ([wanted("a")], Wanted()), ([wanted("b")], Wanted())) == [
        ["a"], ExpectationFailed,
    ]  # fmt: skip


def test_a_unit_that_was_kept_out_does_not_count_for_those_behind(journal: Journal) -> None:
    journal.commit([a_change("z")])
    stale = ([wanted("a", expected=9)], Wanted())
    assert outcomes(journal, stale, ([wanted("b")], Wanted()))[1] == ["b"]


def test_a_deletion_before_it_in_the_batch_counts(journal: Journal) -> None:
    journal.commit([wanted("a")])
    gone = [a_change("a", Operation.DELETE)]
    changed = [a_change("a")]
    one = frozenset({key("a")})
    for first in (gone, changed):
        journal.commit([wanted("a")])
        became = outcomes(journal, (first, Wanted(one)), ([wanted("b")], Wanted()))
        assert became == [["a"], ["b"]]
        journal.commit([a_change("b", Operation.DELETE)])


def test_another_type_before_it_does_not_count(journal: Journal) -> None:
    other = wanted("a", type="Patient")
    assert outcomes(journal, ([other], Wanted()), ([wanted("b")], Wanted()))[1] == ["b"]


def test_as_many_as_are_asked_for_may_not_be_all(journal: Journal) -> None:
    journal.commit([wanted("a"), wanted("b"), wanted("c")])
    two = frozenset({key("a"), key("b")})
    with pytest.raises(ExpectationFailed):
        journal.commit([a_change("d")], [Wanted(two)])


def test_what_rests_on_others_waits_until_nothing_stands_before_it(journal: Journal) -> None:
    linked = Wanted(is_local=False)
    assert outcomes(journal, ([a_change("a")], Wanted()), ([wanted("b")], linked)) == [
        ["a"], ExpectationFailed,
    ]  # fmt: skip
    assert outcomes(journal, ([wanted("b")], linked)) == [["b"]]


def test_a_question_that_takes_too_long_fails_alone(journal: Journal) -> None:
    slow = Wanted(query="select 0::smallint, 'x', pg_sleep(60)::text, %(meets)s, %(limit)s")
    assert outcomes(journal, ([a_change("a")], slow), ([a_change("b")], Wanted())) == [
        ExpectationTooSlow, ["b"],
    ]  # fmt: skip
