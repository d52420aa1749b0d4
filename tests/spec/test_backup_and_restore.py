"""A node is copied, and made again from its copies, from the command line."""

from pathlib import Path

import pytest

from tests.support.backup import MARKED, Place, run
from trucyte.database.connect import Database
from trucyte.node.keeping.backup.making import backups_in

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def place(
    database: Database, empty_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    return Place(tmp_path, database, empty_database, monkeypatch)


def save(place: Place, capsys: Capture, *more: str) -> dict:
    code, facts, err = run(capsys, "backup", place.folder, "--to", place.recipient, "--json", *more)
    assert code == 0, err
    return facts


def bring_back(
    place: Place, capsys: Capture, data: Path, *more: str, erasures: str | Path = "none"
) -> tuple[int, dict, str]:
    return run(
        capsys, "restore", place.folder, "--key", place.key, "--to", data,
        "--erasures", erasures, "--json", *more,
    )  # fmt: skip


def test_a_base_and_what_follows_make_the_node_again_line_by_line(
    place: Place, capsys: Capture
) -> None:
    place.put("a", "b")
    assert save(place, capsys)["kind"] == "base"
    place.put("b", "c")
    place.end("a")
    more = save(place, capsys)
    assert (more["kind"], more["seq"]) == ("more", 5)
    data = place.restored()
    code, facts, err = bring_back(place, capsys, data)
    assert (code, facts["seq"], facts["epoch"], facts["verdict"]) == (0, 5, 2, "sound"), err
    assert run(capsys, "rebuild", "--compare", "--json")[1] == {"verdict": "same"}
    assert run(capsys, "audit", "verify", "--json")[1]["verdict"] == "sound"
    with place.node() as node:
        assert [line.entry.version for line in node.journal.history(0, "Observation", "b")] == [
            2,
            1,
        ]
        node.journal.commit([])
    place.put("d")  # and it goes on
    assert run(capsys, "audit", "verify", "--json")[1]["lines"] == 6


def test_a_file_shows_nothing_of_a_person_to_who_has_not_the_key(
    place: Place, capsys: Capture
) -> None:
    place.put("a")
    save(place, capsys)
    (path,) = place.folder.glob("*.tbk")
    assert MARKED.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_a_node_is_as_it_was_at_a_line_and_at_a_time(place: Place, capsys: Capture) -> None:
    place.put("a", "b")
    save(place, capsys)
    place.put("b", "c")
    save(place, capsys)
    data = place.restored()
    code, facts, err = bring_back(place, capsys, data, "--at", "3")
    assert (code, facts["seq"]) == (0, 3), err
    assert run(capsys, "rebuild", "--compare", "--json")[1] == {"verdict": "same"}
    with place.node() as node:
        assert set(node.journal.head([(0, "Observation", "c")])) == set()


@pytest.mark.long
def test_a_time_beyond_the_backups_or_before_them_is_refused(place: Place, capsys: Capture) -> None:
    place.put("a")
    save(place, capsys)
    data = place.restored()
    for at, code in (("99", "restore-too-late"), ("2000-01-01T00:00+07:00", "restore-too-early")):
        done, _, err = bring_back(place, capsys, data, "--at", at)
        assert (done, code in err) == (1, True), err


@pytest.mark.long
def test_what_was_erased_after_the_backup_is_erased_again(place: Place, capsys: Capture) -> None:
    place.put("a", "b", person=9)
    save(place, capsys)
    place.erase("a")
    later = place.root / "later.erased"
    assert run(capsys, "backup", "erasures", later, "--to", place.recipient)[0] == 0
    data = place.restored()
    code, facts, err = bring_back(place, capsys, data, erasures=later)
    assert (code, facts["erased_again"]) == (0, 1), err
    with place.node() as node:
        (line,) = node.journal.history(0, "Observation", "a")
        assert line.body == b""
    assert run(capsys, "rebuild", "--compare", "--json")[1] == {"verdict": "same"}


def test_an_erasure_between_two_backups_holds_in_what_is_restored(
    place: Place, capsys: Capture
) -> None:
    place.put("a", "b", person=9)
    save(place, capsys)
    place.erase("a")
    place.put("a", person=9, value=2)
    save(place, capsys)
    data = place.restored()
    code, facts, err = bring_back(place, capsys, data)
    assert (code, facts["seq"]) == (0, 3), err
    with place.node() as node:
        bodies = [line.body for line in node.journal.history(0, "Observation", "a")]
        assert (bodies[0] != b"", bodies[1]) == (True, b"")
    assert run(capsys, "rebuild", "--compare", "--json")[1] == {"verdict": "same"}


def test_a_drill_proves_a_backup_and_leaves_nothing(place: Place, capsys: Capture) -> None:
    place.put("a", "b")
    save(place, capsys)
    code, facts, err = run(capsys, "backup", "drill", place.folder, "--key", place.key, "--json")
    assert (code, facts["verdict"], facts["lines"]) == (0, "sound", 2), err
    with place.live.connection() as connection:
        left = connection.execute("select 1 from pg_database where datname ~ '^trucyte_drill'")
        assert left.fetchall() == []


def test_only_an_empty_place_is_restored_into(place: Place, capsys: Capture) -> None:
    place.put("a")
    save(place, capsys)
    code, _, err = bring_back(place, capsys, place.data)
    assert (code, "restore-in-the-way" in err) == (1, True)


def test_keys_must_be_there_first_and_be_those_of_the_node(place: Place, capsys: Capture) -> None:
    place.put("a")
    save(place, capsys)
    place.use(place.root / "other", place.empty)
    code, _, err = bring_back(place, capsys, place.root / "other")
    assert (code, "restore-keys-missing" in err) == (1, True)
    with place.node():
        pass  # makes keys of its own
    code, _, err = bring_back(place, capsys, place.root / "other")
    assert (code, "backup-of-another" in err) == (1, True)


@pytest.mark.long
def test_old_chains_go_and_the_newest_stays(place: Place, capsys: Capture) -> None:
    place.put("a")
    save(place, capsys, "--base")
    place.put("b")
    save(place, capsys)
    save(place, capsys, "--base")
    facts = save(place, capsys, "--base", "--keep", "2")
    assert facts["removed"] == 2
    assert [head.parent for _, head in backups_in(place.folder)] == ["", ""]


def test_nobody_who_could_open_it_is_a_refusal(place: Place, capsys: Capture) -> None:
    code, _, err = run(capsys, "backup", place.folder)
    assert (code, "backup-no-recipient" in err) == (1, True)
    code, _, err = run(capsys, "backup", place.folder, "--to", "trucyte-backup-xx")
    assert (code, "backup-recipient-unreadable" in err) == (1, True)
