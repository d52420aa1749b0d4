"""The working side of the received files: who works on which, and what became of pieces.

Receipts follow the journal, never lead it: a piece is written down here after its unit
is durable there, so a crash in between costs one more look at that piece and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import orjson
import zstandard

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Database
from trucyte.fhir.issue import Severity
from trucyte.intake.piece import Envelope, Form, Piece
from trucyte.intake.receipts import Quarantined, State
from trucyte.intake.results import Outcome, Result
from trucyte.intake.statements import statements
from trucyte.intake.store import STATE_NUMBERS, kept_finding


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

    def __init__(self, database: Database, clock: Clock) -> None:
        """Write into `database`."""
        self._database = database
        self._clock = clock

    def open_sources(self) -> list[int]:
        """Return the sources that are not finished, oldest first."""
        with self._database.connection() as connection:
            return [row[0] for row in connection.execute(statements()["open_sources"])]

    @contextmanager
    def claim(self, source: int) -> Iterator[bool]:
        """Hold a source against other processes; gives False where another has it.

        The claim is a lock of a session of its own: it ends with the process, however
        that ends. Losing it to a database restart is harmless, because units compare
        versions and receipts are written once a piece.
        """
        with self._database.connect() as connection:
            connection.autocommit = True
            row = connection.execute(statements()["lock_source"], (source,)).fetchone()
            is_ours = bool(row and row[0])
            yield is_ours
            if is_ours and not connection.broken:
                connection.execute(statements()["unlock_source"], (source,))

    def start(self, source: int) -> frozenset[int] | None:
        """Mark a source as running; return the ordinals that are done, None if it is finished."""
        named = statements()
        with self._database.connection() as connection:
            if connection.execute(named["start_source"], (source,)).fetchone() is None:
                return None
            connection.execute(named["count_visits"], (source, source))
            rows = connection.execute(named["seen_ordinals"], (source,)).fetchall()
        return frozenset(row[0] for row in rows)

    def describe(self, source: int, variant: str, facility: str, announced: int | None) -> None:
        """Write down what a source says about itself."""
        with self._database.connection() as connection:
            values = (variant, facility, announced, source)
            connection.execute(statements()["describe_source"], values)

    def record(self, source: int, results: Sequence[Result], held: Mapping[int, Piece]) -> None:
        """Write down what became of pieces, in one transaction.

        `held` gives the pieces of those that are quarantined, by ordinal.
        """
        named = statements()
        columns = [_visit_values(source, result) for result in results]
        with self._database.connection() as connection:
            connection.execute(named["add_visits"], [list(c) for c in zip(*columns, strict=True)])
            for result in results:
                if result.outcome is Outcome.QUARANTINED:
                    self._quarantine(connection, source, result, held[result.ordinal])
            connection.execute(named["add_counts"], (*_sums(results), source))

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

    def finish(self, source: int, state: State) -> None:
        """Mark a source as done or failed, and set its counts from its rows."""
        with self._database.connection() as connection:
            connection.execute(statements()["count_visits"], (source, source))
            values = (STATE_NUMBERS[state], self._clock.now(), source)
            connection.execute(statements()["finish_source"], values)

    def held(self, number: int) -> Held:
        """Return a quarantine entry with its bytes; raises QuarantineUnknown."""
        with self._database.connection() as connection:
            row = connection.execute(statements()["read_quarantine"], (number,)).fetchone()
        if row is None:
            raise QuarantineUnknown()
        entry = Quarantined(*row[:8])
        form, facility, made_on, restricted, tries, body = row[8:]
        envelope = Envelope(facility, made_on)
        data = zstandard.ZstdDecompressor().decompress(body)
        piece = Piece(entry.ordinal, Form(form), data, envelope)
        return Held(entry, piece, restricted, tries)

    def _quarantine(
        self, connection: Connection, source: int, result: Result, piece: Piece
    ) -> None:
        made_on: date | None = piece.envelope.made_on
        values = (
            source, result.ordinal, self._clock.now(), len(piece.data), made_on,
            result.is_restricted, piece.form.value, piece.envelope.facility, result.reason,
            orjson.dumps(dict(result.facts)).decode(),
            zstandard.ZstdCompressor(level=5).compress(piece.data),
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
