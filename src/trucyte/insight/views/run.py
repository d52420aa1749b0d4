"""Run a view over chunks of NDJSON.

A chunk is one SQL statement, which also cuts it into lines. What SQL leaves (a primitive
with extensions, a number or a time it is not exact with, a line that does not fit) is made
by closures, which also say what is wrong with which line; the rows keep the order of the
lines.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from typing import Any, Final

import duckdb

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.model import Model
from trucyte.fhir.text import scan
from trucyte.fhir.view.definition import View
from trucyte.fhir.view.problems import NotInSql
from trucyte.fhir.view.rows import Row, Rows
from trucyte.fhir.view.sql import forms_of, to_sql
from trucyte.fhir.view.statement import Field, Statement
from trucyte.insight.views.chunks import Chunk, Fault
from trucyte.insight.views.engine import open_engine
from trucyte.insight.views.formats import Format, line_of, line_sql

# Lines that are cheaper made by closures than by another statement.
_FEW: Final = 64
# Statements that may fail in one chunk before all that is left goes to closures.
_FAILURES_MAX: Final = 16
_FILL: Final = (
    "CREATE OR REPLACE TEMP TABLE chunk AS "
    "SELECT unnest(range(len($lines))) AS no, unnest(CAST($lines AS VARCHAR[])) AS line"
)
# Other resources must be JSON too: a line that is cut short is said, not passed over.
_NOT_FOR_SQL: Final = (
    "SELECT no FROM chunk WHERE CASE WHEN contains(line, $type) "
    "THEN contains(line, '_') AND regexp_matches(line, $beside) "
    "ELSE trim(line) <> '' AND NOT json_valid(line) END"
)
_SOURCE: Final = "SELECT no, line FROM chunk"
# Cut by SQL, a chunk enters as one value and is never a list of Python's.
_CUT: Final = "SELECT {} AS no, unnest(string_split($text, chr(10))) AS line"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A view with both of its forms; `statement` is None where SQL cannot do it."""

    view: View
    statement: Statement | None
    rows: Rows
    fields: tuple[Field, ...]


def prepare(view: View, definitions: Definitions, now: datetime | None = None) -> Prepared:
    """Compile a view. Raises what its compilers do."""
    try:
        statement = to_sql(view, definitions)
    except NotInSql:
        statement = None
    forms = forms_of(view, statement, definitions)
    fields = tuple(
        Field(column.name, forms[column.name], column.is_collection, column.sql_type)
        for column in view.columns
    )
    return Prepared(view, statement, Rows(view, Model(definitions), forms, now), fields)


@dataclass(slots=True)
class Made:
    """What came of a chunk: rows as text, or the rows themselves by line."""

    text: str = ""
    count: int = 0
    faults: list[Fault] = field(default_factory=list)
    size: int = 0  # bytes read for it


