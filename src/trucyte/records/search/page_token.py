"""Where the next page goes on, as an opaque text.

Sealed (AES-GCM) under a key of the node: nobody else can read it or make one, so it may
stand in a URL although it holds the search itself.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trucyte.base.problem import Kind, Problem

_NONCE_SIZE = 12


class PageTokenUnknown(Problem):
    """The page token is not one of this node's."""

    code = "page-token"


class PageExpired(Problem):
    """The page token is too old; search again."""

    kind = Kind.GONE
    code = "page-expired"


Key = int | float | str | None


class PageState(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", tag="search"):
    """A search, and the last row that was shown."""

    type: str  # "": of several types, or all
    pairs: tuple[tuple[str, str], ...]
    compartment: tuple[str, ...]  # (): none, else its type and id
    snapshot: int  # journal position of the first page
    epoch: int
    seq: int
    keys: tuple[Key, ...]  # sort keys of the last row
    now: int  # µs since 1970 at the first page: what `ap` was measured from


class HistoryState(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", tag="history"):
    """A history, and where it goes on."""

    type: str  # "": all
    id: str
    since: int | None  # µs since 1970
    at: tuple[int, int] | None  # µs since 1970, half open
    is_oldest_first: bool
    count: int
    snapshot: int
    epoch: int
    seq: int  # the line to go on from, itself not shown


class RecordState(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", tag="record"):
    """All of a person or visit, and the last row that was shown."""

    type: str
    id: str
    dates: tuple[int | None, int | None]  # µs since 1970
    since: int | None
    types: tuple[str, ...]
    count: int
    snapshot: int
    epoch: int
    seq: int
    is_exact: bool = False  # of this Patient alone, whoever is one person with it


State = PageState | HistoryState | RecordState
S = TypeVar("S", PageState, HistoryState, RecordState)


class PageSeal:
    """Seals and opens page tokens."""

    def __init__(self, key: bytes) -> None:
        """Derive the sealing key from the node's index key."""
        self._cipher = AESGCM(hmac.new(key, b"page tokens", hashlib.sha256).digest())

    def seal(self, state: State) -> str:
        """Return the token of a state."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        sealed = self._cipher.encrypt(nonce, msgspec.msgpack.encode(state), None)
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, token: str, kind: type[S]) -> S:
        """Return the state of a token of a kind; raises PageTokenUnknown."""
        try:
            padded = token + "=" * (-len(token) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
            opened = self._cipher.decrypt(raw[:_NONCE_SIZE], raw[_NONCE_SIZE:], None)
            return msgspec.msgpack.decode(opened, type=kind)
        except (ValueError, binascii.Error, InvalidTag, msgspec.DecodeError):
            raise PageTokenUnknown() from None
