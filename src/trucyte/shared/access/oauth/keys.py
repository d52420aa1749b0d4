"""The keys that tokens are signed with, and how one follows another.

The next key is published before it signs, so that whoever keeps the list of keys knows it
in time; the one before stays published until the last token it signed has ended. Private
parts are kept sealed under a key of the node's keyring.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.shared.access.oauth.records import SealedKey, Store
from trucyte.shared.access.oauth.tokens import new_key

AGE_MAX: Final = timedelta(days=30)
PUBLISHED_BEFORE: Final = timedelta(days=1)
KEPT_AFTER: Final = timedelta(hours=1)  # above the life of the longest-lived token
_READ_EVERY: Final = timedelta(seconds=60)
_READ_SOONEST: Final = timedelta(seconds=5)  # for a key that is not known
_NONCE_SIZE: Final = 12


class SigningKeyDamaged(Problem):
    """The key {key} that signs tokens cannot be opened with the keys of this node."""

    kind = Kind.UNAVAILABLE
    code = "signing-key-damaged"


class SigningKeys:
    """The keys of one provider. Safe to share between threads."""

    def __init__(
        self, store: Store, sealing: bytes, clock: Clock, *, make: Callable[[], ECKey] = new_key
    ) -> None:
        """Keep them in `store`, sealed under 32 bytes."""
        self._store = store
        self._cipher = AESGCM(sealing)
        self._clock = clock
        self._make = make
        self._mutex = Lock()
        self._rows: Sequence[SealedKey] = ()
        self._opened: dict[str, ECKey] = {}
        self._public: dict[str, ECKey] = {}
        self._read_at: datetime | None = None

    def current(self) -> ECKey:
        """Return the key to sign with, making or publishing what is due."""
        now = self._clock.now()
        with self._mutex:
            self._read(now, _READ_EVERY)
            if self._is_due(now):
                self._add(now, begins_at=now + PUBLISHED_BEFORE if self._signs(now) else now)
            row = self._signs(now)
            assert row is not None, "a key was just added"
            return self._open(row)

    def public(self, kid: object) -> ECKey | None:
        """Return a published key by its name; None where there is none."""
        if not isinstance(kid, str):
            return None
        now = self._clock.now()
        with self._mutex:
            self._read(now, _READ_EVERY)
            if kid not in self._public:
                self._read(now, _READ_SOONEST)
            return self._public.get(kid)

    def jwks(self) -> Mapping[str, Any]:
        """Return the published keys (RFC 7517)."""
        self.current()
        with self._mutex:
            return {
                "keys": [
                    {**key.as_dict(private=False), "use": "sig", "alg": "ES256"}
                    for key in self._public.values()
                ]
            }

    def rotate(self, *, at_once: bool = False) -> SealedKey:
        """Publish the next key, or let one that waits sign at once; return it."""
        self.current()
        now = self._clock.now()
        with self._mutex:
            waiting = next((row for row in self._rows if row.begins_at > now), None)
            if waiting is None:
                self._add(now, begins_at=now if at_once else now + PUBLISHED_BEFORE)
            elif at_once:
                self._store.begin_key(waiting.id, now)
                self._read(now, timedelta())
            return self._rows[-1]

    def listed(self) -> Sequence[SealedKey]:
        """Return what is published, the oldest first."""
        self.current()
        return self._rows

    def _is_due(self, now: datetime) -> bool:
        signs = self._signs(now)
        if signs is None:
            return True
        is_old = now >= signs.begins_at + AGE_MAX - PUBLISHED_BEFORE
        return is_old and all(row.begins_at <= now for row in self._rows)

    def _signs(self, now: datetime) -> SealedKey | None:
        begun = [row for row in self._rows if row.begins_at <= now]
        return begun[-1] if begun else None

    def _add(self, now: datetime, *, begins_at: datetime) -> None:
        key = self._make()
        assert key.kid is not None, "keys are made with a name"
        public = msgspec.json.encode(key.as_dict(private=False)).decode()
        secret = msgspec.json.encode(key.as_dict(private=True))
        nonce = secrets.token_bytes(_NONCE_SIZE)
        sealed = nonce + self._cipher.encrypt(nonce, secret, key.kid.encode())
        self._store.add_key(SealedKey(key.kid, public, sealed, now, begins_at))
        self._read(now, timedelta())  # another process may have been first

    def _open(self, row: SealedKey) -> ECKey:
        found = self._opened.get(row.id)
        if found is None:
            nonce, rest = row.sealed[:_NONCE_SIZE], row.sealed[_NONCE_SIZE:]
            try:
                secret = self._cipher.decrypt(nonce, rest, row.id.encode())
            except InvalidTag:
                raise SigningKeyDamaged(key=row.id) from None
            found = self._opened[row.id] = ECKey.import_key(msgspec.json.decode(secret))
        return found

    def _read(self, now: datetime, every: timedelta) -> None:
        if self._read_at is not None and now - self._read_at < every:
            return
        self._rows = published(self._store.keys(), now)
        self._public = {
            row.id: ECKey.import_key(msgspec.json.decode(row.public)) for row in self._rows
        }
        self._opened = {id: key for id, key in self._opened.items() if id in self._public}
        self._read_at = now


def published(rows: Sequence[SealedKey], now: datetime) -> Sequence[SealedKey]:
    """Return the keys that are not past: those whose follower began long enough ago are."""
    found = sorted(rows, key=lambda row: row.begins_at)
    followers: list[SealedKey | None] = [*found[1:], None][: len(found)]
    return tuple(
        row
        for row, follower in zip(found, followers, strict=True)
        if follower is None or follower.begins_at + KEPT_AFTER > now
    )
