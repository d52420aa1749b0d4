"""Signatures of notifications: a secret of each subscription, and the node's own key.

What is signed is the time, the Subscription, the range of event numbers, the method and the
address, and the SHA-256 of the body: a notification cannot be replayed later, to another
address, or under another subscription. Receivers refuse a time far from theirs, and a
number they have seen already they know as a double.
"""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from trucyte.journal.keyring import Keyring

SUBSCRIPTION: Final = "Trucyte-Subscription"
EVENTS: Final = "Trucyte-Events"  # "from-to"; "0-0" where there are none
TIMESTAMP: Final = "Trucyte-Timestamp"  # seconds since 1970
SIGNATURE: Final = "Trucyte-Signature"  # hmac-sha256=…, ed25519=…;keyid=…
_FORM: Final = b"trucyte-notification-1"


@dataclass(frozen=True, slots=True)
class Told:
    """What a signature is about."""

    subscription: str
    first: int
    last: int
    method: str
    url: str
    body: bytes


class Signer:
    """Signs for one node."""

    def __init__(self, keyring: Keyring) -> None:
        """Derive secrets from the node's keys."""
        self._keyring = keyring

    def secret(self, subscription: str) -> str:
        """Return the secret of a subscription, as its owner is given it."""
        return base64.b64encode(self._key(subscription)).decode()

    def headers(self, told: Told, now: datetime) -> list[tuple[str, str]]:
        """Return the headers that say and prove from whom and when it is."""
        seconds = int(now.timestamp())
        message = message_of(told, seconds)
        shared = hmac.new(self.secret(told.subscription).encode(), message, sha256).digest()
        key = self._keyring.signing
        own = key.sign(message)
        return [
            (SUBSCRIPTION, told.subscription),
            (EVENTS, f"{told.first}-{told.last}"),
            (TIMESTAMP, str(seconds)),
            (
                SIGNATURE,
                f"hmac-sha256={_text(shared)}, ed25519={_text(own)};keyid={key.id}",
            ),
        ]

    def _key(self, subscription: str) -> bytes:
        return self._keyring.derive(f"subscriptions.secret {subscription}", 32)


def message_of(told: Told, seconds: int) -> bytes:
    """Return the bytes that are signed: one line each."""
    lines = (
        _FORM,
        str(seconds).encode(),
        told.subscription.encode(),
        f"{told.first}-{told.last}".encode(),
        told.method.encode(),
        told.url.encode(),
        sha256(told.body).hexdigest().encode(),
    )
    return b"\n".join(lines)


def _text(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


Sign = Callable[[Told], list[tuple[str, str]]]
