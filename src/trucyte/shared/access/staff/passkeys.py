"""Passkeys (W3C WebAuthn): keys of a device that prove their holder, also without a password.

A passkey logs in by itself, so it must have checked its holder (user verification): by a
finger, a face or a number of its own. A challenge is answered once. The library that checks
them comes with the extra `login`; without it there are no passkeys and nothing else changes.
"""

import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.staff.account import Noting
from trucyte.shared.access.staff.problems import (
    LastFactor,
    PasskeyRefused,
    PasskeysAbsent,
    StaffUnknown,
)
from trucyte.shared.access.subject import Subject

CHALLENGE_LIFE: Final = timedelta(minutes=5)
PASSKEYS_MAX: Final = 20
NAME_MAX: Final = 40
ANSWER_MAX: Final = 16_384


class Queries(NamedTuple):
    """The named queries of passkeys."""

    forget_challenges: str
    add_challenge: str
    use_challenge: str
    add_passkey: str
    find_passkey: str
    passkeys_of: str
    note_passkey: str
    remove_passkey: str
    has_other_proof: str
    note_activation: str


QUERIES = load_queries(Queries, "trucyte.shared.access.staff", "passkeys.sql")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which site a browser is at: a passkey answers for one site only."""

    host: str  # without port: "yte.example.vn"
    origin: str  # "https://yte.example.vn"
    site: str = "Trucyte"  # as the browser shows it


@dataclass(frozen=True, slots=True)
class ListedPasskey:
    """A passkey as its holder sees it in a list."""

    id: str  # hex
    name: str
    created_at: datetime
    used_at: datetime | None


class Passkeys:
    """Passkeys of accounts. Safe to share between threads and processes."""

    def __init__(self, database: Database, clock: Clock, key: bytes, noting: Noting) -> None:
        """Keep them in `database`; `key` makes what devices know an account by."""
        self._database = database
        self._clock = clock
        self._key = key
        self._noting = noting

    @property
    def are_here(self) -> bool:
        """Say whether this node can check passkeys."""
        return find_spec("webauthn") is not None

    def options_to_register(self, account: str, display: str, asked: Asked) -> str:
        """Return as JSON what a browser needs to make a passkey. Raises PasskeysAbsent."""
        webauthn = _library()
        from webauthn.helpers import structs  # noqa: PLC0415 - of the extra

        known = [
            structs.PublicKeyCredentialDescriptor(id=bytes.fromhex(one.id))
            for one in self.of(account)
        ]
        options = webauthn.generate_registration_options(
            rp_id=asked.host,
            rp_name=asked.site,
            user_name=account,
            user_display_name=display,
            user_id=hmac.new(self._key, account.encode(), sha256).digest()[:16],
            challenge=self._challenge(account),
            exclude_credentials=known,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
        )
        return str(webauthn.options_to_json(options))

    def register(self, by: Subject, answer: str, name: str, asked: Asked) -> None:
        """Keep a passkey that was just made. Raises PasskeyRefused, PasskeysAbsent."""
        webauthn = _library()
        credential, challenge = self._answered(answer, by.account)
        if len(self.of(by.account)) >= PASSKEYS_MAX:
            raise PasskeyRefused
        try:
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=asked.host,
                expected_origin=asked.origin,
                require_user_verification=True,
            )
        except _refusals() as refusal:
            raise PasskeyRefused from refusal
        values = {
            "id": made.credential_id,
            "account": by.account,
            "public_key": made.credential_public_key,
            "sign_count": made.sign_count,
            "name": " ".join(name.split())[:NAME_MAX] or "passkey",
            "now": self._clock.now(),
        }
        with self._database.connection() as connection:
            if connection.execute(QUERIES.add_passkey, values).fetchone() is None:
                raise PasskeyRefused
            connection.execute(QUERIES.note_activation, values)
        self._noting.changed(by, "account-passkey", by.account)

    def options_to_log_in(self, asked: Asked, account: str = "") -> str:
        """Return as JSON what a browser needs to answer with a passkey of any account, or one."""
        webauthn = _library()
        from webauthn.helpers import structs  # noqa: PLC0415 - of the extra

        options = webauthn.generate_authentication_options(
            rp_id=asked.host,
            challenge=self._challenge(account),
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        return str(webauthn.options_to_json(options))

    def holder(self, answer: str, asked: Asked, account: str = "") -> str:
        """Return the account whose passkey answered. Raises PasskeyRefused, PasskeysAbsent."""
        webauthn = _library()
        credential, challenge = self._answered(answer, account)
        try:
            id = webauthn.base64url_to_bytes(str(credential.get("id", "")))
            with self._database.connection() as connection:
                row = connection.execute(QUERIES.find_passkey, {"id": id}).fetchone()
            if row is None:
                raise PasskeyRefused
            made = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=asked.host,
                expected_origin=asked.origin,
                credential_public_key=row[1],
                credential_current_sign_count=row[2],
                require_user_verification=True,
            )
        except _refusals() as refusal:
            raise PasskeyRefused from refusal
        values = {"id": id, "sign_count": made.new_sign_count, "now": self._clock.now()}
        with self._database.connection() as connection:
            connection.execute(QUERIES.note_passkey, values)
        return str(row[0])

    def of(self, account: str) -> Sequence[ListedPasskey]:
        """Return the passkeys of an account, the oldest first."""
        with self._database.connection() as connection:
            return [
                ListedPasskey(id.hex(), name, created_at, used_at)
                for id, name, created_at, used_at in connection.execute(
                    QUERIES.passkeys_of, {"account": account}
                )
            ]

    def remove(self, by: Subject, id: str) -> None:
        """Remove a passkey. Raises StaffUnknown; LastFactor where nothing else logs in."""
        try:
            values = {"account": by.account, "id": bytes.fromhex(id)}
        except ValueError:
            raise StaffUnknown from None
        with self._database.connection() as connection:
            if connection.execute(QUERIES.has_other_proof, values).fetchone() is None:
                raise LastFactor(least=1)
            if connection.execute(QUERIES.remove_passkey, values).fetchone() is None:
                raise StaffUnknown
        self._noting.changed(by, "account-passkey", by.account)

    def _challenge(self, account: str) -> bytes:
        challenge, now = secrets.token_bytes(32), self._clock.now()
        values = {"challenge": challenge, "account": account, "expires_at": now + CHALLENGE_LIFE}
        with self._database.connection() as connection:
            connection.execute(QUERIES.forget_challenges, {"now": now})
            connection.execute(QUERIES.add_challenge, values)
        return challenge

    def _answered(self, answer: str, account: str) -> tuple[dict[str, Any], bytes]:
        """Return a browser's answer and the challenge in it, which is used up by that."""
        webauthn = _library()
        if len(answer) > ANSWER_MAX:
            raise PasskeyRefused
        try:
            credential = json.loads(answer)
            told = json.loads(webauthn.base64url_to_bytes(credential["response"]["clientDataJSON"]))
            challenge = webauthn.base64url_to_bytes(told["challenge"])
        except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
            raise PasskeyRefused from None
        values = {"challenge": challenge, "account": account, "now": self._clock.now()}
        with self._database.connection() as connection:
            if connection.execute(QUERIES.use_challenge, values).fetchone() is None:
                raise PasskeyRefused
        return credential, challenge


def _library() -> Any:
    """Return the library that checks passkeys. Raises PasskeysAbsent."""
    try:
        import webauthn  # noqa: PLC0415 - of the extra `login`
    except ImportError:
        raise PasskeysAbsent from None
    return webauthn


def _refusals() -> tuple[type[Exception], ...]:
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - of the extra

    # The library reads what a stranger sent: what it cannot read is refused as well.
    return (WebAuthnException, ValueError, TypeError, KeyError)
