"""The node's secrets: files in a folder that nobody else can read.

`master.key`         the master secret; other secrets are derived from it (HKDF-SHA-256,
                     RFC 5869) and stay what they are. It may lie elsewhere: systemd's
                     credentials, a file on a medium of its own.
`signing.key`        the Ed25519 key that signs; after a rotation `signing-NNNN.key`, and
                     of each before it `signing-NNNN.pub`, which goes on verifying.
`wrapping-NNNN.key`  the secrets that keys of bodies are wrapped under, sealed under the
                     master secret. The highest wraps; the others unwrap until they are retired.

A process sees what another has put into the folder within `LOOK_SECONDS`. Nothing secret
appears in `repr`, a log or an error.
"""

import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trucyte.base.problem import Kind, Problem

LOOK_SECONDS: Final = 2.0
_SECRET_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_SEALED_SIZE: Final = _NONCE_SIZE + _SECRET_SIZE + 16
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_FILE: Final = re.compile(r"(?P<kind>signing|wrapping)-(?P<number>\d{4})\.(?P<end>key|pub)")


class KeysExposed(Problem):
    """Others can read the key folder or a key in it ({name}); close it with chmod go= first."""

    kind = Kind.FORBIDDEN
    code = "keys-exposed"


class KeyDamaged(Problem):
    """The key file {name} does not hold {size} bytes; restore it from the backup."""

    kind = Kind.UNAVAILABLE
    code = "key-damaged"


class MasterKeyWrong(Problem):
    """The master secret is not the one that {name} was sealed under; nothing was written."""

    kind = Kind.UNAVAILABLE
    code = "master-key-wrong"


class MasterKeyMissing(Problem):
    """The file named as the master secret is not there; nothing was written."""

    kind = Kind.UNAVAILABLE
    code = "master-key-missing"


class KeysInTheWay(Problem):
    """There are keys already; others are never put in their place."""

    kind = Kind.CONFLICT
    code = "keys-in-the-way"


