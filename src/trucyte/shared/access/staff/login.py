"""Logging in: a password, then a second factor where the account has one, or a passkey.

Whether an account exists is told to nobody: an unknown name costs the same time, waits the
same waits and reads the same words as a wrong password.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn

from trucyte.base.clock import Clock
from trucyte.base.problem import Problem
from trucyte.database.connect import Connection, Database
from trucyte.shared.access.accounts import LoginRefused
from trucyte.shared.access.staff.account import Noting, StaffAccount
from trucyte.shared.access.staff.accounts import QUERIES, StaffAccounts
from trucyte.shared.access.staff.factors import Factors
from trucyte.shared.access.staff.lockout import Lockout, Place
from trucyte.shared.access.staff.passkeys import Asked, Passkeys
from trucyte.shared.access.staff.passwords import (
    COST,
    MOST,
    check_password,
    is_long,
    is_proven,
    proof_of,
)
from trucyte.shared.access.staff.problems import AccountDormant, CodeRefused, PasskeyRefused
from trucyte.shared.access.staff.sessions import Session, Sessions
from trucyte.shared.access.subject import Subject

NAME_MAX: Final = 64
_NO_SALT: Final = b"\0" * 16


@dataclass(frozen=True, slots=True)
class Opened:
    """What a login gives: the text of a cookie, which is not kept."""

    cookie: str
    account: str
    needs_code: bool = False  # the session opens nothing until a second factor came


@dataclass(frozen=True, slots=True)
class _Standing:
    rights: int
    organisation: str
    has_codes: bool
    is_usable: bool


class Logins:
    """Opens sessions to who proves to be an account's holder. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        accounts: StaffAccounts,
        sessions: Sessions,
        factors: Factors,
        passkeys: Passkeys,
        lockout: Lockout,
        noting: Noting,
        cost: int = COST,
    ) -> None:
        """Look up in `database`; `cost` is log2 of scrypt's N for new passwords."""
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._sessions = sessions
        self._factors = factors
        self._passkeys = passkeys
        self._lockout = lockout
        self._noting = noting
        self._cost = cost

    # Logging in

    def by_password(self, name: str, password: str, place: Place, *, browser: str = "") -> Opened:
        """Open a session by name and password; half of one where a second factor is to come.

        Raises LoginRefused, LoginTooOften, AccountDormant.
        """
        name = name.strip().lower()[:NAME_MAX]
        self._lockout.enter(name, place)
        if not self._is_proven(name, password):
            self._refuse(name, LoginRefused())
        standing = self._usable(name)
        if standing.has_codes:
            cookie = self._sessions.begin(
                name, is_half=True, rights=standing.rights, browser=browser
            )
            # What was counted stands until the second factor came, too.
            return Opened(cookie, name, needs_code=True)
        return self._open(name, standing, place, assurance=1, browser=browser)

    def by_code(self, cookie: str, session: Session, code: str, place: Place) -> Opened:
        """Make a half session a whole one by a code, or a recovery code; each counts once.

        Raises CodeRefused, LoginTooOften, AccountDormant.
        """
        assert session.is_half, "only a half session waits for a code"
        name = session.subject.account
        self._lockout.enter(name, place)
        if not self._factors.is_right(name, code):
            self._sessions.note_wrong_code(cookie)
            self._refuse(name, CodeRefused())
        standing = self._usable(name)
        fresh = self._sessions.renew(cookie, assurance=2, rights=standing.rights)
        if fresh is None:
            raise LoginRefused  # it took too long
        self._welcome(name, standing, place)
        return Opened(fresh, name)

    def by_passkey(self, answer: str, asked: Asked, place: Place, *, browser: str = "") -> Opened:
        """Open a session by a passkey, which proves its holder too. Raises PasskeyRefused."""
        try:
            name = self._passkeys.holder(answer, asked)
        except PasskeyRefused as problem:
            self._noting.logged_in("", "", problem.code)
            raise
        standing = self._usable(name)
        return self._open(name, standing, place, assurance=2, browser=browser)

    # Opening again

    def unlock(self, cookie: str, session: Session, password: str, place: Place) -> Opened:
        """Open a locked session again, as it was. Raises LoginRefused, LoginTooOften."""
        name = session.subject.account
        self._lockout.enter(name, place)
        if not self._is_proven(name, password):
            self._refuse(name, LoginRefused())
        return self._reopen(cookie, session, place)

    # Passwords

    def set_by_link(self, secret: str, password: str) -> str:
        """Set the first password, or the one after a reset, by a one-time link.

        Return the account. Raises LinkRefused and the Problems of `check_password`.
        """

        def set_proof(connection: Connection, account: StaffAccount) -> None:
            check_password(password, account.name, has_factor=account.has_codes)
            self._set(connection, account.name, password)

        name = self._accounts.redeem(secret, set_proof)
        self._noting.changed(Subject(name, "staff"), "account-password", name)
        return name

    def change(self, session: Session, old: str, new: str, place: Place) -> None:
        """Change a password by the old one; all other sessions of the account end.

        Raises LoginRefused, LoginTooOften and the Problems of `check_password`.
        """
        self.confirm(session, old, place)
        account = self._accounts.find(session.subject.account)
        check_password(new, account.name, has_factor=account.has_codes)
        with self._database.connection() as connection:
            self._set(connection, account.name, new)
        self._sessions.end_all(account.name, but=session.id)
        self._lockout.forget_devices(account.name)
        self._lockout.remember(account.name, place.device)
        self._noting.changed(session.subject, "account-password", account.name)

    def confirm(self, session: Session, password: str, place: Place) -> None:
        """Raise LoginRefused, or LoginTooOften, unless it is the account's password."""
        name = session.subject.account
        self._lockout.enter(name, place)
        if not self._is_proven(name, password):
            raise LoginRefused
        self._lockout.passed(name, place)

    # Parts

    def _is_proven(self, name: str, password: str) -> bool:
        known = name.replace("\0", "\ufffd")  # no name holds a NUL, and PostgreSQL takes none
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.read_proof, {"name": known}).fetchone()
        salt, proof, cost = row if row and row[1] else (_NO_SALT, b"", self._cost)
        is_right = is_proven(password[: 4 * MOST], salt, proof, cost)
        if is_right and cost != self._cost:
            with self._database.connection() as connection:
                self._set(connection, name, password)
        return is_right

    def _set(self, connection: Connection, name: str, password: str) -> None:
        salt = secrets.token_bytes(16)
        values = {
            "name": name,
            "salt": salt,
            "proof": proof_of(password, salt, self._cost),
            "cost": self._cost,
            "is_long": is_long(password),
            "now": self._clock.now(),
        }
        connection.execute(QUERIES.set_password, values)

    def _usable(self, name: str) -> _Standing:
        """Return how an account stands, once it is proven. Raises AccountDormant."""
        dormant = self._accounts.terms.dormant
        values = {"name": name, "idle_since": self._clock.now() - dormant}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.read_standing, values).fetchone()
        if row is None:
            self._refuse(name, LoginRefused())
        standing = _Standing(*row)
        if not standing.is_usable:
            self._refuse(name, AccountDormant(days=dormant // timedelta(days=1)))
        return standing

    def _open(
        self, name: str, standing: _Standing, place: Place, *, assurance: int, browser: str
    ) -> Opened:
        cookie = self._sessions.begin(
            name, assurance=assurance, rights=standing.rights, browser=browser
        )
        self._welcome(name, standing, place)
        return Opened(cookie, name)

    def _reopen(self, cookie: str, session: Session, place: Place) -> Opened:
        name = session.subject.account
        standing = self._usable(name)
        fresh = self._sessions.renew(
            cookie, assurance=session.subject.assurance, rights=standing.rights
        )
        if fresh is None:
            raise LoginRefused
        self._welcome(name, standing, place)
        return Opened(fresh, name)

    def _welcome(self, name: str, standing: _Standing, place: Place) -> None:
        """Take the waits back, know the browser, and tell that someone is in."""
        self._lockout.passed(name, place)
        self._lockout.remember(name, place.device)
        with self._database.connection() as connection:
            connection.execute(QUERIES.note_use, {"name": name, "now": self._clock.now()})
        self._noting.logged_in(name, standing.organisation, "")

    def _refuse(self, name: str, problem: Problem) -> NoReturn:
        """Tell of a refused login, by name only where there is such an account; raise."""
        values = {"name": name.replace("\0", ""), "idle_since": self._clock.now()}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.read_standing, values).fetchone()
        self._noting.logged_in(name if row else "", row[1] if row else "", problem.code)
        raise problem
