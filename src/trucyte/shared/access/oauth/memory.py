"""The memory of a provider that lives in one process: a stand-in's, and that of tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from trucyte.shared.access.oauth.records import (
    Client,
    Delegation,
    SealedKey,
    Ticket,
    TicketKind,
)


class MemoryStore:
    """A `Store` without a database."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._mutex = Lock()
        self._clients: dict[str, Client] = {}
        self._keys: dict[str, SealedKey] = {}
        self._delegations: dict[str, Delegation] = {}
        self._tickets: dict[tuple[str, bytes], tuple[Ticket, datetime]] = {}
        self._seen: dict[bytes, datetime] = {}
        self._revoked: dict[str, float] = {}

    def add_client(self, client: Client) -> bool:
        """Add one; False where its name is taken."""
        with self._mutex:
            return self._clients.setdefault(client.id, client) is client

    def client(self, id: str) -> Client | None:
        """Return one that has not ended."""
        found = self._clients.get(id)
        return None if found is None or found.ended_at else found

    def clients(self) -> Sequence[Client]:
        """Return all, ended ones too."""
        return [self._clients[id] for id in sorted(self._clients)]

    def end_client(self, id: str, now: datetime) -> bool:
        """End one and all that was given to it."""
        if self.client(id) is None:
            return False
        with self._mutex:
            self._clients[id] = replace(self._clients[id], ended_at=now)
            self._end(lambda one: one.client == id, now)
        self.revoke(f"c:{id}", now)
        return True

    def keys(self) -> Sequence[SealedKey]:
        """Return the keys, the oldest first."""
        return sorted(self._keys.values(), key=lambda row: row.begins_at)

    def add_key(self, key: SealedKey) -> None:
        """Add one, unless another waits to sign or was published within the last minute."""
        with self._mutex:
            lately = key.published_at - timedelta(minutes=1)
            if not any(
                one.begins_at > key.published_at or one.published_at > lately
                for one in self._keys.values()
            ):
                self._keys[key.id] = key

    def begin_key(self, id: str, now: datetime) -> None:
        """Let a key that waits sign from now on."""
        with self._mutex:
            self._keys[id] = replace(self._keys[id], begins_at=now)

    def begin(self, delegation: Delegation) -> None:
        """Remember a delegation."""
        with self._mutex:
            self._delegations[delegation.id] = delegation

    def delegation(self, id: str, now: datetime) -> Delegation | None:
        """Return one that has not ended."""
        found = self._delegations.get(id)
        return None if found is None or found.ended_at or found.ends_at <= now else found

    def end_delegation(self, id: str, now: datetime) -> None:
        """End one, its tokens at once."""
        with self._mutex:
            self._end(lambda one: one.id == id, now)

    def end_account(self, account: str, now: datetime) -> None:
        """End all delegations of an account."""
        with self._mutex:
            self._end(lambda one: one.account == account, now)

    def end_session(self, session: str, now: datetime) -> None:
        """End those that live with a session."""
        with self._mutex:
            self._end(lambda one: bool(session) and one.session == session, now)

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
        with self._mutex:
            self._tickets[kind, digest] = (Ticket(client, delegation, body, 0), ends_at)

    def look(self, kind: TicketKind, digest: bytes, now: datetime) -> Ticket | None:
        """Return a ticket that was not used, without using it."""
        ticket, ends_at = self._tickets.get((kind, digest), (None, now))
        return ticket if ticket is not None and ends_at > now and not ticket.uses else None

    def take(self, kind: TicketKind, digest: bytes, now: datetime) -> Ticket | None:
        """Use a ticket and return it, `uses` above 1 where that was not the first time."""
        with self._mutex:
            ticket, ends_at = self._tickets.get((kind, digest), (None, now))
            if ticket is None or ends_at <= now:
                return None
            used = replace(ticket, uses=ticket.uses + 1)
            self._tickets[kind, digest] = (used, ends_at)
            return used

    def once(self, digest: bytes, now: datetime, ends_at: datetime) -> bool:
        """Say whether this is the first time that something is seen."""
        with self._mutex:
            if digest in self._seen:
                return False
            self._seen[digest] = ends_at
            return True

    def revoke(self, id: str, now: datetime) -> None:
        """Revoke all tokens of an id made up to now."""
        with self._mutex:
            self._revoked[id] = now.timestamp()

    def revoked(self, now: datetime) -> Mapping[str, float]:
        """Return what was revoked lately, and when."""
        with self._mutex:
            return dict(self._revoked)

    def purge(self, now: datetime) -> None:
        """Forget what has ended."""
        with self._mutex:
            self._tickets = {key: one for key, one in self._tickets.items() if one[1] > now}
            self._seen = {key: ends_at for key, ends_at in self._seen.items() if ends_at > now}
            day = (now - timedelta(days=1)).timestamp()
            self._revoked = {id: at for id, at in self._revoked.items() if at > day}

    def _end(self, is_meant: Callable[[Delegation], bool], now: datetime) -> None:
        for id, one in self._delegations.items():
            if is_meant(one) and not one.ended_at:
                self._delegations[id] = replace(one, ended_at=now)
                self._revoked[f"d:{id}"] = now.timestamp()
