"""Tokens that bind a WebSocket to subscriptions: short-lived, and good at every process.

A token names the subscriptions and its end, and is sealed by a key of the node; nothing is
kept of it.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from trucyte.exchange.subscriptions.problems import BindingTokenUnknown
from trucyte.journal.keyring import Keyring

LIVES: Final = timedelta(minutes=5)
_BYTES_MAX: Final = 16_384


class _Body(msgspec.Struct, frozen=True, array_like=True):
    ids: tuple[str, ...]
    ends: int  # seconds since 1970


class Binding:
    """Makes and reads tokens."""

    def __init__(self, keyring: Keyring) -> None:
        """Seal with a key of the node."""
        self._key = keyring.derive("subscriptions.binding", 32)

    def token(self, ids: Sequence[str], now: datetime) -> tuple[str, datetime]:
        """Return a token for subscriptions, and when it ends."""
        ends = int((now + LIVES).timestamp())
        body = msgspec.json.encode(_Body(tuple(ids), ends))
        text = base64.urlsafe_b64encode(self._seal(body) + body).decode().rstrip("=")
        return text, datetime.fromtimestamp(ends, UTC)

    def read(self, token: str, now: datetime) -> tuple[str, ...]:
        """Return the subscriptions of a token. Raises BindingTokenUnknown."""
        try:
            whole = base64.urlsafe_b64decode(token[:_BYTES_MAX] + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise BindingTokenUnknown from None
        seal, body = whole[:32], whole[32:]
        if not hmac.compare_digest(seal, self._seal(body)):
            raise BindingTokenUnknown
        read = msgspec.json.decode(body, type=_Body)
        if now.timestamp() >= read.ends:
            raise BindingTokenUnknown
        return read.ids

    def _seal(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, sha256).digest()
