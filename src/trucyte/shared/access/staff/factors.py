"""The second factor by time, and the recovery codes for who lost it.

Secrets lie encrypted under a key of the node; recovery codes as keyed hashes. A code counts
once: that is one statement in the database, so two processes cannot both take it.
"""

import hmac
import secrets
from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trucyte.base.clock import Clock
from trucyte.database.connect import Connection, Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.staff import totp
from trucyte.shared.access.staff.account import Noting
from trucyte.shared.access.staff.passwords import LEAST_ALONE
from trucyte.shared.access.staff.problems import CodeRefused, LastFactor
from trucyte.shared.access.subject import Subject

RECOVERY_CODES: Final = 10
_CODE_BYTES: Final = 10  # 80 bits each: no guessing, so a fast hash is enough
_NONCE_BYTES: Final = 12


class Queries(NamedTuple):
    """The named queries of second factors."""

    keep_next_secret: str
    read_secrets: str
    take_next_secret: str
    take_step: str
    end_codes: str
    add_recovery: str
    use_recovery: str
    count_recovery: str
    forget_recovery: str


QUERIES = load_queries(Queries, "trucyte.shared.access.staff", "factors.sql")


class Factors:
    """Second factors of accounts. Safe to share between threads and processes."""

    def __init__(self, database: Database, clock: Clock, key: bytes, noting: Noting) -> None:
        """Keep them in `database` under `key` (32 bytes)."""
        self._database = database
        self._clock = clock
        self._key = key
        self._sealed = AESGCM(key)
        self._noting = noting

    def begin(self, account: str) -> bytes:
        """Return a new secret to be set up; nothing changes until a code of it came."""
        secret = totp.new_secret()
        values = {"name": account, "secret": self._seal(secret, account)}
        with self._database.connection() as connection:
            connection.execute(QUERIES.keep_next_secret, values)
        return secret

    def pending(self, account: str) -> bytes | None:
        """Return the secret that is being set up; None where none is."""
        with self._database.connection() as connection:
            return self._secrets(connection, account)[1]

    def confirm(self, by: Subject, code: str) -> Sequence[str]:
        """Set the pending secret in force by a code of it; return new recovery codes.

        They are shown once and not kept. Raises CodeRefused.
        """
        with self._database.connection() as connection:
            secret = self._secrets(connection, by.account)[1]
            step = totp.step_of_code(secret, _tidy(code), self._clock.now()) if secret else None
            if step is None:
                raise CodeRefused
            values = {"name": by.account, "step": step}
            connection.execute(QUERIES.take_next_secret, values)
            codes = self._new_codes(connection, by.account)
        self._noting.changed(by, "account-factor", by.account)
        return codes

    def end(self, by: Subject, *, has_long_password: bool) -> None:
        """End the second factor. Raises LastFactor where the password alone is too short."""
        if not has_long_password:
            raise LastFactor(least=LEAST_ALONE)
        with self._database.connection() as connection:
            connection.execute(QUERIES.end_codes, {"name": by.account})
            connection.execute(QUERIES.forget_recovery, {"account": by.account})
        self._noting.changed(by, "account-factor", by.account)

    def new_recovery(self, by: Subject) -> Sequence[str]:
        """Return new recovery codes, shown once; those before count no more."""
        with self._database.connection() as connection:
            codes = self._new_codes(connection, by.account)
        self._noting.changed(by, "account-recovery", by.account)
        return codes

    def recovery_left(self, account: str) -> int:
        """Return how many recovery codes of an account are unused."""
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.count_recovery, {"account": account}).fetchone()
        return int(row[0]) if row else 0

    def is_right(self, account: str, code: str) -> bool:
        """Say whether a code, or a recovery code, is right now; from then on it is used up."""
        tidy = _tidy(code)
        with self._database.connection() as connection:
            secret = self._secrets(connection, account)[0]
            step = totp.step_of_code(secret, tidy, self._clock.now()) if secret else None
            if step is not None:
                values = {"name": account, "step": step}
                return connection.execute(QUERIES.take_step, values).fetchone() is not None
            values = {"account": account, "digest": self._hash(account, tidy)}
            return connection.execute(QUERIES.use_recovery, values).fetchone() is not None

    def _new_codes(self, connection: Connection, account: str) -> Sequence[str]:
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        connection.execute(QUERIES.forget_recovery, {"account": account})
        for code in codes:
            values = {"account": account, "digest": self._hash(account, _tidy(code))}
            connection.execute(QUERIES.add_recovery, values)
        return codes

    def _secrets(self, connection: Connection, account: str) -> tuple[bytes | None, bytes | None]:
        row = connection.execute(QUERIES.read_secrets, {"name": account}).fetchone()
        if row is None:
            return None, None
        return self._open(row[0], account), self._open(row[1], account)

    def _seal(self, secret: bytes, account: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._sealed.encrypt(nonce, secret, account.encode())

    def _open(self, sealed: bytes | None, account: str) -> bytes | None:
        if sealed is None:
            return None
        try:
            nonce, secret = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return self._sealed.decrypt(nonce, secret, account.encode())
        except InvalidTag:
            return None  # of another node's key, as after a restore without it: no code is right

    def _hash(self, account: str, code: str) -> bytes:
        told = f"recovery|{account}|{code}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, told, sha256).digest()


def _new_code() -> str:
    text = b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _tidy(code: str) -> str:
    """Return a code as it is compared: people type spaces, and capitals."""
    return "".join(one for one in code[:64].lower() if one.isalnum())
