"""Accept one slice of a file: what a worker process of an import does.

Each line is a unit of its own, as in the FHIR door. What cannot be accepted is told as an
OperationOutcome with file and line; it never holds a value of the line.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.fhir.outcome import ISSUE_TYPES
from trucyte.intake.bulk.slices import Slice
from trucyte.intake.fhir.accept import FhirAcceptor
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Form, Piece
from trucyte.intake.running.patience import patiently
from trucyte.intake.running.results import Result
from trucyte.intake.tools import Build, Tools
from trucyte.intake.unreadable import FileTooLarge, Unreadable

_PROBLEMS = "https://trucyte.vn/fhir/problems"
_PLACE = "https://trucyte.vn/fhir/StructureDefinition/import-"


class OtherType(Unreadable):
    """The line is not of the type that the manifest says ({type})."""

    code = "import-other-type"


class _Kind(msgspec.Struct):
    """Enough of a resource to know what it is."""

    type: str = msgspec.field(name="resourceType", default="")


_KIND = msgspec.json.Decoder(_Kind)


@dataclass(frozen=True, slots=True)
class Task:
    """One slice to accept."""

    file: int  # which of the import's files
    path: Path
    name: str  # as errors call the file
    source: int  # its number in the journal
    type: str  # that all lines must have; "" for any
    slice: Slice
    # Lines that the journal has already of a run that was killed.
    done: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a slice."""

    file: int
    slice: Slice
    written: int  # versions
    unchanged: int  # lines that were here with the same content, or overtaken
    failed: int  # lines
    warned: int  # lines in which someone signs whose licence was not in force
    errors: bytes  # NDJSON of OperationOutcomes


@dataclass(slots=True)
class _Counts:
    """What becomes of one slice."""

    written: int = 0
    unchanged: int = 0
    warned: int = 0
    errors: list[tuple[int, bytes]] = field(default_factory=list)


class SliceAcceptor:
    """Takes slices into the journal. One a process."""

    def __init__(self, tools: Tools, limits: Limits = DEFAULT, language: str = "vi") -> None:
        """Work with `tools` until `close`; errors are worded in `language` first."""
        self._tools = tools
        self._limits = limits
        self._language = language
        self._fhir = FhirAcceptor(tools, limits, later_wins=True)

    def accept(self, tasks: Sequence[Task], stop: Event) -> list[Done]:
        """Return what became of each slice, after waiting for the database as long as it takes.

        Raises a NO_SPACE Problem, and an UNAVAILABLE one when `stop` is set meanwhile.
        """
        return patiently(lambda: self._accept(tasks), stop)

    def close(self) -> None:
        """Close what the tools hold open."""
        self._tools.journal.close()
        self._tools.database.close()

    def _accept(self, tasks: Sequence[Task]) -> list[Done]:
        """Accept slices together: small files make one commit."""
        counts = {task.source: _Counts() for task in tasks}
        todo: list[tuple[int, Piece]] = []
        for task in tasks:
            for piece in self._pieces(task):
                # A batch may have come in in part: its entries are looked at again.
                if piece.ordinal in task.done and piece.form is not Form.BUNDLE:
                    counts[task.source].written += 1
                else:
                    todo.append((task.source, piece))
        names = {task.source: task.name for task in tasks}
        for (source, piece), result in self._fhir.judge(todo):
            count = counts[source]
            if isinstance(result, Result):
                count.written += result.resources
                count.unchanged += not result.resources
                count.warned += bool(result.findings)
            else:
                error = self._error(names[source], piece.ordinal, result)
                count.errors.append((piece.ordinal, error))
        return [_done(task, counts[task.source]) for task in tasks]

    def _pieces(self, task: Task) -> Iterator[Piece]:
        part, limits = task.slice, self._limits
        size = part.end - part.start
        if part.is_too_long or (part.is_whole and size > limits.bundle):
            limit = limits.line if part.is_too_long else limits.bundle
            problem = FileTooLarge(limit=limit)
            yield Piece(part.first_line, Form.FILE, b"", problem=problem)
            return
        with task.path.open("rb") as file:
            file.seek(part.start)
            data = file.read(size)
        if part.is_whole:
            yield _piece(data, 1, task.type)
            return
        for number, line in enumerate(data.split(b"\n"), part.first_line):
            if line and not line.isspace():
                yield _piece(line, number, task.type)

    def _error(self, name: str, line: int, problem: Problem) -> bytes:
        issue: dict[str, Any] = {
            "severity": "error",
            "code": ISSUE_TYPES[problem.kind],
            "details": {
                "coding": [{"system": _PROBLEMS, "code": problem.code}],
                "text": wording(problem, self._language),
            },
            "diagnostics": problem.message,
        }
        path = problem.facts.get("path")
        if isinstance(path, str) and path:
            issue["expression"] = [path]
        outcome: Mapping[str, Any] = {
            "resourceType": "OperationOutcome",
            "extension": [
                {"url": f"{_PLACE}file", "valueString": name},
                {"url": f"{_PLACE}line", "valueInteger": line},
            ],
            "issue": [issue],
        }
        return msgspec.json.encode(outcome) + b"\n"


def _piece(data: bytes, number: int, expected: str) -> Piece:
    try:
        kind = _KIND.decode(data).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        kind = ""  # the reader says why
    problem = OtherType(type=expected) if expected and kind and kind != expected else None
    form = Form.BUNDLE if kind == "Bundle" and expected != "Bundle" else Form.RESOURCE
    return Piece(number, form, data, problem=problem)


def _done(task: Task, count: _Counts) -> Done:
    errors = b"".join(error for _, error in sorted(count.errors))
    failed = len(count.errors)
    return Done(task.file, task.slice, count.written, count.unchanged, failed, count.warned, errors)


def make_acceptor(build: Build, limits: Limits, language: str) -> SliceAcceptor:
    """Make the acceptor of one process of its own."""
    acceptor = SliceAcceptor(build(), limits, language)
    without_looking_for_cycles()
    return acceptor


def without_looking_for_cycles() -> None:
    """Look for cycles seldom, in a process that works on nothing but resources.

    They are trees, which reference counts free: looking for cycles in them after every few
    hundred elements would take a third of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
