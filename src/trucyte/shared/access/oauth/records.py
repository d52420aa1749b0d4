"""What an authorization server remembers, and the few questions it asks of its memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

ClientKind = Literal["app", "system"]
Binding = Literal["", "dpop", "mtls"]
TicketKind = Literal["code", "refresh", "pushed", "launch", "pending", "login"]


@dataclass(frozen=True, slots=True)
class Client:
    """An application: one that people use, or a system that acts for itself."""

    id: str
    name: str  # as people read it when they are asked
    kind: ClientKind
    redirects: tuple[str, ...] = ()  # exact addresses it may be answered at
    scopes: tuple[str, ...] = ()  # the most it is ever given
    jwks: str = ""  # its public keys, as JSON; "": at `jwks_uri`, or none
    jwks_uri: str = ""
    organisation: str = ""  # for whom a system acts, "Organization/x"
    launch_uri: str = ""  # where an EHR launch begins
    binding: Binding = ""  # what its tokens must be bound by
    created_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_confidential(self) -> bool:
        """Whether it proves itself by a key."""
        return bool(self.jwks or self.jwks_uri)


@dataclass(frozen=True, slots=True)
class Delegation:
    """What one person let one application do; its tokens live and end with it."""

    id: str
    client: str
    account: str
    session: str  # ends with it; "": outlives it (offline_access)
    subject: str  # the account as it was, as JSON
    scopes: tuple[str, ...]
    context: str  # patient and encounter, as JSON
    made_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A secret that counts once: a code, a refresh token, a request put by."""

    client: str
    delegation: str
    body: bytes
    uses: int  # this one included


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A signing key: its public part, and the private one as nobody can read it."""

    id: str
    public: str  # JWK
    sealed: bytes
    published_at: datetime
    begins_at: datetime  # from when on it signs, until a later one does


class Store(Protocol):
    """The memory; safe to share between threads and processes where it is PostgreSQL."""

    def add_client(self, client: Client) -> bool:
        """Add one; False where its name is taken."""
        ...

    def client(self, id: str) -> Client | None:
        """Return one that has not ended."""
        ...

    def clients(self) -> Sequence[Client]:
        """Return all, ended ones too."""
        ...

    def end_client(self, id: str, now: datetime) -> bool:
        """End one and all that was given to it."""
        ...

    def keys(self) -> Sequence[SealedKey]:
        """Return the keys, the oldest first."""
        ...

    def add_key(self, key: SealedKey) -> None:
        """Add one, unless another waits to sign or was published within the last minute."""
        ...

    def begin_key(self, id: str, now: datetime) -> None:
        """Let a key that waits sign from now on."""
        ...

    def begin(self, delegation: Delegation) -> None:
        """Remember a delegation."""
        ...

    def delegation(self, id: str, now: datetime) -> Delegation | None:
        """Return one that has not ended."""
        ...

    def end_delegation(self, id: str, now: datetime) -> None:
        """End one, its tokens at once."""
        ...

    def end_account(self, account: str, now: datetime) -> None:
        """End all delegations of an account: it left, or its rights have changed."""
        ...

    def end_session(self, session: str, now: datetime) -> None:
        """End those that live with a session."""
        ...

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
        ...

    def look(self, kind: TicketKind, digest: bytes, now: datetime) -> Ticket | None:
        """Return a ticket that was not used, without using it."""
        ...

    def take(self, kind: TicketKind, digest: bytes, now: datetime) -> Ticket | None:
        """Use a ticket and return it, `uses` above 1 where that was not the first time."""
        ...

    def once(self, digest: bytes, now: datetime, ends_at: datetime) -> bool:
        """Say whether this is the first time that something is seen."""
        ...

    def revoke(self, id: str, now: datetime) -> None:
        """Revoke all tokens of an id made up to now: `t:` token, `d:` delegation, `c:` client."""
        ...

    def revoked(self, now: datetime) -> Mapping[str, float]:
        """Return what was revoked lately, and when: seconds since 1970."""
        ...

    def purge(self, now: datetime) -> None:
        """Forget what has ended."""
        ...
