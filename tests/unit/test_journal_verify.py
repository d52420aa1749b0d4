"""Verification: whatever is altered is found, and named."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.support.journal import a_change, erase_body, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.journal import leaf, pack
from trucyte.journal.atrest.body_keys import KeysOfAnotherNode
from trucyte.journal.change import Operation
from trucyte.journal.checking.fault import Fault, What
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.journal.named import QUERIES
from trucyte.journal.rows import ChangeRow, binary_cursor
from trucyte.journal.verify import reading
from trucyte.node.keeping.checkers import Place, SharedCheckers, checkers_for


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    """Seven lines in four batches: two checkpoints, one deletion, one erased body."""
    journal = open_journal(database, tmp_path, clock)
    journal.commit([a_change("a"), a_change("b")])
    journal.commit([a_change("c"), a_change("a", source=4, row=2)])
    clock.advance(timedelta(seconds=10))
    journal.commit([a_change("b", Operation.DELETE)])
    journal.checkpoint()
    journal.commit([a_change("d"), a_change("e")])
    erase_body(journal, 6)
    yield journal
    journal.close()


def alter(journal: Journal, statement: str) -> None:
    with journal.database.connection() as connection:
        connection.execute(statement)


def test_an_untouched_journal_is_sound(journal: Journal) -> None:
    seen: list[tuple[int, int]] = []
    verdict = journal.verify(progress=lambda done, total: seen.append((done, total)))
    assert verdict.is_sound
    assert (verdict.rows, verdict.batches, verdict.checkpoints) == (7, 4, 2)
    assert seen[-1] == (7, 7)


def test_an_empty_journal_is_sound(database: Database, tmp_path: Path, clock) -> None:
    assert open_journal(database, tmp_path, clock).verify().is_sound


@pytest.mark.parametrize(
    "column",
    [
        "accepted_at = accepted_at + interval '1 microsecond'", "person = person + 1",
        "previous = previous + 1", "source = source + 1", "version = version + 1",
        "source_row = source_row + 1", "meta_offset = meta_offset - 1", "origin = origin + 1",
        "type = type + 1", "operation = operation % 3 + 1", "data_group = data_group + 1",
        "codec = codec + 1", "codec = codec + 256", "codec = 0 + (codec = 0)::int",
        "id = id || 'x'", "id = repeat('x', 70000)", "salt = ''", "body = ''",
        "salt = set_byte(salt, 15, 255 - get_byte(salt, 15))",
        "body = set_byte(body, 20, 255 - get_byte(body, 20))", "body = body || '\\x00'",
    ],
)  # fmt: skip
@pytest.mark.parametrize("seq", [1, 4, 7])
def test_any_altered_column_names_its_line(journal: Journal, column: str, seq: int) -> None:
    alter(journal, f"update journal.change set {column} where seq = {seq}")  # noqa: S608 - a case
    assert journal.verify().fault == Fault(What.ROW, seq=seq)


def test_an_altered_codec_of_a_bodyless_line_is_found(journal: Journal) -> None:
    alter(journal, "update journal.change set codec = 1 where seq = 5")
    assert journal.verify().fault == Fault(What.ROW, seq=5)
    alter(journal, "update journal.change set codec = codec - 1 where seq = 5")
    alter(journal, "update journal.change set codec = 1 where seq = 6")
    assert journal.verify().fault == Fault(What.ERASURE, seq=6)


@pytest.mark.parametrize("body_or_leaf", ["body", "leaf"])
def test_the_first_of_two_altered_lines_is_named(journal: Journal, body_or_leaf: str) -> None:
    alter(
        journal,
        f"update journal.change set {body_or_leaf} ="  # noqa: S608 - a case
        f" set_byte({body_or_leaf}, 20, 255 - get_byte({body_or_leaf}, 20)) where seq in (2, 4)",
    )
    what = What.ROW if body_or_leaf == "body" else What.LEAF
    assert journal.verify().fault == Fault(what, seq=2)


MISSING, EXTRA = What.ROW_MISSING, What.ROW_EXTRA


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("delete from journal.change where seq = 3", Fault(MISSING, seq=3)),
        ("delete from journal.change where seq = 7", Fault(MISSING, seq=7)),
        ("update journal.change set seq = 50 where seq = 4", Fault(MISSING, seq=4)),
        ("update journal.change set seq = 8 where seq = 7", Fault(MISSING, seq=7)),
        ("update journal.change set seq = case seq when 1 then 2 else 1 end + 10 where seq < 3;"
         "update journal.change set seq = seq - 10 where seq > 10", Fault(What.ROW, seq=1)),
        ("insert into journal.change select (json_populate_record(change, '{\"seq\": 8}')).*"
         " from journal.change where seq = 7", Fault(EXTRA, seq=8)),
        ("update journal.batch set first_seq = first_seq + 1 where number = 1",
         Fault(What.BATCH, batch=1)),
        ("update journal.batch set first_seq = 3, last_seq = 3 where number = 1",
         Fault(What.BATCH, batch=1)),
        ("update journal.batch set last_seq = 9 where number = 3", Fault(MISSING, seq=8)),
        ("update journal.batch set last_seq = 0 where number = 0", Fault(What.BATCH, batch=0)),
        ("create table journal.before partition of journal.change for values from (0) to (1);"
         "insert into journal.change select (json_populate_record(change, '{\"seq\": 0}')).*"
         " from journal.change where seq = 1", Fault(EXTRA, seq=0)),
        ("update journal.batch set number = 9 where number = 1",
         Fault(What.BATCH_MISSING, batch=1)),
        ("update journal.batch set number = -1 where number = 1", Fault(What.BATCH, batch=1)),
        ("delete from journal.batch where number = 2", Fault(What.BATCH_MISSING, batch=2)),
        ("update journal.batch set at = at + interval '1 s' where number = 2",
         Fault(What.BATCH, batch=2)),
        ("update journal.batch set root = set_byte(root, 0, 255 - get_byte(root, 0))"
         " where number = 1", Fault(What.BATCH, batch=1)),
        ("update journal.batch set chain = set_byte(chain, 0, 255 - get_byte(chain, 0))"
         " where number = 1", Fault(What.BATCH, batch=1)),
        ("update journal.batch set nodes = 'x' where number = 1", Fault(What.BATCH, batch=1)),
        ("delete from journal.erasure", Fault(What.ROW, seq=6)),
        ("update journal.erasure set inner_hash = 'x'", Fault(What.ROW, seq=6)),
        ("insert into journal.erasure values (1, 'x')", Fault(What.ERASURE, seq=1)),
        ("update journal.checkpoint set signature = 'x' where batches = 3",
         Fault(What.CHECKPOINT, batch=3)),
        ("update journal.checkpoint set at = at + interval '1 s' where batches = 3",
         Fault(What.CHECKPOINT, batch=3)),
        ("update journal.checkpoint set last_seq = 4 where batches = 3",
         Fault(What.CHECKPOINT, batch=3)),
        ("update journal.checkpoint set epoch = 3 where batches = 3",
         Fault(What.CHECKPOINT, batch=3)),
        ("update journal.checkpoint set batches = 99 where batches = 3",
         Fault(What.HISTORY, batch=99)),
        ("update journal.key set public = 'x'", Fault(What.KEY, key="")),
        ("insert into journal.key values ('stranger', 'x', now())",
         Fault(What.KEY, key="stranger")),
        ("update journal.head set version = 9 where seq = 7", Fault(What.HEAD, seq=7)),
        ("update journal.head set operation = 3 where seq = 7", Fault(What.HEAD, seq=7)),
        ("update journal.head set seq = 1 where seq = 4", Fault(What.HEAD, seq=4)),
        ("update journal.head set key = gen_random_uuid() where seq = 3", Fault(What.HEAD, seq=3)),
        ("delete from journal.head where seq = 5", Fault(What.HEAD, seq=5)),
        ("insert into journal.head values (gen_random_uuid(), 2, 1, 1)", Fault(What.HEAD, seq=2)),
        ("update journal.tail set last_seq = 6", Fault(What.TAIL, seq=6)),
        ("update journal.tail set batches = 5, peaks = decode(repeat('00', 64), 'hex')",
         Fault(What.TAIL, seq=7)),
        ("update journal.tail set at = at + interval '1 s'", Fault(What.TAIL, seq=7)),
        ("update journal.tail set chain = 'x'", Fault(What.TAIL, seq=7)),
    ],
)  # fmt: skip
def test_what_is_altered_is_named(journal: Journal, statement: str, fault: Fault) -> None:
    alter(journal, statement)
    found = journal.verify().fault
    if fault.key == "":
        fault = Fault(What.KEY, key=journal.keyring.key_id)
    assert found == fault


def test_a_journal_cut_back_to_a_batch_no_longer_fits_its_checkpoint(journal: Journal) -> None:
    alter(
        journal,
        "delete from journal.change where seq > 4; delete from journal.batch where number > 1;"
        "delete from journal.head where seq > 4;"
        "insert into journal.head"
        " select journal.head_key(origin, type, id), seq, version, operation"
        " from journal.change where seq = 2;"
        "update journal.tail set (last_seq, batches, at, chain, peaks) ="
        " (select last_seq, 2, at, chain, nodes from journal.batch where number = 1)",
    )
    assert journal.verify().fault == Fault(What.HISTORY, batch=3)


def test_a_journal_written_anew_no_longer_fits_a_kept_checkpoint(
    journal: Journal, clock: FixedClock, tmp_path: Path
) -> None:
    """Whoever owns the database but not the signing key cannot make it fit again."""
    signed = journal.checkpoint()
    with journal.database.connection() as connection:
        connection.execute(
            "truncate journal.change, journal.head, journal.batch, journal.erasure;"
            "update journal.tail set (last_seq, batches, chain, peaks, checkpoint_batches) ="
            " (0, 0, decode(repeat('00', 32), 'hex'), '', 0)"
        )
    again = Journal(journal.database, Keyring.open(tmp_path / "thief"), clock, seals=False)
    for number in range(5):
        again.commit([a_change(str(number)), a_change("x")])
    again.checkpoint()
    again.close()
    assert signed.batches == 4
    assert journal.verify().fault == Fault(What.KEY, key=again.keyring.key_id)
    with journal.database.connection() as connection:
        stranger = (again.keyring.key_id,)
        connection.execute("delete from journal.checkpoint where key = %s", stranger)
        connection.execute("delete from journal.key where id = %s", stranger)
    assert journal.verify().fault == Fault(What.HISTORY, batch=1)


def test_a_line_forged_with_its_leaf_is_found_in_its_batch(journal: Journal) -> None:
    """No other witness remains: the batch is named, not the line."""
    with journal.database.connection() as connection:
        cursor = binary_cursor(connection)
        row = cursor.execute(QUERIES.bodies, (pack.bigints([2]),)).fetchone()
        line = replace(ChangeRow(*row), person=99)
        inner = leaf.inner_hash(line.salt, journal.codec.open(line.codec, line.body, line.place))
        connection.execute(
            "update journal.change set person = 99, leaf = %s where seq = 2",
            (leaf.leaf_of(line.header, inner),),
        )
    assert journal.verify().fault == Fault(What.BATCH, batch=0)


def test_a_key_of_before_is_trusted_after_a_rotation(journal: Journal) -> None:
    before = journal.keyring.key_id
    journal.keyring.rotate_signing()
    assert journal.checkpoint().key == journal.keyring.key_id != before
    assert journal.verify().is_sound


def test_a_key_of_before_is_trusted_when_named(journal: Journal, tmp_path: Path, clock) -> None:
    """Lines that were not sealed are read without the keys of those who wrote them."""
    later = Journal(journal.database, Keyring.open(tmp_path / "later"), clock, seals=False)
    later.checkpoint()
    assert later.verify().fault == Fault(What.KEY, key=journal.keyring.key_id)
    old = {journal.keyring.key_id: journal.keyring.public_key}
    with pytest.raises(KeysOfAnotherNode):
        later.verify(trusted=old)
    later.close()


@pytest.mark.parametrize("column", ["body", "salt", "leaf"])
def test_a_flip_anywhere_in_the_stored_form_is_named(journal: Journal, column: str) -> None:
    with journal.database.connection() as connection:
        (size,) = connection.execute(
            f"select length({column}) from journal.change where seq = 3"  # noqa: S608 - of this test
        ).fetchone()
    for place in range(0, size, 5):
        flip = (
            f"update journal.change set {column} = set_byte({column}, {place},"  # noqa: S608
            f" get_byte({column}, {place}) # 16) where seq = 3"
        )
        alter(journal, flip)
        fault = journal.verify().fault
        assert fault in (Fault(What.ROW, seq=3), Fault(What.LEAF, seq=3)), place
        alter(journal, flip)
    assert journal.verify().is_sound


def test_several_processes_find_what_one_does(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.journal.verify._SPAN_BATCHES", 1)
    monkeypatch.setattr("trucyte.node.keeping.checkers._LINES_ALONE", 1)
    place = Place(journal.database.url, tmp_path / "keys", None, "journal")
    with checkers_for(place, journal.tail(), 2) as checkers:
        assert journal.verify(checkers=checkers).is_sound
        assert isinstance(checkers, SharedCheckers)
    alter(journal, "update journal.change set person = 1 where seq in (4, 7)")
    with checkers_for(place, journal.tail(), 2) as checkers:
        assert journal.verify(checkers=checkers).fault == Fault(What.ROW, seq=4)
    with checkers_for(place, 0, 2) as nobody:
        assert nobody is None


def test_the_first_of_several_faults_ends_the_walk(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.journal.verify._SPAN_BATCHES", 1)
    alter(journal, "update journal.change set person = 1 where seq in (1, 4, 7)")
    verdict = journal.verify()
    assert verdict.fault == Fault(What.ROW, seq=1)
    assert verdict.batches == 1
    monkeypatch.setattr("trucyte.journal.verify._SPAN_BATCHES", 100)
    assert journal.verify().fault == Fault(What.ROW, seq=1)


def test_a_snapshot_that_is_no_more_leaves_no_connection_open(journal: Journal) -> None:
    with pytest.raises(psycopg.Error):
        reading(journal.database, "00000000-00000000-1")


def test_a_line_that_stands_twice_is_named(journal: Journal) -> None:
    alter(journal, "alter table journal.change drop constraint change_pkey cascade")
    alter(journal, "insert into journal.change select * from journal.change where seq = 7")
    assert journal.verify().fault == Fault(What.ROW_EXTRA, seq=7)
