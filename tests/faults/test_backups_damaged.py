"""Backups that are altered, cut, missing or of another; kills and full disks: each is told."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.backup import Place, run
from trucyte.database.connect import Database

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(
    database: Database, empty_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    made = Place(tmp_path, database, empty_database, monkeypatch)
    made.put("a", "b")
    return made


def save(place: Place, capsys: Capture) -> Path:
    before = set(place.folder.glob("*.tbk"))
    code, _, err = run(capsys, "backup", place.folder, "--to", place.recipient, "--json")
    assert code == 0, err
    (path,) = set(place.folder.glob("*.tbk")) - before
    return path


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def cut(path: Path, at: int) -> None:
    path.write_bytes(path.read_bytes()[:at])


DAMAGE: tuple[tuple[Callable[[Path, int], None], int, str], ...] = (
    (flipped, 3, "not-a-backup"),
    (flipped, 60, "backup-altered"),
    (flipped, -200, "backup-altered"),
    (flipped, -1, "backup-altered"),
    (flipped, -70, "backup-of-another"),
    (cut, 5, "not-a-backup"),
    (cut, -30, "backup-cut"),
    (cut, -1000, "backup-cut"),
)


def test_every_damage_is_told_and_nothing_serves(place: Place, capsys: Capture) -> None:
    path = save(place, capsys)
    whole = path.read_bytes()
    for damage, at, code in DAMAGE:
        path.write_bytes(whole)
        damage(path, at)
        done, _, err = run(capsys, "backup", "check", path, "--key", place.key, "--json")
        assert done == 1, err
        assert code in err or (at == 60 and "not-a-backup" in err), (at, err)
    data = place.restored()
    done, _, err = run(
        capsys, "restore", path, "--key", place.key, "--to", data, "--erasures", "none"
    )
    assert (done, "backup-cut" in err) == (1, True), err
    done, _, err = run(capsys, "status")
    assert (done, "restore-unfinished" in err) == (3, True), err
    path.write_bytes(whole)
    again = ("restore", path, "--key", place.key, "--to", data, "--erasures", "none", "--json")
    done, facts, err = run(capsys, *again)
    assert (done, facts.get("seq")) == (0, 2), err


def test_another_key_and_a_key_others_can_read_open_nothing(place: Place, capsys: Capture) -> None:
    path = save(place, capsys)
    other = place.root / "other.key"
    place.make_key(other)
    code, _, err = run(capsys, "backup", "check", path, "--key", other)
    assert (code, "backup-key-wrong" in err) == (1, True)
    place.key.chmod(0o644)
    code, _, err = run(capsys, "backup", "check", path, "--key", place.key)
    assert (code, "secret-exposed" in err) == (1, True)


def test_a_chain_with_a_gap_is_refused_by_the_name_of_what_is_missing(
    place: Place, capsys: Capture
) -> None:
    base = save(place, capsys)
    place.put("c")
    middle = save(place, capsys)
    place.put("d")
    last = save(place, capsys)
    data = place.restored()
    options = ("--key", place.key, "--to", data, "--erasures", "none")
    for files in ((base, last), (middle, last)):
        code, _, err = run(capsys, "restore", *files, *options)
        assert (code, "backup-missing" in err) == (1, True), err


def test_a_kill_in_the_middle_of_a_restore_leaves_nothing_that_serves(
    place: Place, capsys: Capture
) -> None:
    path = save(place, capsys)
    data = place.restored()
    code = (
        "import os, signal, trucyte.node.keeping.backup.restoring as r\n"
        "r._prove = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from trucyte.node.cli import main\nmain()\n"
    )
    words = ["restore", str(path), "--key", str(place.key), "--to", str(data), "--erasures", "none"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == -signal.SIGKILL
    assert "restore-unfinished" in run(capsys, "status")[2]
    exit_code, facts, err = run(capsys, *words, "--json")
    assert (exit_code, facts.get("seq")) == (0, 2), err


def test_a_full_disk_and_a_kill_leave_no_half_backup(place: Place, capsys: Capture) -> None:
    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    words = [sys.executable, "-m", "trucyte.node.cli", "backup", str(place.folder)]
    done = subprocess.run(
        [*words, "--to", place.recipient], preexec_fn=small, capture_output=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert b"backup-no-room" in done.stderr
    assert [path.name for path in place.folder.iterdir()] == [".backup.lock"]
    (place.folder / ".trucyte-x.tbk.ab.part").write_bytes(b"of a kill")
    save(place, capsys)
    assert not list(place.folder.glob(".*.part"))
