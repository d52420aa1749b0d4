"""The keys of a node from the command line."""

import json
import os
from pathlib import Path

import pytest

from tests.support.journal import a_change
from trucyte.base.settings import load_settings
from trucyte.database.connect import Database
from trucyte.node.cli import main
from trucyte.node.keeping import escrow
from trucyte.node.wiring import open_node


@pytest.fixture
def folder(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setattr(escrow, "_COST", (4, 8, 1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    code = main(arguments, standalone_mode=False)
    out = capsys.readouterr().out
    return code, json.loads(out) if out.startswith("{") else {}


def commit_some(folder: Path, *ids: str) -> None:
    settings = load_settings({"TRUCYTE_DATA": str(folder / "var"), **_environment()})
    with open_node(settings) as node:
        node.journal.commit([a_change(id_, person=n) for n, id_ in enumerate(ids)])


def _environment() -> dict[str, str]:
    return {"TRUCYTE_DATABASE_URL": os.environ["TRUCYTE_DATABASE_URL"]}


def test_keys_are_rotated_rewrapped_and_retired_and_everything_stays_proven(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit_some(folder, "a", "b")
    _, before = run(capsys, "keys", "list", "--json")
    assert (before["generation"], before["wrapped"]) == (1, {"1": 2})
    code, after = run(capsys, "keys", "rotate", "--json")
    assert (code, after["generation"], after["wrapped"]) == (0, 2, {"1": 2, "2": 0})
    assert after["signing"] != before["signing"]
    assert sorted(after["verifying"]) == sorted([before["signing"], after["signing"]])
    assert run(capsys, "keys", "retire", "1", "--yes")[0] == 1  # keys are still wrapped under it
    assert run(capsys, "keys", "rewrap", "--json") == (0, {"rewrapped": 2})
    code, facts = run(capsys, "keys", "retire", "1", "--yes", "--json")
    assert (code, facts["wrapped"]) == (0, {"2": 2})
    assert run(capsys, "keys", "retire", "2", "--yes")[0] == 1
    for more in ((), ("--trail",)):
        code, verdict = run(capsys, "audit", "verify", "--json", *more)
        assert (code, verdict["verdict"]) == (0, "sound")
    assert run(capsys, "keys", "rotate", "--signing", "--json")[1]["generation"] == 2
    assert run(capsys, "keys", "rotate", "--wrapping", "--json")[1]["generation"] == 3


def test_lines_of_before_are_sealed_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "trucyte.toml").write_text("[journal]\nencrypt = false\n")
    settings = load_settings({"TRUCYTE_DATA": str(folder / "var"), **_environment()})
    with open_node(settings) as node:
        node.journal.commit([a_change("a", person=1)])
    assert run(capsys, "keys", "encrypt", "--json") == (0, {"sealed": 1})
    assert run(capsys, "keys", "encrypt", "--json") == (0, {"sealed": 0})


def test_keys_go_to_the_safe_and_come_back_under_the_passphrase_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit_some(folder, "a")
    (folder / "phrase").write_text("mưa rơi trên phố cổ\n", "utf-8")
    (folder / "wrong").write_text("another passphrase\n")
    (folder / "short").write_text("short\n")
    export = ("keys", "export", "safe", "--passphrase-file")
    assert run(capsys, *export, "short")[0] == 1
    assert run(capsys, *export, "phrase")[0] == 0
    assert run(capsys, *export, "phrase")[0] == 2  # never over another
    assert (folder / "safe").stat().st_mode & 0o077 == 0
    take = ("keys", "import", "safe", "--passphrase-file")
    assert run(capsys, *take, "phrase")[0] == 1  # there are keys
    (folder / "var" / "keys").rename(folder / "lost")
    assert run(capsys, *take, "wrong")[0] == 1
    assert run(capsys, "audit", "verify")[0] == 1  # signed by a key that is not here
    for path in (folder / "var" / "keys").iterdir():
        path.unlink()
    assert run(capsys, *take, "phrase")[0] == 0
    assert run(capsys, "audit", "verify", "--json")[1]["verdict"] == "sound"


@pytest.mark.parametrize("cut", [0, 3, 20, 40, -1])
def test_a_file_from_the_safe_that_was_altered_is_refused(cut: int) -> None:
    data = escrow.sealed({"master.key": b"m" * 32}, "a long passphrase", (4, 8, 1))
    assert escrow.opened(data, "a long passphrase") == {"master.key": b"m" * 32}
    with pytest.raises(escrow.EscrowUnreadable):
        escrow.opened(data[:cut], "a long passphrase")
    flipped = bytearray(data)
    flipped[cut] ^= 0x80
    with pytest.raises(escrow.EscrowUnreadable):
        escrow.opened(bytes(flipped), "a long passphrase")


def test_the_master_secret_comes_from_a_credential_of_the_service(tmp_path: Path) -> None:
    (tmp_path / "trucyte-master-key").write_bytes(b"m" * 32)
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load_settings(environment).keys.master == tmp_path / "trucyte-master-key"
    named = environment | {"TRUCYTE_MASTER_KEY": "/srv/key"}
    assert load_settings(named).keys.master == Path("/srv/key")
    assert load_settings({"CREDENTIALS_DIRECTORY": "/nowhere"}).keys.master is None
    assert load_settings({}).keys.master is None