@dataclass(frozen=True, slots=True, repr=False)
class Signing:
    """The key that signs: with its name, so that both are of one moment."""

    private: Ed25519PrivateKey
    public: bytes
    id: str

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes) of `message`."""
        return self.private.sign(message)


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    """What the folder holds at one moment."""

    signing: Signing
    publics: Mapping[str, bytes]  # by name, of all generations
    wrapping: Mapping[int, bytes]  # secrets by generation
    mark: int


class Keyring:
    """The keys of one node. Make it with `Keyring.open`. Safe to share between threads."""

    __slots__ = ("_folder", "_held", "_looked", "_master", "ids", "persons", "tokens")

    def __init__(self, folder: Path, master: bytes) -> None:
        """Read what `folder` holds under a 32-byte master secret."""
        self._folder = folder
        self._master = master
        self.ids = self.derive("ids", 32)
        self.tokens = self.derive("tokens", 16)
        self.persons = self.derive("persons", 16)
        self._looked = time.monotonic()
        self._held = self._read_whole()

    @classmethod
    def open(cls, folder: Path, master: Path | None = None) -> "Keyring":
        """Read the keys of `folder` (mode 700), making folder and keys where there are none.

        `master` names the file of the master secret where it lies elsewhere; it must exist.
        Raises KeysExposed when others can get at them, KeyDamaged when a file is cut,
        MasterKeyMissing, and MasterKeyWrong where the files here are of another one.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(folder, folder.stat())
        if master is None:
            secret = _secret(folder / "master.key")
        elif master.is_file():
            secret = _read_secret(master, _SECRET_SIZE, stat.S_IRWXO)
        else:
            raise MasterKeyMissing
        numbers = _numbers(folder, "signing", "key")
        if not numbers:
            _secret(folder / "signing.key")
        if not _numbers(folder, "wrapping", "key"):
            _place(folder / "wrapping-0001.key", _sealed(secret, secrets.token_bytes(32)))
        return cls(folder, secret)

    @property
    def signing(self) -> Signing:
        """The key that signs now."""
        self._look()
        return self._held.signing

    @property
    def key_id(self) -> str:
        """The name of the key that signs now."""
        return self.signing.id

    @property
    def public_key(self) -> bytes:
        """The public half of the key that signs now."""
        return self.signing.public

    @property
    def public_keys(self) -> Mapping[str, bytes]:
        """The public keys of this node by name, of all generations."""
        self._look()
        return self._held.publics

    @property
    def generation(self) -> int:
        """The generation that keys of bodies are wrapped under now."""
        self._look()
        return max(self._held.wrapping)

    def wrapping(self, generation: int) -> bytes | None:
        """Return a secret that keys of bodies are wrapped under; None where it is not here."""
        found = self._held.wrapping.get(generation)
        if found is None:
            self.refresh()
            found = self._held.wrapping.get(generation)
        return found

    @property
    def generations(self) -> tuple[int, ...]:
        """The generations that are here, oldest first."""
        self._look()
        return tuple(sorted(self._held.wrapping))

    def derive(self, purpose: str, size: int) -> bytes:
        """Return a sub-key of `size` bytes for one purpose; always the same."""
        return _derived(self._master, purpose, size)

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes) of `message`."""
        return self.signing.sign(message)

    def rotate_signing(self) -> Signing:
        """Make a new key that signs; of the one before it the public half stays."""
        number = max(_numbers(self._folder, "signing", "key"), default=1)
        old = self._read().signing
        _place(self._folder / f"signing-{number:04}.pub", old.public)
        _place(self._folder / f"signing-{number + 1:04}.key", secrets.token_bytes(_SECRET_SIZE))
        for name in ("signing.key", f"signing-{number:04}.key"):
            (self._folder / name).unlink(missing_ok=True)
        self.refresh()
        return self._held.signing

    def rotate_wrapping(self) -> int:
        """Make a new secret that keys of bodies are wrapped under; return its generation."""
        number = max(_numbers(self._folder, "wrapping", "key")) + 1
        sealed = _sealed(self._master, secrets.token_bytes(_SECRET_SIZE))
        _place(self._folder / f"wrapping-{number:04}.key", sealed)
        self.refresh()
        return number

    def retire_wrapping(self, generation: int) -> None:
        """Destroy an old secret for good: what is still wrapped under it anywhere is gone."""
        assert generation < max(_numbers(self._folder, "wrapping", "key"))
        (self._folder / f"wrapping-{generation:04}.key").unlink(missing_ok=True)
        self.refresh()

    def files(self) -> Mapping[str, bytes]:
        """Return everything that makes this keyring, by file name, to be sealed for escrow."""
        found = {
            path.name: path.read_bytes()
            for path in sorted(self._folder.iterdir())
            if path.name == "signing.key" or _FILE.fullmatch(path.name)
        }
        return {"master.key": self._master, **found}

    def refresh(self) -> None:
        """Take up what the folder holds now."""
        self._looked = time.monotonic()
        if self._folder.stat().st_mtime_ns != self._held.mark:
            self._held = self._read_whole()

    def _look(self) -> None:
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self.refresh()

    def _read_whole(self) -> _Held:
        try:
            return self._read()
        except FileNotFoundError:
            # Another process was just putting a new key in the place of an old one.
            return self._read()

    def _read(self) -> _Held:
        mark = self._folder.stat().st_mtime_ns
        numbers = _numbers(self._folder, "signing", "key")
        name = f"signing-{numbers[-1]:04}.key" if numbers else "signing.key"
        private = Ed25519PrivateKey.from_private_bytes(
            _read_secret(self._folder / name, _SECRET_SIZE, _OTHERS)
        )
        public = private.public_key().public_bytes_raw()
        signing = Signing(private, public, key_id(public))
        old = (
            _read_secret(self._folder / f"signing-{number:04}.pub", _SECRET_SIZE, _OTHERS)
            for number in _numbers(self._folder, "signing", "pub")
        )
        wrapping = {
            number: self._unsealed(self._folder / f"wrapping-{number:04}.key")
            for number in _numbers(self._folder, "wrapping", "key")
        }
        publics = {key_id(key): key for key in (*old, public)}
        return _Held(signing, publics, wrapping, mark)

    def _unsealed(self, path: Path) -> bytes:
        sealed = _read_secret(path, _SEALED_SIZE, _OTHERS)
        try:
            return _cipher(self._master).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], None)
        except InvalidTag:
            raise MasterKeyWrong(name=path.name) from None

    def __repr__(self) -> str:
        return f"Keyring({self._held.signing.id})"

    def __reduce__(self) -> str:
        raise TypeError("a keyring does not travel")


def _derived(master: bytes, purpose: str, size: int) -> bytes:
    info = b"trucyte " + purpose.encode()
    return HKDF(algorithm=SHA256(), length=size, salt=None, info=info).derive(master)


def _cipher(master: bytes) -> AESGCM:
    return AESGCM(_derived(master, "wrapping", 32))


def _sealed(master: bytes, secret: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_SIZE)
    return nonce + _cipher(master).encrypt(nonce, secret, None)


def _numbers(folder: Path, kind: str, end: str) -> list[int]:
    """Return the numbers of the files of a kind, lowest first."""
    found = (_FILE.fullmatch(path.name) for path in folder.iterdir())
    return sorted(
        int(match["number"])
        for match in found
        if match is not None and match["kind"] == kind and match["end"] == end
    )


def place_files(folder: Path, files: Mapping[str, bytes], master: Path | None = None) -> None:
    """Lay down what `Keyring.files` gave; the master secret at `master`, if that is named.

    Raises KeysInTheWay where there are keys already.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_private(folder, folder.stat())
    places = {name: folder / name for name in files} | (
        {"master.key": master} if master is not None else {}
    )
    names = ("signing.key", "master.key")
    assert all(name in names or _FILE.fullmatch(name) for name in files)
    if any(folder.iterdir()) or (master is not None and master.exists()):
        raise KeysInTheWay
    for name, content in files.items():
        _place(places[name], content)


def key_id(public_key: bytes) -> str:
    """Return the short name of a public key: 16 hex digits of its SHA-256."""
    return sha256(public_key).hexdigest()[:16]


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether `signature` is that of the holder of `public_key` under `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _secret(path: Path) -> bytes:
    if not path.exists():
        _place(path, secrets.token_bytes(_SECRET_SIZE))
    return _read_secret(path, _SECRET_SIZE, _OTHERS)


def _read_secret(path: Path, size: int, others: int) -> bytes:
    with path.open("rb") as file:
        _check_private(path, os.fstat(file.fileno()), others)
        secret = file.read()
    if len(secret) != size:
        raise KeyDamaged(name=path.name, size=size)
    return secret


def _place(path: Path, secret: bytes) -> None:
    """Write durably and all at once; of two processes that start together one wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with _removed(draft):
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _removed(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink()


def _check_private(path: Path, status: os.stat_result, others: int = _OTHERS) -> None:
    # The credentials of a service are read through a list of rights, which shows as a group.
    if status.st_mode & others or status.st_uid not in (os.geteuid(), 0):
        raise KeysExposed(name=path.name)
