"""The accounts of people at this node: made, changed, reset, ended, reviewed.

Only an administrator changes accounts, and nobody's own rights. There is always one
administrator: the last cannot be ended or lose that role. Every change is noted with who
made it. Whoever has the machine's command line is its operator and may do what an
administrator may.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from trucyte.base.clock import Clock
from trucyte.database.connect import Connection, Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.staff.account import (
    Noting,
    Rights,
    StaffAccount,
    State,
    check_display,
    check_name,
    checked,
    state_of,
)
from trucyte.shared.access.staff.problems import (
    AdministratorsOnly,
    FirstExists,
    LastAdministrator,
    LinkRefused,
    OwnRights,
    StaffEnded,
    StaffExists,
    StaffUnknown,
)
from trucyte.shared.access.staff.roles import ADMINISTRATOR
from trucyte.shared.access.subject import Subject

LINK_LIFE = timedelta(hours=24)
LINK_MAX = 128
Verdict = Literal["keep", "change", "end"]


class Queries(NamedTuple):
    """The named queries of accounts."""

    lock_accounts: str
    add_account: str
    accounts: str
    count_administrators: str
    change_rights: str
    clear_proofs: str
    forget_of: str
    end_account: str
    wake_account: str
    add_link: str
    find_link: str
    forget_link: str
    sign_off: str
    reviews: str
    count_overdue: str
    set_password: str
    read_proof: str
    read_standing: str
    note_use: str


QUERIES = load_queries(Queries, "trucyte.shared.access.staff")


@dataclass(frozen=True, slots=True)
class Terms:
    """After how long an account is disabled, and its rights are to be reviewed."""

    dormant: timedelta = timedelta(days=45)
    review: timedelta = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Review:
    """One signing-off of an account's rights."""

    account: str
    at: datetime
    by: str
    verdict: str
    roles: tuple[str, ...]


