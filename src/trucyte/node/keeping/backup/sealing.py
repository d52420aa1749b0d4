r"""One file of a backup: sealed to a key that is not on the node, signed by the node.

    "TRUCYTE BACKUP 1\n" ‖ size 4 ‖ head (JSON) ‖ frames ‖ 0 4 ‖ name of a key 16 ‖ signature 64
    frame = size 4 ‖ AES-256-GCM(kind 1 ‖ content)

The key of a file is HKDF-SHA-256 over the X25519 agreement of a key made for this file alone
and the backup key (the shape of RFC 9180's base mode). The nonce of a frame is its number,
and each is bound to the head, so frames cannot be left out, swapped or taken from another
file; one that was altered is named. The last frame is the manifest. The signature (Ed25519,
of the node's signing key) is over the SHA-256 of all before it: who knows the public backup
key can seal something, and only the node can have it taken for a backup.
"""

import base64
import hashlib
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trucyte.base.problem import Kind, Problem
from trucyte.base.secret_files import read_secret
from trucyte.journal.keyring import is_signed

MAGIC: Final = b"TRUCYTE BACKUP 1\n"
_KEY_MAGIC: Final = "TRUCYTE-BACKUP-KEY-1 "
_RECIPIENT: Final = "trucyte-backup-"
_SIZE: Final = struct.Struct(">I")
_FRAME_MAX: Final = 64 * 1024**2
_HEAD_MAX: Final = 64 * 1024
_SIGNED: Final = 16 + 64

TABLE, ROWS, ERASURES, MANIFEST = b"T", b"D", b"E", b"M"
Sign = Callable[[bytes], tuple[str, bytes]]


class BackupAltered(Problem):
    """The backup {file} was altered or is damaged, at part {part}; take another copy of it."""

    kind = Kind.BAD_INPUT
    code = "backup-altered"


class BackupCut(Problem):
    """The backup {file} ends too early, behind part {part}; take another copy of it."""

    kind = Kind.BAD_INPUT
    code = "backup-cut"


class NotABackup(Problem):
    """{file} is no backup that this program reads."""

    kind = Kind.BAD_INPUT
    code = "not-a-backup"


class BackupKeyWrong(Problem):
    """This key does not open {file}: it was sealed to {recipient}."""

    kind = Kind.FORBIDDEN
    code = "backup-key-wrong"


class BackupOfAnother(Problem):
    """The backup {file} is not signed by the node whose keys are here."""

    kind = Kind.FORBIDDEN
    code = "backup-of-another"


class RecipientUnreadable(Problem):
    """That is no public backup key: `trucyte backup key FILE` prints one."""

    kind = Kind.BAD_INPUT
    code = "backup-recipient-unreadable"


