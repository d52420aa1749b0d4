"""What was received and what became of it: the shapes pages, doors and the command line read.

A source is a file or message as it came, kept byte for byte before anything is done
with it. Processing is a job that can be stopped, killed and resumed: a source's visits
are each accepted whole or quarantined, once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from trucyte.intake.claims.finding import Finding


class State(Enum):
    """Where a source stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # nothing of it could be read; all of it is in quarantine


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A source and its counts so far."""

    number: int
    name: str  # the base name as sent
    door: str  # "cli", "upload", "folder", "hanoi"
    size: int  # bytes
    received_at: datetime
    finished_at: datetime | None
    state: State
    variant: str  # e.g. "3176/QĐ-BYT", "FHIR Bundle"; "" while unknown
    facility: str  # MA_CSKCB of the envelope; ""
    visits: int  # read so far
    visits_total: int | None  # as announced (SOLUONGHOSO), where it is
    resources: int  # versions newly written
    errors: int  # findings of severity error
    warnings: int
    quarantined: int
    transaction: str  # maGiaoDich given to the sender


@dataclass(frozen=True, slots=True)
class ReceivedVisit:
    """One visit (or bundle) of a source."""

    source: int
    ordinal: int  # 1-based place in the source
    link: str  # MA_LK, by which the sender finds the visit again; "" for FHIR
    encounter: str  # resource id; "" where quarantined
    outcome: str  # "accepted", "unchanged", "superseded", "quarantined"
    is_restricted: bool
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What could not be read, with its bytes kept."""

    number: int
    source: int
    ordinal: int
    reason: str  # stable code, e.g. "xml-truncated"
    facts: Mapping[str, str | int]
    at: datetime
    size: int
    resolved_at: datetime | None


class Receipts(Protocol):
    """The received files of this node."""

    def receive(
        self, name: str, door: str, chunks: Iterable[bytes], *, sender: str = ""
    ) -> ReceivedFile:
        """Keep the bytes durably and queue their processing.

        `sender` is the organisation of whoever logged in to send them, if anyone did.

        The same bytes again give the file that is already here.
        """
        ...

    def files(self, *, before: int | None = None, count: int = 50) -> Sequence[ReceivedFile]:
        """Return files, newest first; `before` is a file number to go on from."""
        ...

    def file(self, number: int) -> ReceivedFile:
        """Return one file; raises a NOT_FOUND Problem."""
        ...

    def by_transaction(self, transaction: str) -> ReceivedFile:
        """Return the file of a maGiaoDich; raises a NOT_FOUND Problem."""
        ...

    def visits(
        self, number: int, *, after: int = 0, count: int = 100, with_findings_only: bool = False
    ) -> Sequence[ReceivedVisit]:
        """Return visits of a file in order, after an ordinal."""
        ...

    def findings_by_rule(self, number: int, *, with_restricted: bool) -> Mapping[str, int]:
        """Return how often each rule was met in a file; a count may tell of a restricted visit."""
        ...

    def original(self, number: int) -> Iterable[bytes]:
        """Return the exact bytes as they came, in chunks."""
        ...

    def quarantined(self, *, open_only: bool = True) -> Sequence[Quarantined]:
        """Return the quarantine, newest first."""
        ...
