"""What is erased is gone everywhere, and everything that stays is still proven."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.journal import a_change, make_tables, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.journal.change import Change, KeyDestroyed, Operation
from trucyte.journal.evidence import verify_evidence
from trucyte.journal.journal import Journal

WHY = {"rule": "erase-on-request", "by": "officer", "article": "Luật 91/2025/QH15, Điều 14"}


@pytest.fixture
def database(empty_database: Database) -> Database:
    found = empty_database
    make_tables(found)
    with found.connection() as connection:
        connection.execute("create table journal.seen (seq bigint primary key, id text)")
        connection.execute("create table journal.of_person (person bigint primary key)")
    return found


class Seen:
    """A table derived from lines, by their place."""

    name = "seen"
    tables = ("journal.seen", "journal.of_person")

    def prepare(self, change: Change) -> str:
        return change.id

    def apply(self, cursor, entries, prepared) -> None:
        for entry, id_ in zip(entries, prepared, strict=True):
            cursor.execute("delete from journal.seen where id = %s", (id_,))
            if entry.operation is not Operation.DELETE:
                cursor.execute("insert into journal.seen values (%s, %s)", (entry.seq, id_))
                cursor.execute(
                    "insert into journal.of_person values (%s) on conflict do nothing",
                    (entry.person,),
                )

    def clear(self, cursor) -> None:
        cursor.execute("truncate journal.seen, journal.of_person")


def several(change: Change) -> int:
    return 99 if b"both" in change.body else 0


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    """Persons 1 and 2; `b` of person 1 names both."""
    found = open_journal(database, tmp_path, clock, [Seen()], keeper=several)
    found.commit([a_change("a", person=1), a_change("b", person=1, value="both")])
    found.commit([a_change("a", person=1, value=2, source=5, row=3), a_change("c", person=2)])
    yield found
    found.close()


def rows(journal: Journal, statement: str) -> list[tuple]:
    with journal.database.connection() as connection:
        return connection.execute(statement).fetchall()


def test_a_resource_is_erased_in_all_its_versions_and_the_lines_stay(journal: Journal) -> None:
    done = journal.erase([(0, "Observation", "a")], **WHY)
    assert (done.lines, done.rule, done.by) == (2, "erase-on-request", "officer")
    assert [line.body for line in journal.history(0, "Observation", "a")] == [b"", b""]
    assert rows(journal, "select count(*) from journal.change where seq in (1, 3) and"
                " (body <> '' or salt <> '')") == [(0,)]  # fmt: skip
    assert rows(journal, "select seq, id from journal.seen order by 1") == [(2, "b"), (4, "c")]
    assert journal.verify().is_sound
    assert journal.compare() is None
    assert verify_evidence(journal.prove(1)).id == "a"


def test_everything_of_a_person_goes_with_the_key_and_what_is_others_too_is_blocked(
    journal: Journal,
) -> None:
    keys = rows(journal, "select person from journal.body_key order by 1")
    assert keys == [(1,), (2,), (99,)]
    done = journal.erase(persons=[1], **WHY)
    assert (done.lines, done.blocked) == (2, 2)  # line 2, and row 3 of source 5
    assert rows(journal, "select person from journal.body_key order by 1") == [(2,), (99,)]
    assert rows(journal, "select person from journal.of_person") == [(2,)]
    assert {seq: line.body != b"" for seq, line in journal.bodies([1, 2, 3, 4]).items()} == {
        1: False, 2: False, 3: False, 4: True,
    }  # fmt: skip
    assert journal.blocked_rows(5) == {3}
    assert journal.blocked_rows(6) == frozenset()
    assert journal.verify().is_sound
    assert journal.compare() is None
    assert verify_evidence(journal.prove(2)).id == "b"
    assert journal.prove(2).body == b""


def test_a_writer_that_still_holds_a_destroyed_key_makes_another(journal: Journal) -> None:
    journal.erase(persons=[1, 2], **WHY)
    journal.body_keys.of({(1, 0)})
    with journal.database.connection() as connection:
        connection.execute("delete from journal.body_key")
    (entry,) = journal.commit([a_change("d", person=1)])
    journal.body_keys.drop()
    assert journal.bodies([entry.seq])[entry.seq].body
    with journal.database.connection() as connection:
        connection.execute("delete from journal.body_key where person = 1")
    ((other,),) = journal.commit_many([[a_change("e", person=1)]])
    journal.body_keys.drop()
    assert journal.bodies([other.seq])[other.seq].body
    assert journal.verify().fault is not None  # `d` lost its key by another hand


@pytest.mark.parametrize("step", range(4))
def test_a_kill_at_any_step_leaves_what_resume_finishes(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    eraser, taken = journal._eraser, []
    whole = eraser._step

    def killed(number: int) -> bool:
        if len(taken) == step:
            raise KeyboardInterrupt
        taken.append(number)
        return whole(number)

    monkeypatch.setattr(eraser, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        journal.erase([(0, "Observation", "c")], persons=[1], **WHY)
        raise KeyboardInterrupt  # all steps were done
    monkeypatch.undo()
    assert journal.verify().is_sound
    journal.resume_erasures()
    assert journal.resume_erasures() == []
    assert journal.verify().is_sound
    assert [line.body for line in journal.bodies([1, 2, 3, 4]).values()] == [b""] * 4


def test_a_restored_copy_is_erased_again_before_it_serves(
    journal: Journal, database: Database, tmp_path: Path, clock: FixedClock
) -> None:
    with database.connection() as connection:
        connection.execute(
            "create table journal.was as table journal.change;"
            "create table journal.keys as table journal.body_key"
        )
    journal.erase(persons=[1], **WHY)
    past = journal.erasures_since(0)
    assert [(one.number, len(one.lines)) for one in past] == [(1, 2)]
    assert journal.erasures_since(1) == []
    with database.connection() as connection:
        connection.execute(
            "truncate journal.erasing, journal.erasing_left, journal.block, journal.erasure,"
            " journal.change;"
            "insert into journal.change select * from journal.was;"
            "insert into journal.body_key overriding system value select * from journal.keys"
            " on conflict do nothing"
        )
    assert journal.bodies([1])[1].body
    assert journal.replay_erasures(past) == 2
    assert journal.replay_erasures(past) == 0
    assert [line.body != b"" for line in journal.bodies([1, 2, 3, 4]).values()] == [
        False, False, False, True,
    ]  # fmt: skip
    assert journal.verify().is_sound
    assert journal.erase([], **WHY).number == 2


def test_unsealed_lines_are_erased_and_blocked_alike(
    database: Database, tmp_path: Path, clock: FixedClock
) -> None:
    journal = open_journal(database, tmp_path, clock, keeper=several, seals=False)
    journal.commit([a_change("a", person=1), a_change("b", person=1, value="both")])
    done = journal.erase(persons=[1], **WHY)
    assert (done.lines, done.blocked) == (1, 1)
    assert [line.body for line in journal.follow(0)] == [b"", b""]
    assert journal.verify().is_sound
    journal.close()


def test_steps_of_exactly_their_size_go_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.journal.atrest.erasure._LINES_AT_ONCE", 2)
    assert journal.erase(persons=[1], **WHY).lines == 2
    assert journal.verify().is_sound


def test_a_restored_copy_without_blocks_is_erased_again(
    journal: Journal, database: Database
) -> None:
    with database.connection() as connection:
        connection.execute("create table journal.was as table journal.change")
        connection.execute("create table journal.keys as table journal.body_key")
    journal.erase(persons=[2], **WHY)
    (past,) = journal.erasures_since(0)
    assert past.blocks == []
    with database.connection() as connection:
        connection.execute(
            "truncate journal.erasing, journal.erasing_left, journal.block, journal.erasure;"
            "update journal.change c set body = w.body, salt = w.salt, codec = w.codec"
            " from journal.was w where w.seq = c.seq;"
            "insert into journal.body_key overriding system value select * from journal.keys"
            " on conflict do nothing"
        )
    assert journal.replay_erasures([past]) == 1
    assert journal.bodies([4])[4].body == b""


def test_who_meets_an_erasure_again_and_again_is_told(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = journal.body_keys.of

    def destroyed(pairs):
        keys = of(pairs)
        with journal.database.connection() as connection:
            connection.execute("delete from journal.body_key")
        return keys

    monkeypatch.setattr(journal.body_keys, "of", destroyed)
    with pytest.raises(KeyDestroyed):
        journal.commit([a_change("z", person=9)])
    (outcome,) = journal.commit_many([[a_change("z", person=9)]])
    assert isinstance(outcome, KeyDestroyed)