class Worker:
    """Makes the rows of one chunk after another, with a connection of its own."""

    def __init__(self, prepared: Prepared, form: Format) -> None:
        """Open the engine."""
        self._prepared = prepared
        self._form = form
        self._engine = open_engine()
        self._failures = 0
        self._takes_count = False
        self._is_plain = True  # whether the last chunk needed no closures
        self._whole = self._by_line = ""
        statement = prepared.statement
        if statement is not None:
            line = line_sql(prepared.fields, form)
            order = f" ORDER BY {statement.order}" if statement.order else ""
            # Without an order nobody asks for the numbers of lines.
            source = _CUT.format("unnest(range($count))" if order else "CAST(0 AS BIGINT)")
            result = f"count(*), string_agg({line}, chr(10){order})"
            self._whole = statement.text(source, result, is_ordered=False, is_strict=True)
            self._takes_count = bool(order)
            self._by_line = statement.text(_SOURCE, f"_line, {line}")

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def make(self, chunk: Chunk) -> Made:
        """Return the rows of a chunk as text, and the lines that gave none with the reason."""
        made = Made(faults=list(chunk.faults), size=chunk.size)
        self._failures = 0
        was_tried = self._is_plain and self._prepared.statement is not None
        if was_tried and self._bulk(chunk, made):
            return made
        lines = chunk.lines()
        left = self._left_to_closures(lines)
        self._is_plain = not left
        if left:
            self._failures = 0  # these lines are what it failed for
        elif not was_tried and self._bulk(chunk, made):
            return made
        self._mixed(chunk, lines, left, made)
        return made

    # --- All by SQL ---------------------------------------------------------------------

    def _bulk(self, chunk: Chunk, made: Made) -> bool:
        given: dict[str, object] = {"text": chunk.text}
        if self._takes_count:
            given["count"] = chunk.count
        try:
            count, text = self._run(self._whole, given)[0]
        except duckdb.Error:
            self._failures += 1
            return False
        made.count, made.text = count, text + "\n" if count else ""
        return True

    def _run(self, sql: str, given: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        statement = self._prepared.statement
        assert statement is not None
        return self._engine.execute(sql, {**statement.parameters, **(given or {})}).fetchall()

    def _left_to_closures(self, lines: list[str]) -> set[int]:
        """Put the lines into a table, and return those that SQL is not asked for."""
        statement = self._prepared.statement
        if statement is None:
            return set(range(len(lines)))
        self._engine.execute(_FILL, {"lines": lines})
        parameters = {"type": f'"{self._prepared.view.resource}"', "beside": statement.siblings}
        return {no for (no,) in self._engine.execute(_NOT_FOR_SQL, parameters).fetchall()}

    # --- By SQL and by closures ---------------------------------------------------------

    def _mixed(self, chunk: Chunk, lines: list[str], left: set[int], made: Made) -> None:
        found: list[tuple[int, str]] = []
        if self._prepared.statement is not None:
            for number in left:
                lines[number], kept = "", lines[number]
                found += self._by_closures(chunk, number, kept, made)
            self._halves(chunk, lines, 0, found, made)
        else:
            for number, line in enumerate(lines):
                found += self._by_closures(chunk, number, line, made)
        found.sort(key=lambda row: row[0])
        made.faults.sort(key=lambda fault: fault.line)
        made.count = len(found)
        made.text = "".join([f"{text}\n" for _, text in found])

    def _halves(
        self, chunk: Chunk, lines: list[str], first: int, found: list[tuple[int, str]], made: Made
    ) -> None:
        """Make rows by SQL; where it fails, of each half, and of few lines by closures."""
        if len(lines) <= _FEW or self._failures > _FAILURES_MAX:
            for number, line in enumerate(lines, start=first):
                found += self._by_closures(chunk, number, line, made)
            return
        self._engine.execute(_FILL, {"lines": lines})
        try:
            found += [(number + first, text) for number, text in self._run(self._by_line)]
        except duckdb.Error:
            self._failures += 1
            middle = len(lines) // 2
            self._halves(chunk, lines[:middle], first, found, made)
            self._halves(chunk, lines[middle:], first + middle, found, made)

    def _by_closures(
        self, chunk: Chunk, number: int, line: str, made: Made
    ) -> Iterator[tuple[int, str]]:
        fields, form = self._prepared.fields, self._form
        for row in closure_rows(self._prepared, chunk, number, line, made.faults):
            yield number, line_of(fields, row, form)


def closure_rows(
    prepared: Prepared, chunk: Chunk, number: int, line: str, faults: list[Fault]
) -> list[Row]:
    """Return the rows of a line by closures; what is wrong with it is added to `faults`."""
    if not line.strip():
        return []
    try:
        return prepared.rows.of(scan(line.encode()).resource)
    except Problem as problem:
        faults.append(Fault(chunk.file, chunk.first + number, problem))
        return []


def run(
    prepared: Prepared, source: Iterable[Chunk], form: Format, *, workers: int
) -> Generator[Made, None, None]:
    """Make the rows of all chunks, in their order, several chunks at a time.

    Closed before its end, it begins no other chunk.
    """
    idle: SimpleQueue[Worker] = SimpleQueue()
    opened = [Worker(prepared, form) for _ in range(workers)]
    for worker in opened:
        idle.put(worker)

    def make(chunk: Chunk) -> Made:
        worker = idle.get()
        try:
            return worker.make(chunk)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Made]] = deque()
    try:
        for chunk in source:
            waiting.append(pool.submit(make, chunk))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        for worker in opened:
            worker.close()
