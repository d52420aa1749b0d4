"""What relations and consents cost a search: milliseconds a page of 50 and a count.

    PYTHONPATH=src python -m bench.facts URL [--explain SHAPE ACCESS]

Makes a database of its own beside URL with rows of the index and facts alone: 100,000
persons with ten resources each, 2,000 of them linked in pairs. A hospital has to do with
half of them, a ward with 2,000, a doctor with 200 (by a role), a newcomer with none. One
in twenty has a consent that refuses research, half of these also what one organisation
sees; one in fifty permits research. Each time is the median of seven, warm.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

import argparse
import statistics
import time
import uuid
from collections.abc import Callable, Sequence

import psycopg
import psycopg.conninfo

from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.records.access import Agreed, Related
from trucyte.records.persons.consents import agreed_conditions
from trucyte.records.persons.holders import number_of
from trucyte.records.persons.relations import related_condition
from trucyte.records.search.bound import Parameters

PERSONS = 100_000
NOW = 1_800_000_000_000_000
_FILL = """
insert into records.entry (seq, last_updated, reference, person, present, origin, type,
    sensitivity, tokens, organisations)
select n, n, n, 1 + n %% {persons}, 0, 0, 40 + n %% 11, 0,
    array[1 + n %% 11, 1000 + n %% 2000]::bigint[], array[1]::bigint[]
from generate_series(1, {persons} * 10) n;
insert into records.linked (person, circle, reference, node, id)
select n, n - (n - 1) %% 2, n, '', n::text from generate_series(1, 2000) n;
insert into records.membership values (9, {role}, {doctor}, 0, {late}, 9);
insert into records.relation (person, holder, begins, ends, seq, kind)
select n, {hospital}, 0, {late}, n, 1 from generate_series(1, {persons} / 2) n
union all select n, {ward}, 0, {late}, n, 1 from generate_series(1, {persons}, {persons} / 2000) n
union all select n, {role}, 0, {late}, n, 1 from generate_series(1, {persons}, {persons} / 200) n
union all select n, 1000000 + n %% 5000, 0, {late}, n, 1 from generate_series(1, {persons}) n;
insert into records.provision
select n, n, n, 0, {late}, 0, -1, 1, 0, false,
    '{{}}'::bigint[], '{{}}'::smallint[], '{{HRESCH}}'::text[]
from generate_series(1, {persons}, 20) n
union all
select n, n, n, 0, {late}, 1, -1, 1, 0, false,
    array[{other}]::bigint[], '{{}}'::smallint[], '{{}}'::text[]
from generate_series(1, {persons}, 40) n
union all
select n, n, n, 0, {late}, 0, -1, 1, 0, true, '{{}}', '{{}}', '{{HRESCH}}'::text[]
from generate_series(7, {persons}, 50) n;
"""
SHAPES = {
    "newest of all": [],
    "newest of a type": ["e.tokens @> '{7}'"],
    "a code": ["e.tokens @> '{1007}'"],
    "of a person": ["e.person = 1001"],
}
Conditions = Callable[[Parameters, bool], Sequence[str]]


def _related(*holders: str) -> Conditions:
    related = Related(holders)
    return lambda bound, whole: [related_condition(related, bound, "e", NOW, is_whole=whole)]


def _agreed(purpose: str, needs_permit: bool, *actors: str) -> Conditions:
    agreed = Agreed(purpose, actors, needs_permit)
    return lambda bound, whole: agreed_conditions(agreed, bound, "e", NOW, is_whole=whole)


def _both(bound: Parameters, whole: bool) -> Sequence[str]:
    actors = "Practitioner/doctor", "Organization/hospital"
    related = _related("Organization/hospital", "Practitioner/doctor")
    return [*related(bound, whole), *_agreed("TREAT", False, *actors)(bound, whole)]


ACCESSES: dict[str, Conditions] = {
    "all": lambda *_: [],
    "related: hospital": _related("Organization/hospital"),
    "related: ward": _related("Location/ward"),
    "related: doctor": _related("Practitioner/doctor"),
    "related: newcomer": _related("Practitioner/new"),
    "agreed: treatment": _agreed("TREAT", False, "Practitioner/doctor", "Organization/hospital"),
    "agreed: the refused": _agreed("TREAT", False, "Organization/other"),
    "agreed: research": _agreed("HRESCH", True, "Practitioner/doctor"),
    "hospital, treatment": _both,
}


def main() -> None:
    """Fill, measure, drop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--explain", nargs=2)
    arguments = parser.parse_args()
    name = f"trucyte_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(arguments.url, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        try:
            own = psycopg.conninfo.make_conninfo(arguments.url, dbname=name)
            database = Database(own)
            migrate(database)
            database.close()
            with psycopg.connect(own, autocommit=True) as connection:
                fill(connection)
                if arguments.explain:
                    explain(connection, *arguments.explain)
                else:
                    measure(connection)
        finally:
            admin.execute(f"drop database {name} with (force)")


def fill(connection: psycopg.Connection) -> None:
    """Write the rows."""
    numbers = {
        "hospital": number_of("Organization/hospital"),
        "other": number_of("Organization/other"),
        "ward": number_of("Location/ward"),
        "doctor": number_of("Practitioner/doctor"),
        "role": number_of("PractitionerRole/role"),
    }
    connection.execute(
        _FILL.replace("%%", "%").format(persons=PERSONS, late=1 << 62, **numbers).encode()
    )
    connection.execute("vacuum analyze")
    connection.execute("set plan_cache_mode = force_custom_plan")
    connection.execute("set jit = off")


def measure(connection: psycopg.Connection) -> None:
    """Print a line an access: each shape as a page and as a count."""
    print(f"{'':22}", *(f"{shape:>26}" for shape in SHAPES))
    for access, conditions in ACCESSES.items():
        cells = []
        for shape in SHAPES.values():
            page, count = (
                timed(connection, *statement(shape, conditions, is_count=is_count))
                for is_count in (False, True)
            )
            cells.append(f"{page:10.2f} {count:10.2f} ms  ")
        print(f"{access:22}", *(f"{cell:>26}" for cell in cells), flush=True)


def statement(
    shape: Sequence[str], conditions: Conditions, *, is_count: bool
) -> tuple[str, dict[str, object]]:
    """Return a page of 50 and one, or a count."""
    bound = Parameters()
    where = " and ".join(["e.origin = 0", *shape, *conditions(bound, is_count)])
    if is_count:
        return f"select count(*) from records.entry e where {where}", bound.values
    text = f"select e.seq from records.entry e where {where} order by e.seq desc limit 51"
    return text, bound.values


def timed(connection: psycopg.Connection, text: str, values: dict[str, object]) -> float:
    """Return milliseconds, the median of seven."""
    times = []
    for _ in range(8):
        start = time.perf_counter()
        connection.execute(text.encode(), values).fetchall()
        times.append(time.perf_counter() - start)
        if times[-1] > 2:
            return times[-1] * 1000
    return statistics.median(times[1:]) * 1000


def explain(connection: psycopg.Connection, shape: str, access: str) -> None:
    """Print both plans."""
    for is_count in (False, True):
        text, values = statement(SHAPES[shape], ACCESSES[access], is_count=is_count)
        for (line,) in connection.execute(f"explain (analyze, buffers) {text}".encode(), values):
            print(line)


if __name__ == "__main__":
    main()
