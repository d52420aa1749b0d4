"""Everything about people's accounts, put together as one value."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from trucyte.base.clock import Clock
from trucyte.base.settings import AccessSettings
from trucyte.database.connect import Database
from trucyte.journal.keyring import Keyring
from trucyte.shared.access.staff.account import Noting
from trucyte.shared.access.staff.accounts import StaffAccounts, Terms
from trucyte.shared.access.staff.asking import LoginAsked, Mode
from trucyte.shared.access.staff.factors import Factors
from trucyte.shared.access.staff.lockout import Lockout
from trucyte.shared.access.staff.login import Logins
from trucyte.shared.access.staff.passkeys import Passkeys
from trucyte.shared.access.staff.passwords import COST
from trucyte.shared.access.staff.sessions import Limits, Sessions

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class StaffBook:
    """The accounts of people at this node, and how they log in."""

    accounts: StaffAccounts
    sessions: Sessions
    logins: Logins
    factors: Factors
    passkeys: Passkeys
    asks_login: LoginAsked
    noting: Noting


def open_book(
    database: Database,
    keyring: Keyring,
    clock: Clock,
    settings: AccessSettings,
    noting: Noting,
    *,
    mode: Mode | None = None,
    cost: int = COST,
) -> StaffBook:
    """Return the book over a database; each of its parts has a key of its own.

    `mode` says when people are asked to log in, where that is not for `settings` alone to say.
    """
    limits = Limits(
        timedelta(minutes=settings.idle_minutes), timedelta(hours=settings.session_hours)
    )
    terms = Terms(timedelta(days=settings.dormant_days), timedelta(days=settings.review_days))
    accounts = StaffAccounts(database, clock, noting, terms)
    sessions = Sessions(database, clock, keyring.derive("sessions", _KEY_BYTES), limits)
    factors = Factors(database, clock, keyring.derive("staff factors", _KEY_BYTES), noting)
    passkeys = Passkeys(database, clock, keyring.derive("staff passkeys", _KEY_BYTES), noting)
    logins = Logins(
        database,
        clock,
        accounts=accounts,
        sessions=sessions,
        factors=factors,
        passkeys=passkeys,
        lockout=Lockout(database, clock, keyring.derive("staff waits", _KEY_BYTES)),
        noting=noting,
        cost=cost,
    )
    asks = LoginAsked(database, mode or settings.login)
    return StaffBook(accounts, sessions, logins, factors, passkeys, asks, noting)
