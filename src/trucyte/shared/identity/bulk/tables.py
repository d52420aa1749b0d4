"""The tables of a linkage in DuckDB: persons, frequencies, candidate pairs, scores.

SQL is made of the levels, rules and blocks of `shared.identity.matching`, so that a pair
gets the same level, weight and verdict here as at registration. Every step is bounded: a
key that very many records bear makes no pairs, and what was left out is counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log2
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from trucyte.shared.identity.matching.blocking import BLOCKS, WIDE_BLOCKS, Block
from trucyte.shared.identity.matching.levels import COMPARISONS, Comparison, level_sql
from trucyte.shared.identity.matching.model import RARE_BITS_MAX, Model, Weight
from trucyte.shared.identity.matching.person import COLUMNS

NUMBERS = ("personal", "identity", "social", "passport", "phone")
SHARED_MAX = {"phone": 60}  # records that may share a number before it says nothing
SHARED_MAX_OTHER = 25
WIDE_UP_TO = 20_000  # records
FREQUENT = (
    *sorted({level.frequency for c in COMPARISONS for level in c.levels if level.frequency}),
    "name_sound",
)
_KEYS_ONLY = frozenset({"initial"})  # of keys alone, in no condition
_SAME_ONLY = frozenset(
    [
        "name_sound",
        "family",
        "middle",
        "given",
        "family_sound",
        "middle_sound",
        "given_sound",
        "mother_sound",
        "birth_pair",
        "birth_day",
        "commune",
        "former_commune",
        "province",
        "newborn_of",
        "month",
        "day",
    ]
)


def connect(folder: Path, *, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a database of its own in `folder`, bounded in memory, shut in."""
    connection = duckdb.connect(str(folder / "link.duckdb"))
    connection.execute(f"SET memory_limit = '{memory}'")
    connection.execute(f"SET threads = {threads}")
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET autoinstall_known_extensions = false")
    return connection


def load_persons(connection: duckdb.DuckDBPyConnection, sources: Sequence[Iterable[Path]]) -> int:
    """Fill the table `persons` (n, source, id, the columns) from Arrow files; return the rows."""
    number = 0
    for source, files in enumerate(sources):
        for file in files:
            with pa.memory_map(str(file)) as mapped:
                batch = pa.ipc.open_file(mapped).read_all()
            connection.register("arrived", batch)
            select = (
                f"SELECT CAST({number} + row_number() OVER () - 1 AS INTEGER) AS n,"
                f" CAST({source} AS TINYINT) AS source, * FROM arrived"
            )
            if number == 0:
                connection.execute(f"CREATE TABLE persons AS {select}")
            else:
                connection.execute(f"INSERT INTO persons {select}")
            connection.unregister("arrived")
            number += batch.num_rows
            file.unlink()
    return number


