r"""A node's keys in one file, sealed under a passphrase: what lies in a safe, away from it.

"TRUCYTE KEYS 1\n" ‖ log2 n 1 ‖ r 1 ‖ p 1 ‖ salt 16 ‖ nonce 12 ‖ AES-256-GCM(files), under
scrypt(passphrase) (RFC 7914), the bytes before the nonce bound to it.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trucyte.base.problem import Kind, Problem

PASSPHRASE_MIN: Final = 12
_MAGIC: Final = b"TRUCYTE KEYS 1\n"
_COST: Final = (17, 8, 1)  # 128 MiB, some 0.4 s
_COST_MAX: Final = 20
_FORM: Final = msgspec.json.Decoder(dict[str, str])


class PassphraseTooShort(Problem):
    """A passphrase that seals keys has at least {size_min} characters."""

    code = "passphrase-too-short"


class EscrowUnreadable(Problem):
    """The file of keys does not open: another passphrase, or it was altered."""

    kind = Kind.BAD_INPUT
    code = "escrow-unreadable"


def sealed(
    files: Mapping[str, bytes], passphrase: str, cost: tuple[int, int, int] = _COST
) -> bytes:
    """Return files sealed under a passphrase; raises PassphraseTooShort."""
    if len(passphrase) < PASSPHRASE_MIN:
        raise PassphraseTooShort(size_min=PASSPHRASE_MIN)
    head = _MAGIC + bytes(cost) + secrets.token_bytes(16)
    nonce = secrets.token_bytes(12)
    texts = {name: base64.b64encode(content).decode() for name, content in files.items()}
    cipher = AESGCM(_key(passphrase, head))
    return head + nonce + cipher.encrypt(nonce, msgspec.json.encode(texts), head)


def opened(data: bytes, passphrase: str) -> Mapping[str, bytes]:
    """Return the files of what `sealed` made; raises EscrowUnreadable."""
    end = len(_MAGIC) + 19
    head, nonce, body = data[:end], data[end : end + 12], data[end + 12 :]
    cost = head[len(_MAGIC) : len(_MAGIC) + 3]
    if not head.startswith(_MAGIC) or len(body) < 16 or not _is_bearable(cost):
        raise EscrowUnreadable
    try:
        texts = _FORM.decode(AESGCM(_key(passphrase, head)).decrypt(nonce, body, head))
    except (InvalidTag, msgspec.DecodeError):
        raise EscrowUnreadable from None
    return {name: base64.b64decode(text) for name, text in texts.items()}


def write_new(path: Path, data: bytes) -> None:
    """Write a file that nobody else can read; raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _is_bearable(cost: bytes) -> bool:
    """Say whether a file asks for no more memory than a forged one may."""
    return 1 <= cost[0] <= _COST_MAX and 1 <= cost[1] <= 8 and 1 <= cost[2] <= 4


def _key(passphrase: str, head: bytes) -> bytes:
    power, block, parallel = head[len(_MAGIC) : len(_MAGIC) + 3]
    return hashlib.scrypt(
        passphrase.encode(), salt=head[-16:], n=1 << power, r=block, p=parallel,
        maxmem=(256 * block * parallel << power) + (1 << 20), dklen=32,
    )  # fmt: skip
