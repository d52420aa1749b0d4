"""What keeping organisations apart costs: bytes a row, and milliseconds a search.

    python bench/tenancy.py URL

Makes a database of its own beside URL with rows of the index alone, 400,000 of them: one
organisation has half, one a thousandth, a hundredth is for all. Each time is the median of
nine, warm.
"""

import statistics
import sys
import time
import uuid

import psycopg
import psycopg.conninfo

from trucyte.database.connect import Database
from trucyte.database.migrate import migrate

ROWS = 400_000
_FILL = """
insert into records.entry (seq, last_updated, reference, person, present, origin, type,
    sensitivity, tokens, organisations)
select n, n, n, n %% 20000, 0, 0, 1 + n %% 30, 0,
    array[1 + n %% 30, 1000 + n %% 2000, 5000 + n %% 20000, 100000 + n]::bigint[],
    array[case when n %% 100 = 0 then 0 when n %% 2 = 0 then 1 when n %% 1000 = 1 then 2
        else 1000 + n %% 700 end]::bigint[]
from generate_series(1, %s) n
"""
_SHAPES = {
    "newest of a type": "e.tokens @> '{7}'",
    "a code": "e.tokens @> '{1007}'",
    "a type and a code": "e.tokens @> '{8}' and e.tokens @> '{5007}'",
}
_SEEN = {"all": "", "half": "'{0,1}'", "a thousandth": "'{0,2}'"}


def main(url: str) -> None:
    """Fill, measure, drop."""
    name = f"trucyte_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        try:
            own = psycopg.conninfo.make_conninfo(url, dbname=name)
            database = Database(own)
            migrate(database)
            database.close()
            with psycopg.connect(own, autocommit=True) as connection:
                measure(connection)
        finally:
            admin.execute(f"drop database {name} with (force)")


def measure(connection: psycopg.Connection) -> None:
    """Print sizes, then times."""
    connection.execute("set plan_cache_mode = force_custom_plan")
    connection.execute(_FILL, (ROWS,))
    connection.execute("vacuum analyze records.entry")
    index = connection.execute("select pg_relation_size('records.entry_organisations')").fetchone()
    column = connection.execute(
        "select sum(pg_column_size(organisations)) from records.entry"
    ).fetchone()
    assert index and column
    print(f"column {column[0] / ROWS:.1f} B a row, index {index[0] / ROWS:.2f} B a row")
    for shape, condition in _SHAPES.items():
        for who, numbers in _SEEN.items():
            seen = f" and e.organisations && {numbers}::bigint[]" if numbers else ""
            text = (  # its parts stand above
                f"select e.seq from records.entry e where {condition}{seen}"  # noqa: S608 - of this file
                " order by e.seq desc limit 11"
            )
            times = []
            for _ in range(9):
                began = time.perf_counter()
                connection.execute(text).fetchall()
                times.append((time.perf_counter() - began) * 1000)
            print(f"{shape:20} {who:14} {statistics.median(times):8.2f} ms")


if __name__ == "__main__":
    main(sys.argv[1])
