"""What the pages need of the node, as one value that `node` wires.

Pages hold no rules: everything they show comes through here.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from trucyte.base.clock import Clock
from trucyte.exchange.subscriptions.store import Standing
from trucyte.intake.claims.rules.rule import Rule
from trucyte.intake.receipts import Receipts
from trucyte.journal.evidence import Evidence
from trucyte.records.access import Access
from trucyte.shared.access.staff.book import StaffBook
from trucyte.shared.access.subject import Subject
from trucyte.shared.audit import Entry
from trucyte.shared.audit.asked import Asked
from trucyte.shared.audit.reading import Found
from trucyte.web.api.operations.reindex import Reindex
from trucyte.web.doorway import Doorway
from trucyte.web.identity import IdentityBook
from trucyte.web.oauth.citizens import CitizenLogin
from trucyte.web.oauth.doors import Tokens
from trucyte.web.reader import Reader
from trucyte.web.registers import RegisterBook


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What this node calls itself, and what its pages accept."""

    node_name: str  # "Bệnh viện Đa khoa Mẫu"
    node_code: str  # MA_CSKCB, "79001"; "" where there is none
    version: str
    hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost", "[::1]"})  # Host headers answered
    upload_bytes_max: int = 8 << 30
    upload_folder: Path | None = None  # where files wait while they come; None: the system's
    has_secure_cookies: bool = False  # true behind https
    # What a facility of a code is called, "" where that is not known; asked a lot, so cheap.
    facility_name: Callable[[str], str] = lambda code: ""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many versions were accepted in the hour that begins at `at`."""

    at: datetime
    versions: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last signed checkpoint and what checking it gave."""

    position: int  # the journal line it covers up to
    signed_at: datetime
    signer: str  # fingerprint of the node's key
    is_valid: bool | None  # whether the signature is right; None: not checked yet
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The node's health at one moment; None: could not be read."""

    position: int | None  # the journal's last line
    accepted_at: datetime | None  # when that line was written
    rates: Sequence[Rate]  # the last 24 hours, oldest first, hours without work too
    checkpoint: Checkpoint | None
    disk_free_bytes: int
    disk_total_bytes: int
    disk_is_low: bool
    database_version: str | None  # "PostgreSQL 18.1"; None: the database does not answer
    database_bytes: int | None
    waiting_jobs: int
    versions: Sequence[tuple[str, str]]  # part, version: "Python", "3.11.2"
    reviews_overdue: int = 0  # accounts whose rights were not signed off in time


class WhoLooked(Protocol):
    """The trail, as pages write and read it."""

    def request(
        self, reason: str, *, door: str, request: str = ""
    ) -> AbstractContextManager[Asked]:
        """Gather what one request reads, and enter it as one when the block is left."""
        ...

    def of_person(
        self, access: Access, person: int, *, count: int = 50, before: int | None = None
    ) -> Found:
        """Return who looked at a person's data, newest first."""
        ...

    def entry_of_person(self, access: Access, person: int, id: str) -> Entry:
        """Return one entry that shows a person; raises EntryNotFound."""
        ...

    def prove(self, access: Access, id: str) -> Evidence:
        """Return the evidence of an entry; raises EntryNotFound."""
        ...


class Subscribers(Protocol):
    """Who is told of what is accepted, as a page shows it."""

    def listed(self) -> Sequence[Standing]:
        """Return all subscriptions."""
        ...

    def retry(self, id: str, now: datetime) -> bool:
        """Let one that failed be tried again at once."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything pages ask of the node."""

    records: Reader
    receipts: Receipts
    # Who is before the page, for what purpose -> what they may see.
    access: Callable[[Subject, str], Access]
    status: Callable[[], NodeStatus]
    rules: Mapping[str, Rule]  # by number: the words of findings
    clock: Clock
    settings: WebSettings
    prove: Callable[[int], Evidence] | None = None  # a journal line -> its evidence
    public_key: bytes = b""  # of this node: what its evidence must be signed with
    reindex: Reindex | None = None  # users' search parameters; None: a node without an index
    trail: WhoLooked | None = None  # who looked; None: a node without one, as tests make
    subscribers: Subscribers | None = None  # None: nobody is told
    registers: RegisterBook | None = None  # None: a node without registers, as tests make
    identity: IdentityBook | None = None  # who is who; None: a node that matches nobody
    tokens: Tokens | None = None  # what applications are given; None: nothing
    citizens: CitizenLogin | None = None  # None: citizens do not log in here
    doorway: Doorway | None = None  # who is before a page; None: everyone is at this machine
    staff: StaffBook | None = None  # accounts of people; None: a node without, as tests make