def drop_shared_numbers(connection: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Forget numbers that too many records share; return for each column how many records."""
    dropped = {}
    for column in NUMBERS:
        most = SHARED_MAX.get(column, SHARED_MAX_OTHER)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE shared AS SELECT {column} AS value, count(*) AS c"
            f" FROM persons WHERE {column} IS NOT NULL GROUP BY ALL HAVING count(*) > {most}"
        )
        rows = one(connection, "SELECT coalesce(sum(c), 0) FROM shared")
        if rows:
            dropped[column] = int(rows)
            connection.execute(
                f"UPDATE persons SET {column} = NULL WHERE {column} IN (SELECT value FROM shared)"
            )
    return dropped


def one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    """Return the one value of a query, its result read to the end."""
    [[value]] = connection.execute(query).fetchall()
    return value


def column(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    """Return the one column of a query as a list, read in columns."""
    return connection.sql(query).to_arrow_table().column(0).to_pylist()  # type: ignore[no-any-return]


def measure_frequencies(connection: duckdb.DuckDBPyConnection) -> None:
    """Count how frequent each value is in the files: a table `share_<column>` each."""
    for column in FREQUENT:
        connection.execute(
            f"CREATE OR REPLACE TABLE share_{column} AS SELECT {column} AS value,"
            f" count(*)::DOUBLE / sum(count(*)) OVER () AS share"
            f" FROM persons WHERE {column} IS NOT NULL GROUP BY {column}"
        )


def take_frequencies(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Use the frequencies of a model instead of the files': for files too small to tell."""
    for column in FREQUENT:
        known = model.frequencies.get(column)
        if known is None:
            continue
        table = pa.table({"value": list(known), "share": list(known.values())})
        connection.register("known", table)
        connection.execute(f"CREATE OR REPLACE TABLE share_{column} AS SELECT * FROM known")
        connection.unregister("known")


def spread_frequencies(connection: duckdb.DuckDBPyConnection, rare: Mapping[str, float]) -> None:
    """Make `scored_persons`: persons with log2 of the share of each value that has one."""
    joins, shares = [], []
    for column in FREQUENT:
        joins.append(f"LEFT JOIN share_{column} AS s_{column} ON s_{column}.value = p.{column}")
        floor = rare.get(column, 1e-6)
        shares.append(f"CAST(log2(coalesce(s_{column}.share, {floor})) AS FLOAT) AS {column}_share")
    compared = ", ".join(_compared_sql(column) for column in COLUMNS if column not in _KEYS_ONLY)
    connection.execute(
        f"CREATE OR REPLACE TABLE scored_persons AS SELECT p.n, {compared}, {', '.join(shares)}"
        f" FROM persons p {' '.join(joins)} ORDER BY n"
    )


def _compared_sql(column: str) -> str:
    """Return a column as comparisons need it: a number where only sameness is asked for."""
    if column == "birth_year":
        return f"CAST(p.{column} AS INTEGER) AS {column}"
    if column not in _SAME_ONLY:
        return f"p.{column}"
    return f"CASE WHEN p.{column} IS NOT NULL THEN hash(p.{column}) END AS {column}"


def key_sql(block: Block, row: str = "p") -> str:
    """Return a block's key as SQL, a number; NULL where a column lacks."""
    columns = ", ".join(f"{row}.{column}" for column in block.columns)
    known = " AND ".join(f"{row}.{column} IS NOT NULL" for column in block.columns)
    return f"CASE WHEN {known} THEN hash({columns}) END"


def pairs_sql(block: Block, most: int, *, across: bool) -> Sequence[str]:
    """Return the steps that add the pairs of a block whose keys at most `most` records bear."""
    apart = " AND l.source <> r.source" if across else ""
    return (
        f"CREATE OR REPLACE TEMP TABLE keyed AS SELECT {key_sql(block)} AS k, n, source"
        f" FROM persons p WHERE k IS NOT NULL",
        "CREATE OR REPLACE TEMP TABLE sizes AS SELECT k, count(*) AS c FROM keyed"
        " GROUP BY k HAVING c > 1",
        f"CREATE OR REPLACE TEMP TABLE usable AS SELECT keyed.* FROM keyed JOIN sizes USING (k)"
        f" WHERE c <= {most}",
        f"INSERT INTO candidates SELECT CAST(l.n AS BIGINT) * 4294967296 + r.n"
        f" FROM usable l JOIN usable r ON l.k = r.k AND l.n < r.n{apart}",
    )


def block_limit(connection: duckdb.DuckDBPyConnection, pairs_max: int, most: int) -> int:
    """Return how many records may bear one key so that a block's pairs stay within bounds."""
    sizes = connection.execute(
        "SELECT c, count(*) * c * (c - 1) / 2 FROM sizes GROUP BY c ORDER BY c"
    ).fetchall()
    total = 0.0
    for size, pairs in sizes:
        total += pairs
        if size > most or total > pairs_max:
            return int(size) - 1
    return most


def find_candidates(
    connection: duckdb.DuckDBPyConnection, *, records: int, across: bool, block_max: int
) -> tuple[int, Mapping[str, int]]:
    """Fill `candidates` with pairs; return their number, and records left out by block."""
    connection.execute("CREATE OR REPLACE TABLE candidates (pair BIGINT)")
    left_out = {}
    wide = WIDE_BLOCKS if records <= WIDE_UP_TO else ()
    for block in (*BLOCKS, *wide):
        keyed, sizes, *_ = pairs_sql(block, 0, across=across)
        connection.execute(keyed)
        connection.execute(sizes)
        most = block_limit(connection, max(2_000_000, 15 * records), block_max)
        over = one(connection, f"SELECT coalesce(sum(c), 0) FROM sizes WHERE c > {most}")
        if over:
            left_out[block.name] = int(over)
        for step in pairs_sql(block, most, across=across)[2:]:
            connection.execute(step)
    connection.execute(
        "CREATE OR REPLACE TABLE pairs AS SELECT DISTINCT CAST(pair >> 32 AS INTEGER) AS l,"
        " CAST(pair & 4294967295 AS INTEGER) AS r FROM candidates"
    )
    connection.execute("DROP TABLE candidates")
    return int(one(connection, "SELECT count(*) FROM pairs")), left_out


def bits_sql(comparison: Comparison, model: Model) -> str:
    """Return the weight of a comparison's level as SQL on its `lv_` and `_rarer` columns."""
    known = model.weights.get(comparison.name, {})
    cases = " ".join(
        f"WHEN {number} THEN {known[name].bits:.6f}"
        for number, name in enumerate(comparison.names())
        if name in known
    )
    if not cases:
        return "0.0"
    return f"CASE lv_{comparison.name} {cases} ELSE 0 END + {rarity_sql(comparison, known)}"


def rarity_sql(comparison: Comparison, weights: Mapping[str, Weight]) -> str:
    """Return the correction for rare and common values as SQL on the same columns."""
    cases = []
    for number, level in enumerate(comparison.levels):
        typical = weights[level.name].typical if level.name in weights else 0.0
        if level.frequency and typical:
            rarity = f"{log2(typical):.6f} - {level.frequency}_rarer"
            bounded = f"greatest(-{RARE_BITS_MAX}, least({RARE_BITS_MAX}, {rarity}))"
            cases.append(f"WHEN {number} THEN {bounded}")
    return f"CASE lv_{comparison.name} {' '.join(cases)} ELSE 0 END" if cases else "0.0"


def levels_sql() -> str:
    """Return all level columns as SQL on `l` and `r`."""
    return ", ".join(
        f"CAST({level_sql(comparison)} AS TINYINT) AS lv_{comparison.name}"
        for comparison in COMPARISONS
    )
