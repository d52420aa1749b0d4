"""Rows into a Parquet file with the types of their columns, gathered in a table on disk."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from trucyte.fhir.view.problems import ViewRowRefused
from trucyte.fhir.view.statement import Field, quoted
from trucyte.insight.views.engine import open_engine
from trucyte.insight.views.formats import table_sql, table_type


class ParquetFile:
    """Gathers rows, and writes them as one file at the end."""

    def __init__(self, target: Path, folder: Path, fields: Sequence[Field]) -> None:
        """Make the table in `folder`, which is the caller's to remove."""
        self._target = target
        self._engine = open_engine(str(folder / "rows.duckdb"), writes=(target,))
        columns = ", ".join(f"{quoted(field.name)} {table_type(field)}" for field in fields)
        self._engine.execute(f"CREATE TABLE result ({columns})")
        self._insert = (
            f"INSERT INTO result SELECT {table_sql(fields)} "  # noqa: S608 - names that were checked
            "FROM (SELECT unnest(CAST($lines AS VARCHAR[])) AS line)"
        )
        self._count = 0

    def add(self, text: str) -> list[ViewRowRefused]:
        """Add the rows of one chunk; return what is wrong with those that do not fit."""
        lines = text.split("\n")[:-1]
        refused = list(self._add(lines, self._count + 1))
        self._count += len(lines)
        return refused

    def _add(self, lines: list[str], first: int) -> Iterator[ViewRowRefused]:
        if not lines:
            return
        try:
            self._engine.execute(self._insert, {"lines": lines})
        except duckdb.Error:
            if len(lines) == 1:
                reason = f"row {first} has a value that is not of the SQL type of its column"
                yield ViewRowRefused(at="select", reason=reason)
                return
            middle = len(lines) // 2
            yield from self._add(lines[:middle], first)
            yield from self._add(lines[middle:], first + middle)

    def finish(self) -> None:
        """Write the file and close the table."""
        path = str(self._target).replace("'", "''")
        self._engine.execute(f"COPY result TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        self.close()

    def close(self) -> None:
        """Close the table; without `finish` nothing is written."""
        self._engine.close()
