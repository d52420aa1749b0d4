"""The received files of this node, in PostgreSQL: kept before anything is done with them.

A source is durable once `receive` returns; the same bytes again are the source that is
already here, found by a keyed hash. Implements `receipts.Receipts`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from psycopg.errors import UniqueViolation

from trucyte.base.clock import Clock
from trucyte.base.hashing import opaque_id
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Database
from trucyte.fhir.issue import Severity
from trucyte.intake.claims.finding import Finding
from trucyte.intake.keeping import originals
from trucyte.intake.keeping.statements import statements
from trucyte.intake.keeping.stored_file import open_stored
from trucyte.intake.keeping.vault import OPEN, Vault, What
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.receipts import Quarantined, ReceivedFile, ReceivedVisit, State
from trucyte.intake.unreadable import FileTooLarge
from trucyte.journal.behalf import tell

_LOOK_FIRST = 8 << 20  # up to here a file is hashed before anything is written
_NAME_LENGTH_MAX = 200
# 5 is the original of one write of the API, done with: no file that was sent in.
_STATES = {1: State.WAITING, 2: State.RUNNING, 3: State.DONE, 4: State.FAILED, 5: State.DONE}
OUTCOMES = ("", "accepted", "unchanged", "superseded", "quarantined")
_SEVERITIES = tuple(Severity)


class SourceUnknown(Problem):
    """No such file was received here."""

    kind = Kind.NOT_FOUND
    code = "source-unknown"


class PostgresReceipts:
    """Receives files and tells what became of them. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        key: bytes,
        clock: Clock,
        limits: Limits = DEFAULT,
        vault: Vault = OPEN,
    ) -> None:
        """Keep sources in `database`; `key` (32 bytes) hashes their bytes and numbers.

        Their bytes lie in `vault`.
        """
        self.vault = vault
        self._database = database
        self._key = key
        self._clock = clock
        self._limits = limits

    def receive(
        self, name: str, door: str, chunks: Iterable[bytes], *, sender: str = ""
    ) -> ReceivedFile:
        """Keep the bytes durably and queue their processing.

        `sender` is the organisation of whoever logged in to send them, if anyone did.

        The same bytes again give the file that is already here. Raises FileTooLarge.
        """
        begun, rest = _begin(iter(chunks))
        known = self.find(begun) if rest is None else None
        if known is not None:
            return known
        digest = self._digest()
        try:
            with self._database.connection() as connection:
                stream = chain(begun, rest or ())
                number = self._keep(connection, (name, door), stream, digest)
                if sender:
                    tell(connection, number, sender, is_sender=True)
        except UniqueViolation:  # known, but too long to look first; or received at this moment
            known = self._find(digest.digest())
            assert known is not None, "the bytes that were in the way"
            return known
        return self.file(number)

    def find(self, chunks: Iterable[bytes]) -> ReceivedFile | None:
        """Return the file with these bytes, if it is here."""
        digest = self._digest()
        for chunk in chunks:
            digest.update(chunk)
        return self._find(digest.digest())

    def files(self, *, before: int | None = None, count: int = 50) -> Sequence[ReceivedFile]:
        """Return files, newest first; `before` is a file number to go on from."""
        rows = self._rows("list_sources", (before or 1 << 62, count))
        return [_file(row) for row in rows]

    def file(self, number: int) -> ReceivedFile:
        """Return one file; raises SourceUnknown."""
        rows = self._rows("read_source", (number,))
        if not rows:
            raise SourceUnknown()
        return _file(rows[0])

    def by_transaction(self, transaction: str) -> ReceivedFile:
        """Return the file of a maGiaoDich; raises SourceUnknown."""
        rows = self._rows("find_transaction", (transaction,))
        if not rows:
            raise SourceUnknown()
        return self.file(rows[0][0])

    def visits(
        self, number: int, *, after: int = 0, count: int = 100, with_findings_only: bool = False
    ) -> Sequence[ReceivedVisit]:
        """Return visits of a file in order, after an ordinal."""
        name = "list_visits_with_findings" if with_findings_only else "list_visits"
        return [_visit(row) for row in self._rows(name, (number, after, count))]

    def findings_by_rule(self, number: int, *, with_restricted: bool) -> Mapping[str, int]:
        """Return how often each rule was met in a file; a count may tell of a restricted visit."""
        return dict(self._rows("count_findings", (number, with_restricted)))

    def reasons(self, number: int) -> Mapping[str, int]:
        """Return how many pieces of a file lie in quarantine for each reason."""
        return dict(self._rows("count_reasons", (number,)))

    def sums(self, numbers: Sequence[int]) -> tuple[int, dict[str, int], dict[str, int]]:
        """Return visits, findings by rule and quarantine by reason of files together."""
        values = (list(numbers),)
        ((visits,),) = self._rows("sum_files", values)
        findings, reasons = self._rows("sum_findings", values), self._rows("sum_reasons", values)
        return int(visits), dict(findings), dict(reasons)

    def original(self, number: int) -> Iterable[bytes]:
        """Return the exact bytes as they came, in chunks.

        Raises SourceUnknown, and OriginalBlocked where some of them are given to nobody.
        """
        self.file(number)
        self.vault.check_whole(number)
        return self._original(number)

    def quarantined(self, *, open_only: bool = True) -> Sequence[Quarantined]:
        """Return the quarantine, newest first."""
        return [Quarantined(*row) for row in self._rows("list_quarantine", (not open_only,))]

    def _original(self, number: int) -> Iterator[bytes]:
        with open_stored(self._database, number, vault=self.vault) as file:
            while chunk := file.read(originals.PART):
                yield chunk

    def _keep(
        self,
        connection: Connection,
        name_and_door: tuple[str, str],
        stream: Iterable[bytes],
        digest: "hashlib.blake2b",
    ) -> int:
        """Write a source and its parts in one transaction; return its number."""
        named = statements()
        name, door = name_and_door
        values = (self._clock.now(), _printable(name)[-_NAME_LENGTH_MAX:], door)
        row = connection.execute(named["add_source"], values).fetchone()
        assert row is not None
        number, size = int(row[0]), 0
        for place, part in enumerate(originals.parts(stream)):
            size += len(part)
            if size > self._limits.file:
                raise FileTooLarge(limit=self._limits.file)
            digest.update(part)
            packed = self.vault.lay(number, What.PART, place, originals.pack(part))
            connection.execute(named["add_part"], (number, place, len(part), packed))
        transaction = opaque_id(self._key, "transaction", str(number))
        facts = (size, digest.digest(), transaction, number)
        connection.execute(named["complete_source"], facts)
        return number

    def _digest(self) -> "hashlib.blake2b":
        return hashlib.blake2b(key=self._key, digest_size=32)

    def _find(self, digest: bytes) -> ReceivedFile | None:
        rows = self._rows("find_digest", (digest,))
        return self.file(rows[0][0]) if rows else None

    def _rows(self, name: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._database.connection() as connection:
            return connection.execute(statements()[name], values).fetchall()


def _printable(name: str) -> str:
    """Return a file's name as it can be stored and shown: other code pages give stray bytes."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def _begin(chunks: Iterator[bytes]) -> tuple[list[bytes], Iterator[bytes] | None]:
    """Return the first chunks and the rest of the stream, None where that was all."""
    begun: list[bytes] = []
    size = 0
    for chunk in chunks:
        begun.append(chunk)
        size += len(chunk)
        if size > _LOOK_FIRST:
            return begun, chunks
    return begun, None


def _file(row: tuple[Any, ...]) -> ReceivedFile:
    fields: tuple[Any, ...] = (*row[:6], _STATES[row[6]], *row[7:])
    return ReceivedFile(*fields)


def _visit(row: tuple[Any, ...]) -> ReceivedVisit:
    source, ordinal, link, encounter, outcome, restricted, findings = row
    found = [finding_of(values) for values in findings or ()]
    return ReceivedVisit(source, ordinal, link, encounter, OUTCOMES[outcome], restricted, found)


def finding_of(values: Sequence[Any]) -> Finding:
    """Return a finding from how it is kept."""
    rule, severity, table, row, field, facts = values
    return Finding(rule, _SEVERITIES[severity], table, row, field, facts)


def kept_finding(finding: Finding) -> list[Any]:
    """Return a finding as it is kept."""
    severity = _SEVERITIES.index(finding.severity)
    return [finding.rule, severity, finding.table, finding.row, finding.field, dict(finding.facts)]
