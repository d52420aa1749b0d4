"""Rebuild: replaying the journal gives the tables that the commits gave."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.journal import a_change, erase_body, open_journal
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Cursor, Database
from trucyte.journal.change import Change, Entry, Operation
from trucyte.journal.journal import Journal
from trucyte.journal.rebuild import Difference


class ValueForbidden(Problem):
    """That value cannot be indexed."""

    code = "value-forbidden"


class Values:
    """The current value of each resource, and a count of versions without a primary key."""

    name = "values"
    tables = ("public.current_value", "public.version_log")

    def prepare(self, change: Change) -> int | None:
        return json.loads(change.body)["value"] if change.body else None

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[int | None]):
        for entry, value in zip(entries, prepared, strict=True):
            key = (entry.origin, entry.id)
            cursor.execute("delete from current_value where origin = %s and id = %s", key)
            if value == 666:
                raise ValueForbidden
            if entry.operation is not Operation.DELETE:
                cursor.execute(
                    "insert into current_value values (%s, %s, %s, %s)",
                    (*key, value, entry.accepted_at),
                )
            cursor.execute("insert into version_log values (%s, %s)", (entry.id, entry.version))

    def clear(self, cursor: Cursor) -> None:
        cursor.execute("truncate current_value, version_log")


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    with database.connection() as connection:
        connection.execute(
            "create table current_value (origin int, id text, value smallint, at timestamptz,"
            " primary key (id, origin));"
            "create table version_log (id text, version int)"
        )
    journal = open_journal(database, tmp_path, clock, [Values()])
    journal.commit([a_change("a", value=1), a_change("b", value=2), a_change("a", value=3)])
    journal.commit([a_change("b", Operation.DELETE), a_change("c", value=4, origin=2)])
    yield journal
    journal.close()


def rows(journal: Journal) -> list[tuple[str, int]]:
    with journal.database.connection() as connection:
        return connection.execute("select id, value from current_value order by id").fetchall()


def alter(journal: Journal, statement: str) -> None:
    with journal.database.connection() as connection:
        connection.execute(statement)


def test_what_is_accepted_is_projected_in_the_same_commit(journal: Journal) -> None:
    assert rows(journal) == [("a", 3), ("c", 4)]
    assert journal.compare() is None


def test_a_rebuild_mends_every_kind_of_damage(journal: Journal) -> None:
    alter(journal, "update current_value set value = 99 where id = 'a'")
    alter(journal, "delete from current_value where id = 'c'")
    seen: list[tuple[int, int]] = []
    assert journal.rebuild(lambda done, total: seen.append((done, total))) == 5
    assert rows(journal) == [("a", 3), ("c", 4)]
    assert seen == [(5, 5)]
    assert journal.compare() is None


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("update current_value set value = 99 where id = 'a'", ("current_value", "a/0", "changed")),
        ("delete from current_value where id = 'c'", ("current_value", "c/2", "missing")),
        (
            "insert into current_value values (7, 'aa', 1, now())",
            ("current_value", "aa/7", "extra"),
        ),
        ("insert into version_log values ('a', 9)", ("version_log", None, "extra")),
        ("insert into version_log values ('a', 1)", ("version_log", None, "extra")),
    ],
)
def test_a_comparison_names_the_first_row_that_differs_and_changes_nothing(
    journal: Journal, statement: str, difference: tuple[str, str, str]
) -> None:
    alter(journal, statement)
    before = rows(journal)
    found = journal.compare()
    assert isinstance(found, Difference)
    table, row, kind = difference
    assert (found.table, found.kind) == (f"public.{table}", kind)
    assert row in (None, found.row)
    assert rows(journal) == before


def test_the_projection_of_an_erased_body_is_gone_after_a_rebuild(journal: Journal) -> None:
    erase_body(journal, 1)
    erase_body(journal, 3)
    journal.rebuild()
    assert rows(journal) == [("c", 4)]


def test_a_unit_that_a_projection_refuses_fails_alone(journal: Journal) -> None:
    units = [[a_change(str(number), value=number)] for number in range(7)]
    units[2] = [a_change("2", value=2), a_change("x", value=666)]
    units[5] = [a_change("5", value=70000)]
    outcomes = journal.commit_many(units)
    codes = [outcome.code if isinstance(outcome, Problem) else "" for outcome in outcomes]
    assert codes == ["", "", "value-forbidden", "", "", "change-refused", ""]
    assert journal.tail() == 5 + 5
    assert journal.compare() is None
    assert journal.verify().is_sound
    with pytest.raises(ValueForbidden):
        journal.commit(units[2])
