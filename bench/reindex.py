"""Post search parameters over Synthea's people and walk them, with and without writers beside.

    python -m bench.reindex URL DEFINITIONS COPIES

URL is an empty database, DEFINITIONS the compiled cache, COPIES how many times the 57
people (22,543 resources) are loaded; TRUCYTE_SUITES names the folder of the bundles.
Prints one JSON line a figure: resources a second, the longest lock, what a write waits.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

from bench.search import KEY, bundles, changes, load, say
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.fhir.text import accept
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.records import Hasher, SearchIndex
from trucyte.records.parameters.plan import Plan
from trucyte.records.parameters.walk import Walk

BASE = "https://example.org/fhir/SearchParameter/"
# (what it shows, its code, type, bases, expression)
CASES = (
    ("token, all have it", "kept", "token", ("Observation",), "Observation.issued.exists()"),
    ("string, all have it", "named", "string", ("Observation",), "Observation.code.text"),
    ("quantity, half have it", "amount", "quantity", ("Observation",), "Observation.value"),
    ("token, none has it", "none", "token", ("Observation",), "Observation.bodySite"),
)


def posted(code: str, kind: str, bases: tuple[str, ...], expression: str) -> Change:
    """Return the change that brings a parameter."""
    listed = ",".join(f'"{base}"' for base in bases)
    body = accept(
        f'{{"resourceType":"SearchParameter","id":"{code}","url":"{BASE}{code}",'
        f'"status":"active","code":"{code}","base":[{listed}],"type":"{kind}",'
        f'"expression":"{expression}"}}'.encode()
    )
    return Change("SearchParameter", code, Operation.UPDATE, body.body, body.meta_offset, 0)


def walked(walk: Walk, name: str) -> None:
    """Walk what is pending and say how fast."""
    seen = [0]

    def report(done: int, total: int) -> bool:
        seen[0] = max(seen[0], total)
        return True

    walk.lock_seconds_longest = 0.0
    began, cpu = time.perf_counter(), time.process_time()
    walk.run(report)
    spent = time.perf_counter() - began
    say(figure=name, resources=seen[0], per_second=round(seen[0] / spent),
        python_us=round((time.process_time() - cpu) / max(seen[0], 1) * 1e6, 1),
        lock_ms_longest=round(walk.lock_seconds_longest * 1000, 1))  # fmt: skip


def writing(journal: Journal, some: list[Change], stop: Event, waits: list[float]) -> None:
    """Write one resource after another, and note what each took."""
    place = 0
    while not stop.is_set():
        began = time.perf_counter()
        journal.commit([some[place % len(some)]])
        waits.append((time.perf_counter() - began) * 1000)
        place += 1
        time.sleep(0.002)


def beside(journal: Journal, some: list[Change], work: Event | None, seconds: float) -> Thread:
    """Write for `seconds`, or until `work` is set, and say what writes waited."""
    waits: list[float] = []
    stop = work or Event()

    def run() -> None:
        writing(journal, some, stop, waits)
        waits.sort()
        say(figure="writes beside a walk" if work else "writes alone", writes=len(waits),
            p50_ms=round(waits[len(waits) // 2], 2), p99_ms=round(waits[len(waits) * 99 // 100], 2),
            worst_ms=round(waits[-1], 2))  # fmt: skip

    thread = Thread(target=run)
    thread.start()
    if work is None:
        time.sleep(seconds)
        stop.set()
        thread.join()
    return thread


def check_cost(database: Database, index: SearchIndex) -> None:
    """Say what a writer's look at what is in force costs under the lock."""
    plan: Plan = index.book.plan
    with database.connect() as connection:
        cursor = connection.cursor()
        for _ in range(20):
            index.book.refresh(cursor)
        began = time.perf_counter()
        for _ in range(500):
            assert index.book.refresh(cursor) is plan or index.book.plan
        say(figure="look at what is in force", us=round((time.perf_counter() - began) * 2000, 1))


def main() -> None:
    url, cache, copies = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    people = list(bundles(Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites"))))
    database = Database(url)
    migrate(database)
    index = SearchIndex(Extractor(Definitions.load(cache.read_bytes())), Hasher(KEY))
    with tempfile.TemporaryDirectory() as keys:
        clock = SystemClock()
        journal = Journal(database, Keyring.open(Path(keys) / "keys"), clock, [index])
        load(journal, people, copies)
        check_cost(database, index)
        walk = Walk(database, journal, index, clock)
        for name, *case in CASES:
            journal.commit([posted(*case)])
            walked(walk, name)
        some = list(changes(people[:1], copies))[:50]
        beside(journal, some, None, 5.0)
        journal.commit([posted("again", "string", ("Observation",), "Observation.code.text")])
        ended = Event()
        writer = beside(journal, some, ended, 0.0)
        walked(walk, "string, with a writer beside")
        ended.set()
        writer.join()
        journal.commit([Change("SearchParameter", "again", Operation.DELETE, b"", 0, 0)])
        walked(walk, "leaving")
        say(figure="replay gives the same", same=journal.compare() is None)
        journal.close()
    database.close()


if __name__ == "__main__":
    main()
