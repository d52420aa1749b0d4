"""Read, search and walk what `bench.search` loaded: milliseconds and resources a second.

    python -m bench.walk URL DEFINITIONS COPIES

URL is the database that `bench.search` has filled with COPIES. Prints one JSON line a
figure; Python's own share is processor time, the rest waits for PostgreSQL.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.search import KEY, Silence, bundles, say, shapes
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.records import Access, Hasher, Records, SearchIndex

RUNS = 100


def timed(name: str, call: Callable[[], object]) -> None:
    for _ in range(RUNS // 5):
        call()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for _ in range(RUNS):
        call()
    wall, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    say(shape=name, ms=round(wall / RUNS * 1e3, 2), python_ms=round(cpu / RUNS * 1e3, 2))


def main() -> None:
    url, cache, copies = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    people = list(bundles(Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites"))))
    database = Database(url)
    index = SearchIndex(Extractor(Definitions.load(cache.read_bytes())), Hasher(KEY))
    access = Access("bench", "TREAT", sees_restricted=False, recorder=Silence())
    with tempfile.TemporaryDirectory() as keys:
        clock = SystemClock()
        journal = Journal(database, Keyring.open(Path(keys) / "keys"), clock, [index])
        records = Records(database, journal, index, clock, KEY)
        listed = shapes(people, copies)
        id_ = next(query[0][1] for name, _, query in listed if name == "by id")
        timed("read", lambda: records.read(access, "Patient", id_))
        for name, type_name, query in listed:
            timed(name, lambda t=type_name, q=query: records.search(access, t, q))
        begin, begin_cpu, count = time.perf_counter(), time.process_time(), 0
        for chunk in records.walk(access, until=journal.tail()):
            count += len(chunk)
        wall, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
        say(figure="walk", resources=count, per_second=round(count / wall),
            python_us=round(cpu / count * 1e6, 1))  # fmt: skip
        journal.close()
    database.close()


if __name__ == "__main__":
    main()
