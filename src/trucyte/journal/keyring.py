"""The node's secrets: one master secret and one signing key, in files nobody else can read.

Every other secret is derived from the master secret (HKDF-SHA-256, RFC 5869), so a backup
of two small files is a backup of all. Nothing secret appears in `repr`, a log or an error.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trucyte.base.problem import Kind, Problem

_SECRET_SIZE = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeysExposed(Problem):
    """Others can read the key folder or a key in it ({name}); close it with chmod go= first."""

    kind = Kind.FORBIDDEN
    code = "keys-exposed"


class KeyDamaged(Problem):
    """The key file {name} does not hold {size} bytes; restore it from the backup."""

    kind = Kind.UNAVAILABLE
    code = "key-damaged"


class Keyring:
    """The keys of one node. Make it with `Keyring.open`."""

    __slots__ = ("_master", "_signing", "ids", "key_id", "persons", "public_key", "tokens")

    def __init__(self, master: bytes, signing_seed: bytes) -> None:
        """Derive the keys from a 32-byte master secret and a 32-byte Ed25519 seed."""
        self._master = master
        self._signing = Ed25519PrivateKey.from_private_bytes(signing_seed)
        self.public_key = self._signing.public_key().public_bytes_raw()
        self.key_id = key_id(self.public_key)
        self.ids = self.derive("ids", 32)
        self.tokens = self.derive("tokens", 16)
        self.persons = self.derive("persons", 16)

    @classmethod
    def open(cls, folder: Path) -> "Keyring":
        """Read the keys of `folder` (mode 700), making folder and keys where there are none.

        Raises KeysExposed when others can get at them, KeyDamaged when a file is cut.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(folder, folder.stat())
        return cls(_secret(folder / "master.key"), _secret(folder / "signing.key"))

    def derive(self, purpose: str, size: int) -> bytes:
        """Return a sub-key of `size` bytes for one purpose; always the same."""
        info = b"trucyte " + purpose.encode()
        return HKDF(algorithm=SHA256(), length=size, salt=None, info=info).derive(self._master)

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes) of `message`."""
        return self._signing.sign(message)

    def __repr__(self) -> str:
        return f"Keyring({self.key_id})"

    def __reduce__(self) -> str:
        raise TypeError("a keyring does not travel")


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
    with path.open("rb") as file:
        _check_private(path, os.fstat(file.fileno()))
        secret = file.read()
    if len(secret) != _SECRET_SIZE:
        raise KeyDamaged(name=path.name, size=_SECRET_SIZE)
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


def _check_private(path: Path, status: os.stat_result) -> None:
    if status.st_mode & _OTHERS or status.st_uid not in (os.geteuid(), 0):
        raise KeysExposed(name=path.name)
