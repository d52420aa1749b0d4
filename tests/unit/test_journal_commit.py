"""What a commit promises: all or nothing, compare-and-set, dense positions."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.journal import a_change, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.journal.change import Head, Operation, Position, VersionConflict
from trucyte.journal.follow import CursorMovedBack
from trucyte.journal.journal import Journal
from trucyte.journal.writer import ChangeRefused

A = (0, "Observation", "a")


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    journal = open_journal(database, tmp_path, clock)
    yield journal
    journal.close()


def test_lines_get_dense_positions_and_versions_in_order(journal: Journal) -> None:
    first = journal.commit([a_change("a"), a_change("b")])
    second = journal.commit([a_change("a"), a_change("a"), a_change("c")])
    assert [(line.seq, line.id, line.version) for line in first + second] == [
        (1, "a", 1), (2, "b", 1), (3, "a", 2), (4, "a", 3), (5, "c", 1),
    ]  # fmt: skip
    assert journal.tail() == 5


def test_a_unit_that_does_not_hold_leaves_nothing(journal: Journal) -> None:
    journal.commit([a_change("a")])
    with pytest.raises(VersionConflict) as caught:
        journal.commit([a_change("b"), a_change("a", expected=0)])
    assert caught.value.facts == {"type": "Observation", "place": 1, "expected": 0, "current": 1}
    assert journal.tail() == 1
    assert journal.head([(0, "Observation", "b")]) == {}


def test_expected_counts_along_inside_a_unit(journal: Journal) -> None:
    journal.commit([a_change(expected=0), a_change(expected=1), a_change(expected=2)])
    assert journal.head([A]) == {A: Head(3, 3, Operation.UPDATE)}


def test_a_deleted_resource_keeps_its_version_and_can_come_back(journal: Journal) -> None:
    journal.commit([a_change(), a_change(operation=Operation.DELETE, expected=1)])
    assert journal.head([A])[A] == Head(2, 2, Operation.DELETE)
    with pytest.raises(VersionConflict):
        journal.commit([a_change(operation=Operation.CREATE, expected=0)])
    (line,) = journal.commit([a_change(operation=Operation.CREATE)])
    assert line.version == 3


def test_in_a_group_a_bad_unit_fails_alone(journal: Journal) -> None:
    journal.commit([a_change("a")])
    good, bad, refused, last = journal.commit_many(
        [[a_change("b")], [a_change("c"), a_change("a", expected=9)],
         [a_change("nul\x00")], [a_change("d"), a_change("b")]]
    )  # fmt: skip
    assert [line.seq for line in good] == [2]
    assert isinstance(bad, VersionConflict)
    assert isinstance(refused, ChangeRefused)
    assert [(line.seq, line.id, line.version) for line in last] == [(3, "d", 1), (4, "b", 2)]


def test_a_unit_without_changes_writes_nothing(journal: Journal) -> None:
    assert journal.commit([]) == []
    assert journal.commit_many([]) == []
    assert journal.tail() == 0


def test_the_same_id_at_another_origin_is_another_resource(journal: Journal) -> None:
    journal.commit([a_change("a"), a_change("a", origin=3)])
    assert [head.version for head in journal.head([A, (3, "Observation", "a")]).values()] == [1, 1]


def test_bodies_come_back_byte_for_byte(journal: Journal) -> None:
    change = a_change(value="Đau đầu 72.50 " * 50)
    (line,) = journal.commit([change])
    stored = journal.bodies([line.seq, 99])
    assert list(stored) == [1]
    assert stored[1].body == change.body
    assert stored[1].entry == line
    assert stored[1].meta_offset == change.meta_offset


def test_history_walks_from_the_newest_version_to_the_first(journal: Journal) -> None:
    for value in range(4):
        journal.commit([a_change("a", value=value), a_change("b")])
    assert [stored.entry.version for stored in journal.history(*A)] == [4, 3, 2, 1]
    second = journal.version(*A, 2)
    assert second is not None
    assert b'"value": 1' in second.body
    assert journal.version(*A, 5) is None
    assert journal.version(*A, 0) is None
    assert journal.version(0, "Observation", "none", 1) is None


def test_time_never_runs_backwards_along_the_journal(journal: Journal, clock: FixedClock) -> None:
    (first,) = journal.commit([a_change()])
    clock.advance(timedelta(hours=-1))
    (second,) = journal.commit([a_change()])
    assert first.accepted_at == second.accepted_at


def test_a_follower_reads_in_order_and_by_type(journal: Journal) -> None:
    journal.commit([a_change("a"), a_change("p", type="Patient"), a_change("b")])
    assert [stored.entry.seq for stored in journal.follow(0, limit=2)] == [1, 2]
    assert [stored.entry.seq for stored in journal.follow(2)] == [3]
    assert [stored.entry.id for stored in journal.follow(0, types=["Patient"])] == ["p"]


def test_a_named_cursor_goes_forward_only(journal: Journal) -> None:
    assert journal.cursor("exchange") is None
    journal.move_cursor("exchange", Position(5, 1))
    with pytest.raises(CursorMovedBack):
        journal.move_cursor("exchange", Position(4, 1))
    with journal.database.connection() as connection:
        journal.move_cursor("exchange", Position(6, 1), connection.cursor())
    assert journal.cursor("exchange") == Position(6, 1)


def test_a_new_epoch_lets_cursors_go_back(journal: Journal) -> None:
    journal.commit([a_change()])
    journal.move_cursor("exchange", Position(5, 1))
    assert journal.start_epoch() == 2
    assert journal.position() == Position(1, 2)
    journal.move_cursor("exchange", Position(1, 2))


def test_partitions_are_made_ahead(journal: Journal) -> None:
    with journal.database.connection() as connection:
        connection.execute("alter table journal.change detach partition journal.change_0")
        connection.execute(
            "create table journal.small partition of journal.change for values from (1) to (5)"
        )
        connection.execute("update journal.tail set partition_end = 5, partition_rows = 4")
    for number in range(10):
        journal.commit([a_change(str(number)), a_change("a")])
    assert [stored.entry.seq for stored in journal.follow(0)] == list(range(1, 21))
    with journal.database.connection() as connection:
        (count,) = connection.execute(
            "select count(*) from pg_inherits where inhparent = 'journal.change'::regclass"
        ).fetchone()
    assert count == 6
