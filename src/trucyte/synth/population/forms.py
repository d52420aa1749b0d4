"""Records as lines of text: CSV, NDJSON of rows, NDJSON of FHIR Patients with a truth beside."""

import csv
import io
from collections.abc import Sequence
from functools import cache
from typing import Final, Protocol

import msgspec

from trucyte.synth.population.columns import NAMES, TRUTH, Row
from trucyte.synth.population.patients import patient_of

_encode = msgspec.json.Encoder().encode


class Part(msgspec.Struct, frozen=True):
    """Some records, a line each; `truth` has the truth columns where lines have no room."""

    records: int
    lines: bytes
    truth: bytes = b""

    def head(self, count: int) -> "Part":
        """Return the first `count` records."""
        if count >= self.records:
            return self
        return Part(count, _head(self.lines, count), _head(self.truth, count))


def _head(lines: bytes, count: int) -> bytes:
    return b"".join(lines.splitlines(keepends=True)[:count])


class Form(Protocol):
    """How records are written."""

    def heading(self) -> bytes:
        """Return what stands before all records."""
        ...

    def part(self, rows: Sequence[Row]) -> Part:
        """Write records."""
        ...


class CsvForm:
    """Comma-separated, UTF-8, the first line names the columns."""

    def heading(self) -> bytes:
        """Return the names."""
        return _csv([list(NAMES)])

    def part(self, rows: Sequence[Row]) -> Part:
        """Write records."""
        return Part(len(rows), _csv(rows))


class RowForm:
    """A JSON object a line; what a record does not say is left out."""

    def heading(self) -> bytes:
        """Return nothing: objects name their fields."""
        return b""

    def part(self, rows: Sequence[Row]) -> Part:
        """Write records."""
        lines = [
            _encode({name: v for name, v in zip(NAMES, row, strict=True) if v}) for row in rows
        ]
        return Part(len(rows), b"\n".join(lines) + b"\n")


class PatientForm:
    """A FHIR Patient a line; the truth, which a Patient has no room for, apart as CSV."""

    def heading(self) -> bytes:
        """Return nothing."""
        return b""

    def part(self, rows: Sequence[Row]) -> Part:
        """Write records."""
        lines = [_encode(patient_of(row)) for row in rows]
        truth = _csv([[row[at] for at in _truth_places()] for row in rows])
        return Part(len(rows), b"\n".join(lines) + b"\n", truth)


_FORMS: Final[dict[str, Form]] = {
    "csv": CsvForm(),
    "ndjson": RowForm(),
    "patients": PatientForm(),
}


def form_of(name: str) -> Form:
    """Return a form by its name."""
    return _FORMS[name]


def truth_heading() -> bytes:
    """Return the first line of a file of truth."""
    return _csv([list(TRUTH)])


@cache
def _truth_places() -> tuple[int, ...]:
    return tuple(NAMES.index(name) for name in TRUTH)


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
