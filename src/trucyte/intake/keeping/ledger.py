"""The working side of the received files: who works on which, and what became of pieces.

Receipts follow the journal, never lead it: a piece is written down here after its unit
is durable there, so a crash in between costs one more look at that piece and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import orjson
import zstandard

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Cursor, Database, problems_of_the_server
from trucyte.fhir.issue import Severity
from trucyte.intake.keeping.statements import statements
from trucyte.intake.keeping.vault import OPEN, Vault, What
from trucyte.intake.piece import Envelope, Form, Piece
from trucyte.intake.receipts import Quarantined
from trucyte.intake.running.results import Outcome, Result
from trucyte.intake.store import kept_finding


class QuarantineUnknown(Problem):
    """There is no such entry in quarantine."""

    kind = Kind.NOT_FOUND
    code = "quarantine-unknown"


@dataclass(frozen=True, slots=True)
class Held:
    """A quarantine entry with what is needed to try it again."""

    entry: Quarantined
    piece: Piece
    is_restricted: bool
    tries: int


class Ledger:
    """Writes down the progress of sources."""

    def __init__(self, database: Database, clock: Clock, vault: Vault = OPEN) -> None:
        """Write into `database`; pieces in quarantine lie in `vault`."""
        self._vault = vault
        self._database = database
        self._clock = clock

    def open_sources(self) -> list[int]:
        """Return the sources that are not finished, oldest first."""
        with self._database.connection() as connection:
            return [row[0] for row in connection.execute(statements()["open_sources"])]

    def start(self, source: int) -> frozenset[int] | None:
        """Mark a source as running; return the ordinals that are done, None if it is finished."""
        named = statements()
        with self._database.connection() as connection:
            if connection.execute(named["start_source"], (source,)).fetchone() is None:
                return None
            connection.execute(named["count_visits"], (source, source))
            rows = connection.execute(named["seen_ordinals"], (source,)).fetchall()
        # What is blocked is not read again either: it would bring back who was erased.
        return frozenset(row[0] for row in rows) | self._vault.blocked(source)

    def describe(self, source: int, variant: str, facility: str, announced: int | None) -> None:
        """Write down what a source says about itself."""
        with self._database.connection() as connection:
            values = (variant, facility, announced, source)
            connection.execute(statements()["describe_source"], values)

    def note_signature(self, source: int) -> None:
        """Write down that a source carries a signature; its bytes are in the original."""
        with self._database.connection() as connection:
            connection.execute(statements()["note_signature"], (source,))

    def settle(
        self,
        told: Sequence[tuple[int, Result]],
        held: Mapping[tuple[int, int], Piece],
        done: Sequence[int] = (),
    ) -> None:
        """Write down what became of pieces and which sources are done, in one transaction.

        `told` names the source of each result, `held` gives the pieces by source and
        ordinal.
        """
        named = statements()
        with self._database.connection() as connection:
            # What is lost of it in a power cut is found again in the journal.
            connection.execute("set local synchronous_commit = off")
            if told:
                columns = zip(*(_visit_values(*one) for one in told), strict=True)
                connection.execute(named["add_visits"], [list(column) for column in columns])
            for source, result in told:
                if result.outcome is Outcome.QUARANTINED:
                    piece = held[source, result.ordinal]
                    self._quarantine(connection, source, result, piece)
            for source in {source for source, _ in told}.difference(done):
                results = [result for number, result in told if number == source]
                connection.execute(named["add_counts"], (*_sums(results), source))
            for source in done:
                connection.execute(named["count_visits"], (source, source))
                connection.execute(named["finish_source"], (self._clock.now(), source, source))

    def record_again(self, source: int, result: Result, piece: Piece) -> None:
        """Write down what became of a piece that was tried again from quarantine."""
        named = statements()
        with self._database.connection() as connection:
            values = [[value] for value in _visit_values(source, result)]
            connection.execute(named["add_visits"], values)
            if result.outcome is Outcome.QUARANTINED:
                self._quarantine(connection, source, result, piece)
            else:
                facts = (self._clock.now(), source, result.ordinal)
                connection.execute(named["resolve_quarantine"], facts)
            connection.execute(named["count_visits"], (source, source))

    def reopen(self, source: int, after: int) -> None:
        """Let a source be read again from behind ordinal `after`."""
        with self._database.connection() as connection:
            values = (self._clock.now(), source, after)
            connection.execute(statements()["resolve_rest"], values)
            connection.execute(statements()["forget_visits"], (source, after))
            connection.execute(statements()["reopen_source"], (source,))

    def held(self, number: int) -> Held:
        """Return a quarantine entry with its bytes.

        Raises QuarantineUnknown, OriginalBlocked, OriginalUnreadable.
        """
        with self._database.connection() as connection:
            row = connection.execute(statements()["read_quarantine"], (number,)).fetchone()
        if row is None:
            raise QuarantineUnknown()
        entry = Quarantined(*row[:8])
        form, facility, made_on, restricted, tries, body = row[8:]
        envelope = Envelope(facility, made_on)
        self._vault.check_row(entry.source, entry.ordinal)
        packed = self._vault.take(entry.source, What.PIECE, entry.ordinal, body)
        data = zstandard.ZstdDecompressor().decompress(packed)
        piece = Piece(entry.ordinal, Form(form), data, envelope)
        return Held(entry, piece, restricted, tries)

    def _quarantine(
        self, connection: Connection, source: int, result: Result, piece: Piece
    ) -> None:
        made_on: date | None = piece.envelope.made_on
        packed = zstandard.ZstdCompressor(level=5).compress(piece.data)
        values = (
            source, result.ordinal, self._clock.now(), len(piece.data), made_on,
            result.is_restricted, piece.form.value, piece.envelope.facility, result.reason,
            orjson.dumps(dict(result.facts)).decode(),
            self._vault.lay(source, What.PIECE, result.ordinal, packed),
        )  # fmt: skip
        connection.execute(statements()["add_quarantine"], values)


def _visit_values(source: int, result: Result) -> tuple[object, ...]:
    errors, warnings = _faults(result)
    findings = [kept_finding(finding) for finding in result.findings]
    return (
        source, result.ordinal, result.resources, errors, warnings, int(result.outcome),
        result.is_restricted, result.link, result.encounter,
        orjson.dumps(findings).decode() if findings else None,
    )  # fmt: skip


def _faults(result: Result) -> tuple[int, int]:
    severities = [finding.severity for finding in result.findings]
    errors = sum(severity in (Severity.ERROR, Severity.FATAL) for severity in severities)
    return errors, severities.count(Severity.WARNING)


def _sums(results: Sequence[Result]) -> tuple[int, int, int, int, int]:
    faults = [_faults(result) for result in results]
    return (
        len(results),
        sum(result.resources for result in results),
        sum(errors for errors, _ in faults),
        sum(warnings for _, warnings in faults),
        sum(result.outcome is Outcome.QUARANTINED for result in results),
    )


class Claims:
    """Holds sources against other processes, for as long as this process lives.

    Locks of one session: they end with the process, however that ends. Losing them to a
    database restart is harmless, because units compare versions and receipts are written
    once a piece.
    """

    def __init__(self, database: Database) -> None:
        """Connect on first use."""
        self._database = database
        self._connection: Connection | None = None

    def take(self, source: int) -> bool:
        """Claim a source; say whether it is ours now."""
        row = self._execute("lock_source", source).fetchone()
        return bool(row and row[0])

    def give_back(self, source: int) -> None:
        """Let go of a source."""
        self._execute("unlock_source", source)

    def close(self) -> None:
        """Let go of all."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, name: str, source: int) -> Cursor:
        if self._connection is None or self._connection.broken:
            self.close()
            self._connection = self._database.connect(autocommit=True)
        with problems_of_the_server():
            return self._connection.execute(statements()[name], (source,))
