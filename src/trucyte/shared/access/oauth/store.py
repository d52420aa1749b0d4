"""The memory of a node's provider: PostgreSQL, so that all its processes share it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from trucyte.database.connect import Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.oauth.records import (
    Client,
    Delegation,
    SealedKey,
    Ticket,
    TicketKind,
)


class Queries(NamedTuple):
    """The named queries of this package."""

    add_client: str
    list_clients: str
    end_client: str
    list_keys: str
    lock_keys: str
    add_key: str
    begin_key: str
    begin_delegation: str
    find_delegation: str
    end_delegations: str
    put_ticket: str
    look_ticket: str
    take_ticket: str
    see_once: str
    revoke: str
    list_revoked: str
    purge_tickets: str
    purge_once: str
    purge_revoked: str


QUERIES = load_queries(Queries, "trucyte.shared.access.oauth")


class PostgresStore:
    """A `Store`. Safe to share between threads; every method may raise DatabaseAway."""

    def __init__(self, database: Database) -> None:
        """Remember in `database`."""
        self._database = database

    def add_client(self, client: Client) -> bool:
        """Add one; False where its name is taken."""
        values = asdict(client)
        values["redirects"], values["scopes"] = list(client.redirects), list(client.scopes)
        return bool(self._rows(QUERIES.add_client, values))

    def client(self, id: str) -> Client | None:
        """Return one that has not ended."""
        rows = self._rows(QUERIES.list_clients, {"id": id}) if "\0" not in id else ()
        return _client(rows[0]) if rows else None

    def clients(self) -> Sequence[Client]:
        """Return all, ended ones too."""
        return [_client(row) for row in self._rows(QUERIES.list_clients, {"id": None})]

    def end_client(self, id: str, now: datetime) -> bool:
        """End one and all that was given to it."""
        with self._database.connection() as connection:
            values = {"id": id, "now": now}
            if connection.execute(QUERIES.end_client, values).fetchone() is None:
                return False
            connection.execute(QUERIES.end_delegations, _ending(now, client=id))
            connection.execute(QUERIES.revoke, {"id": f"c:{id}", "now": now})
        return True

    def keys(self) -> Sequence[SealedKey]:
        """Return the keys, the oldest first."""
        return [SealedKey(*row) for row in self._rows(QUERIES.list_keys, {})]

    def add_key(self, key: SealedKey) -> None:
        """Add one, unless another waits to sign or was published within the last minute."""
        with self._database.connection() as connection:
            connection.execute(QUERIES.lock_keys)
            connection.execute(QUERIES.add_key, asdict(key))

    def begin_key(self, id: str, now: datetime) -> None:
        """Let a key that waits sign from now on."""
        self._do(QUERIES.begin_key, {"id": id, "now": now})

    def begin(self, delegation: Delegation) -> None:
        """Remember a delegation."""
        self._do(
            QUERIES.begin_delegation, {**asdict(delegation), "scopes": list(delegation.scopes)}
        )

    def delegation(self, id: str, now: datetime) -> Delegation | None:
        """Return one that has not ended."""
        rows = self._rows(QUERIES.find_delegation, {"id": id, "now": now})
        if not rows:
            return None
        values = list(rows[0])
        values[5] = tuple(values[5])
        return Delegation(*values)

    def end_delegation(self, id: str, now: datetime) -> None:
        """End one, its tokens at once."""
        self._do(QUERIES.end_delegations, _ending(now, id=id))

    def end_account(self, account: str, now: datetime) -> None:
        """End all delegations of an account."""
        self._do(QUERIES.end_delegations, _ending(now, account=account))

    def end_session(self, session: str, now: datetime) -> None:
        """End those that live with a session."""
        self._do(QUERIES.end_delegations, _ending(now, session=session))

    def put(
        self,
        kind: TicketKind,
        digest: bytes,
        body: bytes,
        *,
        client: str = "",
        delegation: str = "",
        ends_at: datetime,
    ) -> None:
        """Keep a ticket."""
        values = {"client": client, "delegation": delegation, "body": body, "ends_at": ends_at}
        self._do(QUERIES.put_ticket, {"kind": kind, "digest": digest, **values})

    def look(self, kind: TicketKind, digest: bytes, now: datetime) -> Ticket | None:
        """Return a ticket that was not used, without using it."""
        return self._ticket(QUERIES.look_ticket, kind, digest, now)

    def take(self, kind: TicketKind, digest: bytes, now: datetime) -> Ticket | None:
        """Use a ticket and return it, `uses` above 1 where that was not the first time."""
        return self._ticket(QUERIES.take_ticket, kind, digest, now)

    def once(self, digest: bytes, now: datetime, ends_at: datetime) -> bool:
        """Say whether this is the first time that something is seen."""
        return bool(self._rows(QUERIES.see_once, {"digest": digest, "ends_at": ends_at}))

    def revoke(self, id: str, now: datetime) -> None:
        """Revoke all tokens of an id made up to now."""
        self._do(QUERIES.revoke, {"id": id, "now": now})

    def revoked(self, now: datetime) -> Mapping[str, float]:
        """Return what was revoked lately, and when."""
        with self._database.reader() as connection:
            return dict(connection.execute(QUERIES.list_revoked, {"now": now}).fetchall())

    def purge(self, now: datetime) -> None:
        """Forget what has ended."""
        with self._database.connection() as connection:
            for query in (QUERIES.purge_tickets, QUERIES.purge_once, QUERIES.purge_revoked):
                connection.execute(query, {"now": now})

    def _ticket(self, query: str, kind: TicketKind, digest: bytes, now: datetime) -> Ticket | None:
        rows = self._rows(query, {"kind": kind, "digest": digest, "now": now})
        if not rows:
            return None
        client, delegation, body, uses = rows[0]
        return Ticket(client, delegation, bytes(body), uses)

    def _rows(self, query: str, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        with self._database.connection() as connection:
            return connection.execute(query, values).fetchall()

    def _do(self, query: str, values: Mapping[str, Any]) -> None:
        with self._database.connection() as connection:
            connection.execute(query, values)


def _ending(now: datetime, **which: str) -> dict[str, Any]:
    return {"id": None, "account": None, "client": None, "session": None, "now": now, **which}


def _client(row: Sequence[Any]) -> Client:
    values = list(row)
    values[3], values[4] = tuple(values[3]), tuple(values[4])
    return Client(*values)
