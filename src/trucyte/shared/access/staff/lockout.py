"""Waits after wrong logins that grow for whoever guesses, and for nobody else.

Tries are counted in lanes: of an account from a source; of a source, by how many accounts it
failed for; of an account from a browser that logged in to it before. A browser that is known
has its own lane, so an attacker elsewhere, or beside the owner, cannot lock the owner out.
A try is counted before it is checked: a thousand at once are no better than one by one. What
was typed is never kept: a lane is a keyed hash, of accounts that do not exist as well.
"""

import hmac
import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from trucyte.base.clock import Clock
from trucyte.database.connect import Connection, Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.accounts import LoginTooOften

FREE_TRIES: Final = 5  # of an account from one place
FREE_ACCOUNTS: Final = 30  # that a source may fail for: many people sit behind one address
WAIT_SECONDS_MAX: Final = 900
FORGOTTEN_AFTER: Final = timedelta(hours=24)


class Queries(NamedTuple):
    """The named queries of waits."""

    enter_lane: str
    read_lane: str
    leave_lane: str
    forget_lane: str
    forget_lanes: str
    know_device: str
    remember_device: str
    forget_devices: str


QUERIES = load_queries(Queries, "trucyte.shared.access.staff", "lockout.sql")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a try comes from."""

    source: str  # an address
    device: str = ""  # the name of a browser, proven; "" none


class Lockout:
    """Counts tries in the database, for all processes. Safe to share between threads."""

    def __init__(self, database: Database, clock: Clock, key: bytes) -> None:
        """Count in `database`; `key` (32 bytes) hides what was tried."""
        self._database = database
        self._clock = clock
        self._key = key

    def enter(self, account: str, place: Place) -> None:
        """Count a try before it is checked. Raises LoginTooOften while it has to wait."""
        with self._database.connection() as connection:
            lane = self._lane_of(connection, account, place)
            if lane.is_known:
                self._count(connection, lane.account, FREE_TRIES)
                return
            self._check(connection, lane.source)
            if self._count(connection, lane.account, FREE_TRIES) == 1:
                self._count(connection, lane.source, FREE_ACCOUNTS)

    def passed(self, account: str, place: Place) -> None:
        """Take back what was counted: the try was right."""
        now = self._clock.now()
        with self._database.connection() as connection:
            lane = self._lane_of(connection, account, place)
            connection.execute(QUERIES.forget_lane, {"lane": lane.account})
            if not lane.is_known:
                connection.execute(QUERIES.leave_lane, {"lane": lane.source, "now": now})
            connection.execute(QUERIES.forget_lanes, {"before": now - 2 * FORGOTTEN_AFTER})

    def remember(self, account: str, device: str) -> None:
        """Know a browser from now on: someone logged in with it, wholly."""
        if device:
            values = self._device(account, device) | {"now": self._clock.now()}
            with self._database.connection() as connection:
                connection.execute(QUERIES.remember_device, values)

    def forget_devices(self, account: str) -> None:
        """Know no browser of an account any longer."""
        with self._database.connection() as connection:
            connection.execute(QUERIES.forget_devices, {"account": account})

    def _lane_of(self, connection: Connection, account: str, place: Place) -> "_Lanes":
        device = self._device(account, place.device)
        is_known = bool(place.device) and (
            connection.execute(QUERIES.know_device, device).fetchone() is not None
        )
        source = _network(place.source)
        if is_known:
            return _Lanes(self._hash("known", account, place.device), b"", is_known=True)
        return _Lanes(
            self._hash("account", account, source), self._hash("source", source), is_known=False
        )

    def _device(self, account: str, device: str) -> dict[str, object]:
        known = account.replace("\0", "\ufffd")
        return {"account": known, "device": self._hash("device", account, device)}

    def _count(self, connection: Connection, lane: bytes, free: int) -> int:
        now = self._clock.now()
        values = {
            "lane": lane,
            "free": free,
            "most": WAIT_SECONDS_MAX,
            "now": now,
            "forgotten": now - FORGOTTEN_AFTER,
        }
        row = connection.execute(QUERIES.enter_lane, values).fetchone()
        if row is None:
            self._check(connection, lane)
            raise LoginTooOften(seconds=1)  # it ended between the two questions
        return int(row[0])

    def _check(self, connection: Connection, lane: bytes) -> None:
        values = {"lane": lane, "now": self._clock.now()}
        row = connection.execute(QUERIES.read_lane, values).fetchone()
        if row is not None:
            wait = (row[0] - self._clock.now()).total_seconds()
            raise LoginTooOften(seconds=int(wait) + 1)

    def _hash(self, *parts: str) -> bytes:
        told = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, told, sha256).digest()[:16]


class _Lanes(NamedTuple):
    account: bytes
    source: bytes
    is_known: bool


def _network(source: str) -> str:
    """Return what one may be given by a provider: an IPv4 address, a network of IPv6."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source[:64]
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