class BackupKeyUnreadable(Problem):
    """That file holds no backup key."""

    kind = Kind.BAD_INPUT
    code = "backup-key-unreadable"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone sees of a file: positions and keys, nothing personal."""

    id: str
    parent: str  # "" for a base
    base: str  # id of the base of its chain
    made_at: str
    node: str  # name of the key that signs
    recipient: str
    sender: str  # the public key made for this file
    migration: int
    seq: int
    epoch: int
    trail_seq: int
    erasing: int  # up to this erasure by law all are in it
    source: int  # up to this original all are in it


def new_key() -> tuple[str, str]:
    """Return a new backup key as text, and its public half as people pass it on."""
    private = X25519PrivateKey.generate()
    text = _KEY_MAGIC + base64.b64encode(private.private_bytes_raw()).decode() + "\n"
    return text, recipient_of(private.public_key().public_bytes_raw())


def recipient_of(public: bytes) -> str:
    """Return how a public backup key is written."""
    return _RECIPIENT + base64.urlsafe_b64encode(public).decode().rstrip("=")


def read_recipient(text: str) -> bytes:
    """Return the public backup key that `text` writes. Raises RecipientUnreadable."""
    told = text.strip().removeprefix(_RECIPIENT)
    try:
        public = base64.b64decode(told + "=" * (-len(told) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise RecipientUnreadable from None
    if len(public) != 32 or not text.strip().startswith(_RECIPIENT):
        raise RecipientUnreadable
    return public


def read_key(path: Path) -> X25519PrivateKey:
    """Read the private backup key. Raises BackupKeyUnreadable, SecretExposed, SecretMissing."""
    text = read_secret(path)
    try:
        secret = base64.b64decode(text.removeprefix(_KEY_MAGIC), validate=True)
        if not text.startswith(_KEY_MAGIC):
            raise BackupKeyUnreadable
        return X25519PrivateKey.from_private_bytes(secret)
    except ValueError:
        raise BackupKeyUnreadable from None


class Writer:
    """Writes one file."""

    def __init__(self, file: IO[bytes], head: Callable[[str], Head], recipient: bytes) -> None:
        """Begin; `head` is given the public key that was made for this file."""
        private = X25519PrivateKey.generate()
        sender = private.public_key().public_bytes_raw()
        self.head = head(base64.b64encode(sender).decode())
        told = msgspec.json.encode(self.head)
        self._file = file
        self._hash = hashlib.sha256()
        self._bound = hashlib.sha256(told).digest()
        agreed = private.exchange(X25519PublicKey.from_public_bytes(recipient))
        self._cipher = _cipher(agreed, sender, recipient)
        self._number = 0
        self.size = 0
        self._write(MAGIC + _SIZE.pack(len(told)) + told)

    def frame(self, kind: bytes, content: bytes) -> None:
        """Add one part, at most `_FRAME_MAX` bytes."""
        sealed = self._cipher.encrypt(_nonce(self._number), kind + content, self._bound)
        self._number += 1
        self._write(_SIZE.pack(len(sealed)))
        self._write(sealed)

    def end(self, manifest: bytes, sign: Sign) -> None:
        """Add the manifest and the signature."""
        self.frame(MANIFEST, manifest)
        self._write(_SIZE.pack(0))
        name, signature = sign(b"TRUCYTE BACKUP 1" + self._hash.digest())
        self._write(name.encode() + signature)

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)
        self.size += len(data)


class Reader:
    """Reads one file, from its beginning to its end, once."""

    def __init__(self, path: Path) -> None:
        """Read the head. Raises NotABackup."""
        self.path = path
        self._hash = hashlib.sha256()
        try:
            self._file = path.open("rb")
        except OSError:
            raise NotABackup(file=path.name) from None
        try:
            told = self._read_head()
            self.head = msgspec.json.decode(told, type=Head)
        except (msgspec.DecodeError, EOFError):
            self._file.close()
            raise NotABackup(file=path.name) from None
        self._bound = hashlib.sha256(told).digest()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def frames(
        self, key: X25519PrivateKey, public_keys: Mapping[str, bytes]
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the parts by kind and content; at the end the signature is checked.

        Raises BackupKeyWrong, BackupAltered, BackupCut, BackupOfAnother. What was yielded
        before one of them counts for nothing.
        """
        cipher = self._cipher_for(key)
        number = 0
        kind = b""
        while kind != MANIFEST:
            sealed = self._sealed(number)
            try:
                told = cipher.decrypt(_nonce(number), sealed, self._bound)
            except InvalidTag:
                raise BackupAltered(file=self.path.name, part=number) from None
            kind = told[:1]
            yield kind, told[1:]
            number += 1
        self._check_end(number, public_keys)

    def _cipher_for(self, key: X25519PrivateKey) -> AESGCM:
        public = key.public_key().public_bytes_raw()
        if recipient_of(public) != self.head.recipient:
            raise BackupKeyWrong(file=self.path.name, recipient=self.head.recipient)
        try:
            sender = base64.b64decode(self.head.sender, validate=True)
            agreed = key.exchange(X25519PublicKey.from_public_bytes(sender))
        except ValueError:
            raise BackupAltered(file=self.path.name, part="head") from None
        return _cipher(agreed, sender, public)

    def _sealed(self, number: int) -> bytes:
        try:
            (size,) = _SIZE.unpack(self._read(_SIZE.size))
            if not 17 <= size <= _FRAME_MAX:
                raise BackupAltered(file=self.path.name, part=number)
            return self._read(size)
        except EOFError:
            raise BackupCut(file=self.path.name, part=number) from None

    def _check_end(self, number: int, public_keys: Mapping[str, bytes]) -> None:
        try:
            (size,) = _SIZE.unpack(self._read(_SIZE.size))
            digest = self._hash.digest()
            told = self._read(_SIGNED)
        except EOFError:
            raise BackupCut(file=self.path.name, part=number) from None
        if size or self._file.read(1):
            raise BackupAltered(file=self.path.name, part="end")
        public = public_keys.get(told[:16].decode("ascii", "replace"))
        if public is None:
            raise BackupOfAnother(file=self.path.name)
        if not is_signed(public, b"TRUCYTE BACKUP 1" + digest, told[16:]):
            raise BackupAltered(file=self.path.name, part="signature")

    def _read_head(self) -> bytes:
        if self._read(len(MAGIC)) != MAGIC:
            raise EOFError
        (size,) = _SIZE.unpack(self._read(_SIZE.size))
        if size > _HEAD_MAX:
            raise EOFError
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise EOFError
        self._hash.update(data)
        return data


def read_head(path: Path) -> Head:
    """Return what anyone sees of a file. Raises NotABackup."""
    reader = Reader(path)
    reader.close()
    return reader.head


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cipher(agreed: bytes, sender: bytes, recipient: bytes) -> AESGCM:
    derived = HKDF(
        algorithm=SHA256(), length=32, salt=sender + recipient, info=b"trucyte backup file 1"
    )
    return AESGCM(derived.derive(agreed))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