class StaffAccounts:
    """The accounts of people. Safe to share between threads and processes."""

    def __init__(
        self, database: Database, clock: Clock, noting: Noting, terms: Terms | None = None
    ) -> None:
        """Keep them in `database`; tell `noting` of every change."""
        self._database = database
        self._clock = clock
        self._noting = noting
        self.terms = terms or Terms()

    # Reading

    def list(self) -> Sequence[StaffAccount]:
        """Return all accounts by name, ended ones last."""
        return self._read(None)

    def find(self, name: str) -> StaffAccount:
        """Return an account. Raises StaffUnknown."""
        found = self._read(name) if "\0" not in name else ()
        if not found:
            raise StaffUnknown
        return found[0]

    def overdue(self) -> int:
        """Return how many accounts wait for a review of their rights for too long."""
        before = self._clock.now() - self.terms.review
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.count_overdue, {"before": before}).fetchone()
        return int(row[0]) if row else 0

    def reviews(self, name: str, count: int = 20) -> Sequence[Review]:
        """Return who signed off an account's rights, the latest first."""
        values = {"name": name, "count": count}
        with self._database.connection() as connection:
            return [
                Review(account, at, by, verdict, tuple(roles))
                for account, at, by, verdict, roles in connection.execute(QUERIES.reviews, values)
            ]

    # Changing

    def first(self, name: str, display: str, by: Subject) -> str:
        """Make the first administrator and return a one-time link's secret, good for a day.

        Asked again before that link was used, it gives a new one. Raises FirstExists,
        StaffExists, StaffUnreadable.
        """
        rights = Rights((ADMINISTRATOR,))
        with self._changing(by, "account-first", name) as connection:
            if self._administrators(connection):
                raise FirstExists
            found = self._in(connection, name)
            if found is None:
                self._add(connection, name, display, rights, by)
            elif found.rights.roles != rights.roles or found.state is not State.INVITED:
                raise StaffExists
            return self._link(connection, name)

    def add(self, name: str, display: str, rights: Rights, by: Subject) -> str:
        """Make an account and return the secret of its one-time link, good for a day.

        Raises StaffExists, StaffUnreadable, AdministratorsOnly.
        """
        with self._changing(by, "account-add", name) as connection:
            self._add(connection, name, display, rights, by)
            return self._link(connection, name)

    def set_rights(self, name: str, rights: Rights, by: Subject) -> None:
        """Give an account other rights; its sessions lock, and open with the new ones.

        Raises OwnRights, LastAdministrator, StaffUnknown, StaffEnded, StaffUnreadable.
        """
        with self._changing(by, "account-roles", name) as connection:
            self._change(connection, name, checked(rights), by)

    def reset(self, name: str, by: Subject) -> str:
        """Forget all that proves who an account's holder is; return a one-time link's secret.

        Its sessions end; one that was idle for too long is enabled. Raises StaffUnknown,
        StaffEnded, OwnRights.
        """
        with self._changing(by, "account-reset", name) as connection:
            self._living(connection, name, by)
            now = self._clock.now()
            connection.execute(QUERIES.clear_proofs, {"name": name, "now": now})
            self._forget(connection, name)
            return self._link(connection, name)

    def wake(self, name: str, by: Subject) -> None:
        """Enable an account that was idle for too long. Raises StaffUnknown, StaffEnded."""
        with self._changing(by, "account-wake", name) as connection:
            self._living(connection, name, by)
            connection.execute(QUERIES.wake_account, {"name": name, "now": self._clock.now()})

    def end(self, name: str, by: Subject, *, handed_to: str = "") -> None:
        """End an account: its sessions and links die at once, its name is never given again.

        `handed_to` is the account that the leaver's work goes to. Raises LastAdministrator,
        OwnRights, StaffUnknown, StaffEnded.
        """
        with self._changing(by, "account-end", name) as connection:
            self._end(connection, name, by, handed_to)

    def review(
        self, name: str, verdict: Verdict, by: Subject, *, rights: Rights | None = None
    ) -> None:
        """Sign off what an account may do: keep it, change it to `rights`, or end it.

        Raises OwnRights, LastAdministrator, StaffUnknown, StaffEnded, StaffUnreadable.
        """
        with self._changing(by, "account-review", name) as connection:
            found = self._living(connection, name, by)
            left = found.rights
            if verdict == "change":
                assert rights is not None, "a change says to what"
                left = checked(rights)
                self._change(connection, name, left, by)
            elif verdict == "end":
                self._end(connection, name, by, "")
            values = {
                "name": name,
                "at": self._clock.now(),
                "by": by.account,
                "verdict": verdict,
                "roles": list(left.roles),
            }
            connection.execute(QUERIES.sign_off, values)

    # One-time links

    def invited(self, secret: str) -> StaffAccount:
        """Return the account of a one-time link. Raises LinkRefused."""
        with self._database.connection() as connection:
            return self._of_link(connection, secret)

    def redeem(self, secret: str, set_proof: Callable[[Connection, StaffAccount], None]) -> str:
        """Use a one-time link up, together with what `set_proof` writes; return the account.

        Raises LinkRefused, and what `set_proof` raises: then the link stays good.
        """
        with self._database.connection() as connection:
            connection.execute(QUERIES.lock_accounts)
            found = self._of_link(connection, secret)
            set_proof(connection, found)
            connection.execute(QUERIES.forget_link, {"account": found.name})
            return found.name

    # Parts

    @contextmanager
    def _changing(self, by: Subject, what: str, name: str) -> Iterator[Connection]:
        """One change at a time, all or nothing, noted when it is true."""
        if by.kind != "local" and ADMINISTRATOR not in by.roles:
            raise AdministratorsOnly
        with self._database.connection() as connection:
            connection.execute(QUERIES.lock_accounts)
            yield connection
        self._noting.changed(by, what, name)

    def _living(self, connection: Connection, name: str, by: Subject) -> StaffAccount:
        found = self._in(connection, name) if "\0" not in name else None
        if found is None:
            raise StaffUnknown
        if found.state is State.ENDED:
            raise StaffEnded
        if by.kind != "local" and by.account == name:
            raise OwnRights
        return found

    def _add(
        self, connection: Connection, name: str, display: str, rights: Rights, by: Subject
    ) -> None:
        given = checked(rights)
        values = {
            "name": check_name(name),
            "display": check_display(display),
            **_columns(given),
            "by": by.account,
            "now": self._clock.now(),
        }
        if connection.execute(QUERIES.add_account, values).fetchone() is None:
            raise StaffExists

    def _change(self, connection: Connection, name: str, rights: Rights, by: Subject) -> None:
        found = self._living(connection, name, by)
        if found.is_administrator and ADMINISTRATOR not in rights.roles:
            self._check_not_last(connection, found)
        connection.execute(QUERIES.change_rights, {"name": name, **_columns(rights)})

    def _end(self, connection: Connection, name: str, by: Subject, handed_to: str) -> None:
        found = self._living(connection, name, by)
        if found.is_administrator:
            self._check_not_last(connection, found)
        if handed_to and (
            handed_to == name
            or (self._in(connection, handed_to) or found).state is State.ENDED
            or self._in(connection, handed_to) is None
        ):
            raise StaffUnknown
        values = {
            "name": name,
            "now": self._clock.now(),
            "by": by.account,
            "handed_to": handed_to or None,
        }
        connection.execute(QUERIES.end_account, values)
        self._forget(connection, name)

    def _check_not_last(self, connection: Connection, found: StaffAccount) -> None:
        others = self._administrators(connection, but=found.name)
        if not others:
            raise LastAdministrator

    def _administrators(self, connection: Connection, *, but: str = "") -> int:
        """Return how many administrators can log in, apart from one."""
        row = connection.execute(QUERIES.count_administrators, {"but": but}).fetchone()
        return int(row[0]) if row else 0

    def _forget(self, connection: Connection, name: str) -> None:
        """Let nothing prove to be this account any longer: sessions, links, keys, devices."""
        for statement in QUERIES.forget_of.split(";"):
            if statement.strip():
                connection.execute(statement, {"name": name})

    def _link(self, connection: Connection, name: str) -> str:
        secret = secrets.token_urlsafe(32)
        values = {
            "digest": _digest(secret),
            "account": name,
            "expires_at": self._clock.now() + LINK_LIFE,
        }
        connection.execute(QUERIES.forget_link, {"account": name})
        connection.execute(QUERIES.add_link, values)
        return secret

    def _of_link(self, connection: Connection, secret: str) -> StaffAccount:
        if len(secret) > LINK_MAX:
            raise LinkRefused
        values = {"digest": _digest(secret), "now": self._clock.now()}
        row = connection.execute(QUERIES.find_link, values).fetchone()
        found = self._in(connection, row[0]) if row else None
        if found is None or found.state is State.ENDED:
            raise LinkRefused
        return found

    def _in(self, connection: Connection, name: str) -> StaffAccount | None:
        rows = connection.execute(QUERIES.accounts, {"name": name}).fetchall()
        return self._account(_Row(*rows[0])) if rows else None

    def _read(self, name: str | None) -> Sequence[StaffAccount]:
        with self._database.connection() as connection:
            rows = connection.execute(QUERIES.accounts, {"name": name}).fetchall()
        return [self._account(_Row(*row)) for row in rows]

    def _account(self, row: "_Row") -> StaffAccount:
        now = self._clock.now()
        latest = max(filter(None, (row.created_at, row.used_at, row.woken_at, row.activated_at)))
        state = state_of(
            ended_at=row.ended_at,
            activated_at=row.activated_at,
            is_provable=row.has_password or row.passkeys > 0,
            latest=latest,
            now=now,
            dormant=self.terms.dormant,
        )
        return StaffAccount(
            name=row.name,
            display=row.display,
            rights=Rights(tuple(row.roles), row.organisation, tuple(row.wards), row.practitioner),
            state=state,
            has_password=row.has_password,
            has_long_password=row.has_password and row.is_long,
            has_codes=row.has_codes,
            passkeys=row.passkeys,
            created_at=row.created_at,
            created_by=row.created_by,
            used_at=row.used_at,
            ended_at=row.ended_at,
            ended_by=row.ended_by or "",
            handed_to=row.handed_to or "",
            reviewed_at=row.reviewed_at,
            is_overdue=state is not State.ENDED
            and now - (row.reviewed_at or row.created_at) > self.terms.review,
        )


class _Row(NamedTuple):
    name: str
    display: str
    roles: Sequence[str]
    organisation: str
    wards: Sequence[str]
    practitioner: str
    has_password: bool
    is_long: bool
    has_codes: bool
    passkeys: int
    created_at: datetime
    created_by: str
    activated_at: datetime | None
    used_at: datetime | None
    woken_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    handed_to: str | None
    reviewed_at: datetime | None


def _columns(rights: Rights) -> dict[str, object]:
    return {
        "roles": list(rights.roles),
        "organisation": rights.organisation,
        "wards": list(rights.wards),
        "practitioner": rights.practitioner,
    }


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
