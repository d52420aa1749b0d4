"""The keyring: made once, closed to others, silent about its secrets."""

import pickle
import stat
from multiprocessing import get_context
from pathlib import Path

import pytest

from trucyte.journal.keyring import (
    KeyDamaged,
    Keyring,
    KeysExposed,
    _place,
    is_signed,
    key_id,
)


def test_keys_are_made_once_and_read_again(tmp_path: Path) -> None:
    first, second = Keyring.open(tmp_path / "keys"), Keyring.open(tmp_path / "keys")
    assert (first.ids, first.tokens, first.persons) == (second.ids, second.tokens, second.persons)
    assert first.public_key == second.public_key
    assert len({first.ids[:16], first.tokens, first.persons}) == 3
    assert [len(first.tokens), len(first.persons)] == [16, 16]
    assert Keyring.open(tmp_path / "other").ids != first.ids


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "keys")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert modes == dict.fromkeys(("master.key", "signing.key", "wrapping-0001.key"), 0o600)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", [".", "master.key", "signing.key"])
def test_loose_permissions_are_refused(tmp_path: Path, name: str) -> None:
    Keyring.open(tmp_path / "keys")
    exposed = tmp_path / "keys" / name
    exposed.chmod(exposed.stat().st_mode | 0o040)
    with pytest.raises(KeysExposed, match="chmod"):
        Keyring.open(tmp_path / "keys")


def test_a_cut_key_file_is_refused_and_never_replaced(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "keys")
    cut = tmp_path / "keys" / "master.key"
    cut.write_bytes(cut.read_bytes()[:31])
    with pytest.raises(KeyDamaged):
        Keyring.open(tmp_path / "keys")
    assert len(cut.read_bytes()) == 31


def test_no_secret_shows_and_none_travels(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "keys")
    assert repr(keyring) == f"Keyring({keyring.key_id})"
    with pytest.raises(TypeError, match="does not travel"):
        pickle.dumps(keyring)


def test_a_signature_is_of_one_message_and_one_key(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "keys")
    signature = keyring.sign(b"message")
    assert is_signed(keyring.public_key, b"message", signature)
    assert not is_signed(keyring.public_key, b"massage", signature)
    assert not is_signed(Keyring.open(tmp_path / "other").public_key, b"message", signature)
    assert not is_signed(b"short", b"message", signature)
    assert keyring.key_id == key_id(keyring.public_key)


def _public_key(folder: Path) -> bytes:
    return Keyring.open(folder).public_key


def test_processes_that_start_together_agree_on_the_keys(tmp_path: Path) -> None:
    with get_context("fork").Pool(4) as pool:
        keys = pool.map(_public_key, [tmp_path / "keys"] * 16)
    assert len(set(keys)) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 3


def test_a_key_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    _place(tmp_path / "key", b"first")
    _place(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1
