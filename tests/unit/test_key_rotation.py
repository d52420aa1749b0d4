"""New keys come without a restart, and a kill between two files harms nothing."""

import stat
from pathlib import Path

import pytest

from trucyte.journal import keyring as module
from trucyte.journal.keyring import (
    KeyDamaged,
    Keyring,
    KeysExposed,
    KeysInTheWay,
    MasterKeyMissing,
    MasterKeyWrong,
    is_signed,
    place_files,
)


def test_a_process_takes_up_what_another_rotates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, other = Keyring.open(tmp_path / "keys"), Keyring.open(tmp_path / "keys")
    old = serving.signing
    other.rotate_signing()
    other.rotate_wrapping()
    assert serving.signing is old
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    assert serving.key_id == other.key_id != old.id
    assert serving.generation == 2
    assert set(serving.public_keys) == {old.id, other.key_id}
    assert is_signed(serving.public_keys[old.id], b"m", old.sign(b"m"))


def test_an_unknown_generation_is_looked_for_at_once(tmp_path: Path) -> None:
    serving, other = Keyring.open(tmp_path / "keys"), Keyring.open(tmp_path / "keys")
    other.rotate_wrapping()
    assert serving.wrapping(2) == other.wrapping(2) is not None
    assert serving.wrapping(3) is None


def test_of_a_key_that_signed_only_the_public_half_stays(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "keys")
    names = [keyring.rotate_signing().id for _ in range(3)]
    files = {path.name for path in (tmp_path / "keys").iterdir() if "signing" in path.name}
    assert files == {
        "signing-0001.pub", "signing-0002.pub", "signing-0003.pub", "signing-0004.key",
    }  # fmt: skip
    assert keyring.key_id == names[-1]
    assert len(Keyring.open(tmp_path / "keys").public_keys) == 4


@pytest.mark.parametrize("step", range(4))
def test_a_rotation_killed_between_two_files_is_simply_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    keyring, taken = Keyring.open(tmp_path / "keys"), []
    before = keyring.key_id

    def dying(whole):
        def step_of(*arguments, **more):
            if len(taken) == step:
                raise KeyboardInterrupt
            taken.append(whole)
            return whole(*arguments, **more)

        return step_of

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "_place", dying(module._place))
        patched.setattr(Path, "unlink", dying(Path.unlink))
        keyring.rotate_signing()
        raise KeyboardInterrupt
    again = Keyring.open(tmp_path / "keys")
    assert before in again.public_keys
    after = again.rotate_signing().id
    assert {before, after} <= set(again.public_keys)


def test_a_key_that_goes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring, other = Keyring.open(tmp_path / "keys"), Keyring.open(tmp_path / "keys")
    read = module._read_secret
    done = []

    def late(path: Path, size: int, others: int) -> bytes:
        if not done:
            done.append(path)
            other.rotate_signing()
        return read(path, size, others)

    monkeypatch.setattr(module, "_read_secret", late)
    (tmp_path / "keys" / "touched").touch()
    keyring.refresh()
    assert keyring.key_id == other.key_id


def test_the_master_secret_may_lie_elsewhere(tmp_path: Path) -> None:
    first = Keyring.open(tmp_path / "first")
    master = tmp_path / "credential"
    (tmp_path / "first" / "master.key").rename(master)
    master.chmod(0o440)  # as systemd shows a credential
    again = Keyring.open(tmp_path / "first", master)
    assert (again.ids, again.wrapping(1)) == (first.ids, first.wrapping(1))
    assert not (tmp_path / "first" / "master.key").exists()
    master.chmod(0o444)
    with pytest.raises(KeysExposed):
        Keyring.open(tmp_path / "first", master)
    with pytest.raises(MasterKeyMissing):
        Keyring.open(tmp_path / "first", tmp_path / "nowhere")


def test_another_master_secret_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "keys")
    Keyring.open(tmp_path / "other")
    before = sorted(path.name for path in (tmp_path / "keys").iterdir())
    with pytest.raises(MasterKeyWrong):
        Keyring.open(tmp_path / "keys", tmp_path / "other" / "master.key")
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == before
    (tmp_path / "keys" / "wrapping-0001.key").write_bytes(b"short")
    with pytest.raises(KeyDamaged):
        Keyring.open(tmp_path / "keys")


def test_what_was_taken_out_can_be_laid_down_where_there_is_nothing(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "keys")
    keyring.rotate_signing()
    keyring.rotate_wrapping()
    place_files(tmp_path / "new", keyring.files())
    again = Keyring.open(tmp_path / "new")
    assert again.files() == keyring.files()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()} == {0o600}
    with pytest.raises(KeysInTheWay):
        place_files(tmp_path / "new", keyring.files())
    place_files(tmp_path / "apart", keyring.files(), tmp_path / "master")
    assert Keyring.open(tmp_path / "apart", tmp_path / "master").ids == keyring.ids
    with pytest.raises(KeysInTheWay):
        place_files(tmp_path / "third", keyring.files(), tmp_path / "master")
