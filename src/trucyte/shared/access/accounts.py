"""Accounts of the systems that send: who they are, and the tokens they hold.

A hospital's system logs in with a name and a password and gets a token for an hour. The
insurer's clients send the upper-case MD5 of the password instead of the password, so the
proof kept here (scrypt, RFC 7914) is made over that form; either form proves the same.
Wrong passwords slow down whoever sends them, and nobody else.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.database.queries import load_queries

TOKEN_LIFE = timedelta(hours=1)
FREE_TRIES = 5
WAIT_SECONDS_MAX = 300
TRIED_MAX = 10_000


class LoginRefused(Problem):
    """The name or the password is wrong."""

    kind = Kind.UNAUTHENTICATED
    code = "login-refused"


class LoginTooOften(Problem):
    """Too many wrong passwords; try again in {seconds} seconds."""

    kind = Kind.UNAVAILABLE
    code = "login-too-often"


class TokenRefused(Problem):
    """The token is missing, unknown or no longer valid; log in again."""

    kind = Kind.UNAUTHENTICATED
    code = "token-refused"


class AccountExists(Problem):
    """There is an account of that name already."""

    kind = Kind.CONFLICT
    code = "account-exists"


class AccountUnknown(Problem):
    """There is no account of that name."""

    kind = Kind.NOT_FOUND
    code = "account-unknown"


class Queries(NamedTuple):
    """The named queries of this package."""

    add_account: str
    find_account: str
    list_accounts: str
    end_account: str
    forget_tokens: str
    add_token: str
    find_token: str


QUERIES = load_queries(Queries, "trucyte.shared.access")


@dataclass(frozen=True, slots=True)
class Account:
    """A sending system."""

    name: str
    facility: str  # MA_CSKCB it may send for; "": any
    organisation: str = ""  # for whom it acts, "Organization/x"; "": its facility's


@dataclass(frozen=True, slots=True)
class Token:
    """What a login gives; the text is shown once and not kept."""

    text: str
    account: Account
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as the operator sees it."""

    name: str
    facility: str
    created_at: datetime
    ended_at: datetime | None
    organisation: str = ""


def sent_form(password: str) -> str:
    """Return the form of a password that the insurer's clients send: upper-case MD5 in hex."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().upper()


def _proof(sent: str, salt: bytes) -> bytes:
    return hashlib.scrypt(sent.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


class Accounts:
    """The accounts of this node. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        organisation_of: Callable[[str], str] = "Organization/{}".format,
    ) -> None:
        """Use `database`; `organisation_of` gives the reference of a facility's code."""
        self._organisation_of = organisation_of
        self._database = database
        self._clock = clock
        self._tried: dict[tuple[str, str], tuple[int, datetime]] = {}

    def add(self, name: str, facility: str = "", organisation: str = "") -> str:
        """Make an account and return its password, which is not kept. Raises AccountExists."""
        password, salt = secrets.token_urlsafe(18), secrets.token_bytes(16)
        values = {
            "name": name,
            "facility": facility,
            "organisation": organisation,
            "salt": salt,
            "proof": _proof(sent_form(password), salt),
            "now": self._clock.now(),
        }
        with self._database.connection() as connection:
            if connection.execute(QUERIES.add_account, values).fetchone() is None:
                raise AccountExists
        return password

    def list(self) -> Sequence[ListedAccount]:
        """Return all accounts by name, ended ones too."""
        with self._database.connection() as connection:
            return [ListedAccount(*row) for row in connection.execute(QUERIES.list_accounts)]

    def has(self, name: str) -> bool:
        """Say whether there is an account of that name that has not ended."""
        if "\0" in name:  # which the database cannot even ask for
            return False
        with self._database.connection() as connection:
            return connection.execute(QUERIES.find_account, {"name": name}).fetchone() is not None

    def end(self, name: str) -> None:
        """End an account and its tokens at once. Raises AccountUnknown."""
        values = {"name": name, "now": self._clock.now()}
        with self._database.connection() as connection:
            if connection.execute(QUERIES.end_account, values).fetchone() is None:
                raise AccountUnknown
            connection.execute(QUERIES.forget_tokens, values)

    def log_in(self, name: str, sent: str, *, client: str) -> Token:
        """Return a token for a name and the sent form of its password.

        `client` is the address asked from. Raises LoginRefused, or LoginTooOften after
        several wrong tries for this name from this client.
        """
        self._check_patience(name, client)
        account = self._proven(name, sent)
        if account is None:
            self._note_failure(name, client)
            raise LoginRefused
        self._tried.pop((name, client), None)
        return self._issue(account)

    def holder(self, text: str) -> Account:
        """Return the account of a token. Raises TokenRefused."""
        values = {"digest": _digest(text), "now": self._clock.now()}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.find_token, values).fetchone()
        if row is None:
            raise TokenRefused
        return self._account(*row)

    def _proven(self, name: str, sent: str) -> Account | None:
        known = name.replace("\0", "\ufffd")  # no name holds a NUL, and PostgreSQL takes none
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.find_account, {"name": known}).fetchone()
        # An unknown name costs the same time as a wrong password.
        found, facility, organisation, salt, proof = row or (name, "", "", b"\0" * 16, b"")
        is_right = hmac.compare_digest(_proof(sent.upper(), salt), proof)
        return self._account(found, facility, organisation) if row and is_right else None

    def _account(self, name: str, facility: str, organisation: str) -> Account:
        known = organisation or (self._organisation_of(facility) if facility else "")
        return Account(name, facility, known)

    def _issue(self, account: Account) -> Token:
        text, now = secrets.token_urlsafe(32), self._clock.now()
        values = {"digest": _digest(text), "account": account.name, "expires_at": now + TOKEN_LIFE}
        with self._database.connection() as connection:
            connection.execute(QUERIES.forget_tokens, {"name": "", "now": now})
            connection.execute(QUERIES.add_token, values)
        return Token(text, account, now + TOKEN_LIFE)

    def _check_patience(self, name: str, client: str) -> None:
        tries, until = self._tried.get((name, client), (0, self._clock.now()))
        wait = (until - self._clock.now()).total_seconds()
        if tries > FREE_TRIES and wait > 0:
            raise LoginTooOften(seconds=int(wait) + 1)

    def _note_failure(self, name: str, client: str) -> None:
        if len(self._tried) >= TRIED_MAX:
            self._tried.clear()
        tries = self._tried.get((name, client), (0, self._clock.now()))[0] + 1
        wait = min(2 ** max(tries - FREE_TRIES, 0), WAIT_SECONDS_MAX)
        self._tried[name, client] = (tries, self._clock.now() + timedelta(seconds=wait))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
