"""Keys of bodies: one a person and class, never under another node's secrets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import OperationalError

from tests.support.journal import a_change, make_tables, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database, DatabaseAway
from trucyte.journal.atrest.body_keys import (
    KEPT_SECONDS,
    BodyKeyDamaged,
    BodyKeys,
    GenerationMissing,
    KeysOfAnotherNode,
)
from trucyte.journal.atrest.resealing import rewrap, seal_all
from trucyte.journal.change import Operation
from trucyte.journal.checking.fault import Fault, What
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring


@pytest.fixture
def database(empty_database: Database) -> Database:
    make_tables(empty_database)
    return empty_database


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    found = open_journal(database, tmp_path, clock)
    found.commit([a_change("a", person=1), a_change("b", person=2)])
    yield found
    found.close()


_END_OTHERS = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


def count(database: Database, table: str) -> int:
    with database.connection() as connection:
        query = "select count(*) from " + table  # noqa: S608 - a name of this file
        return connection.execute(query).fetchone()[0]


def test_with_another_nodes_secrets_nothing_is_written_or_read(
    journal: Journal, tmp_path: Path, clock: FixedClock
) -> None:
    stranger = Journal(journal.database, Keyring.open(tmp_path / "stranger"), clock)
    with pytest.raises(KeysOfAnotherNode):
        stranger.commit([a_change("c", person=3)])
    with pytest.raises(KeysOfAnotherNode):
        stranger.commit([a_change("c", person=1)])
    with pytest.raises(KeysOfAnotherNode):
        stranger.bodies([1])
    outcomes = stranger.commit_many([[a_change("c", person=3)], [a_change("d", person=4)]])
    assert [type(outcome) for outcome in outcomes] == [KeysOfAnotherNode] * 2
    stranger.close()
    assert journal.tail() == 2
    assert count(journal.database, "journal.body_key") == 2


def test_a_key_that_was_altered_is_named(journal: Journal) -> None:
    journal.body_keys.drop()
    with journal.database.connection() as connection:
        connection.execute(
            "update journal.body_key set wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)"
            " where person = 2"
        )
    with pytest.raises(BodyKeyDamaged):
        journal.bodies([2])
    assert journal.bodies([1])[1].body
    assert journal.verify().fault == Fault(What.BODY_KEY, seq=1)


def test_a_key_put_in_the_place_of_another_does_not_open(journal: Journal) -> None:
    journal.body_keys.drop()
    with journal.database.connection() as connection:
        connection.execute(
            "update journal.body_key k set wrapped = o.wrapped"
            " from journal.body_key o where o.number = 3 - k.number"
        )
    with pytest.raises(BodyKeyDamaged):
        journal.bodies([1])


def test_keys_are_kept_in_memory_for_a_while_and_not_too_many(
    database: Database, tmp_path: Path
) -> None:
    now = [0.0]
    keyring = Keyring.open(tmp_path / "keys")
    keys = BodyKeys(database, keyring, kept_max=2, now=lambda: now[0])
    first = keys.of({(1, 0), (2, 0)})
    assert keys.of({(1, 0)})[1, 0] is first[1, 0]
    now[0] += KEPT_SECONDS
    again = keys.of({(1, 0)})[1, 0]
    assert again is not first[1, 0]
    assert again == first[1, 0]
    keys.of({(3, 0), (4, 0)})
    assert keys.of({(1, 0)})[1, 0] is not again
    held = keys.of({(1, 0)})[1, 0]
    keys.close()
    assert held.secret == bytes(32)
    assert keys.of({(1, 0)})[1, 0] == first[1, 0]
    keys.close()


def test_two_who_make_a_key_at_once_get_the_same(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring.open(tmp_path / "keys")
    one, other = BodyKeys(database, keyring), BodyKeys(database, keyring)
    ask = one._found_or_made
    asked = []

    def late(pairs):
        if asked:
            return ask(pairs)
        asked.append(other.of({(1, 0)})[1, 0])  # made between looking and writing
        return {}

    monkeypatch.setattr(one, "_found_or_made", late)
    assert one.of({(1, 0)})[1, 0] == asked[0]
    one.close()
    other.close()


def test_a_lost_connection_is_opened_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = BodyKeys(database, Keyring.open(tmp_path / "keys"))
    keys.of({(1, 0)})
    with database.connection() as connection:
        connection.execute(_END_OTHERS)
    keys.drop()
    assert keys._found_or_made([(2, 0)])
    keys.close()

    def away(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(database, "connect", away)
    with pytest.raises(DatabaseAway):
        keys._found_or_made([(3, 0)])


def test_keys_are_wrapped_anew_in_steps_and_the_old_secret_can_go(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring, told = journal.keyring, []
    monkeypatch.setattr("trucyte.journal.atrest.resealing._KEYS_AT_ONCE", 1)

    def killed(done: int, total: int) -> None:
        told.append((done, total))
        raise KeyboardInterrupt

    assert keyring.rotate_wrapping() == 2
    with pytest.raises(KeyboardInterrupt):
        rewrap(journal.database, journal.body_keys, keyring, killed)
    journal.body_keys.drop()
    assert all(line.body for line in journal.follow(0))
    assert rewrap(journal.database, journal.body_keys, keyring, lambda *_: None) == 1
    assert told == [(1, 2)]
    keyring.retire_wrapping(1)
    again = Keyring.open(keyring._folder)
    assert again.generations == (2,)
    keys = BodyKeys(journal.database, again)
    assert set(keys.numbered([1, 2])) == {1, 2}
    keys.close()


def test_a_secret_that_went_too_early_is_asked_for(journal: Journal) -> None:
    journal.keyring.rotate_wrapping()
    journal.keyring.retire_wrapping(1)
    keys = BodyKeys(journal.database, journal.keyring)
    with pytest.raises(GenerationMissing):
        keys.numbered([1])


def test_lines_that_lie_open_are_sealed_in_steps_and_stay_proven(
    database: Database, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.journal.atrest.resealing._LINES_AT_ONCE", 2)
    journal = open_journal(database, tmp_path, clock, seals=False)
    journal.commit([a_change(str(n), person=n) for n in range(1, 6)])
    before = [line.body for line in journal.follow(0)]

    def killed(done: int, total: int) -> None:
        raise KeyboardInterrupt

    parts = (database, journal.body_keys, journal.codec, journal.keeper)
    with pytest.raises(KeyboardInterrupt):
        seal_all(*parts, killed)
    assert count(database, "journal.change where codec & 256 <> 0") == 2
    assert seal_all(*parts, lambda *_: None) == 3
    assert seal_all(*parts, lambda *_: None) == 0
    assert count(database, "journal.change where codec & 256 = 0") == 0
    assert [line.body for line in journal.follow(0)] == before
    assert journal.verify().is_sound
    journal.close()


def test_the_end_of_a_resource_needs_no_key(journal: Journal) -> None:
    journal.commit([a_change("c", Operation.DELETE, person=9)])
    assert count(journal.database, "journal.body_key") == 2
