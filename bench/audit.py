"""How fast the trail is written, what an entry costs, and how much room it takes.

Threads that answer requests each wait for their own entry, as a server's do. Starts a
PostgreSQL of its own with fsync on, in a temporary folder, and stops it after.

    PYTHONPATH=src python -m bench.audit [--threads 32] [--seconds 5] [--persons 1]
"""

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from bench.journal_commit import BINARIES, a_server, server_seconds
from bench.record import record
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.journal.keyring import Keyring
from trucyte.records.access import Access
from trucyte.shared.audit import Trail
from trucyte.shared.audit.reading import Wanted

SIZES = """
select (select sum(pg_total_relation_size(relid)) from pg_partition_tree('audit.change')),
    pg_total_relation_size('audit.batch'),
    pg_total_relation_size('audit.shown'),
    (select last_seq from audit.tail), (select batches from audit.tail)
"""


def write(trail: Trail, seconds: float, threads: int, persons: int) -> tuple[int, float, float]:
    """Answer requests in threads; return entries, seconds and this process's own seconds."""
    access = Access("his-79001", "TREAT", False, trail, "Organization/79001")
    done = [0] * threads
    ends = threading.Barrier(threads + 1)
    stop = time.perf_counter() + seconds

    def answer(number: int) -> None:
        chance = random.Random(number)
        while time.perf_counter() < stop:
            with trail.request("read Patient", door="fhir") as asked:
                mine = asked.of(access)
                shown = [chance.getrandbits(62) for _ in range(persons)]
                mine.recorder.shown(mine, shown, "read Patient")
            done[number] += 1
        ends.wait()

    began, own = time.perf_counter(), time.process_time()
    for number in range(threads):
        threading.Thread(target=answer, args=(number,)).start()
    ends.wait()
    return sum(done), time.perf_counter() - began, time.process_time() - own


def latencies(trail: Trail, count: int) -> Sequence[float]:
    """Return the sorted seconds of single entries, one after another."""
    access = Access("his-79001", "TREAT", False, trail, "Organization/79001")
    taken = []
    for number in range(count):
        began = time.perf_counter()
        trail.shown(access, [number + 1], "read Patient")
        taken.append(time.perf_counter() - began)
    return sorted(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--persons", type=int, default=1)
    parser.add_argument("--binaries", type=Path, default=BINARIES[-1] if BINARIES else None)
    parser.add_argument("--record", action="store_true", help="add rows to results.csv")
    asked = parser.parse_args()
    with a_server(asked.binaries) as url, tempfile.TemporaryDirectory() as folder:
        database = Database(url)
        migrate(database)
        trail = Trail(database, Keyring.open(Path(folder)), SystemClock())
        write(trail, 1.0, asked.threads, asked.persons)  # connections, caches
        before = server_seconds(url)
        entries, seconds, own = write(trail, asked.seconds, asked.threads, asked.persons)
        server = server_seconds(url) - before
        with psycopg.connect(url) as connection:
            change, batch, shown, lines, batches = connection.execute(SIZES).fetchone()
        began = time.perf_counter()
        verdict = trail.verify()
        verified = time.perf_counter() - began
        assert verdict.is_sound, verdict
        single = latencies(trail, 300)
        everyone = Access("officer", "HOPERAT", False, trail)
        began = time.perf_counter()
        trail.find(everyone, Wanted(caller="nobody"))
        walked = time.perf_counter() - began
        trail.close()
        database.close()
    note = f"{asked.threads} threads, {asked.persons} persons an entry, fsync on"
    measures = {
        "entries": (entries / seconds, "entries/s"),
        "own processor time": (own / entries * 1e6, "us/entry"),
        "server's processor time": (server / entries * 1e6, "us/entry"),
        "entries a commit": (lines / batches, "entries"),
        "on disk": ((change + batch + shown) / lines, "B/entry"),
        "on disk, batches of it": (batch / lines, "B/entry"),
        "on disk, several persons of it": (shown / lines, "B/entry"),
        "verified": (lines / verified, "entries/s"),
        "one thread alone, p50": (single[150] * 1e3, "ms"),
        "one thread alone, p99": (single[297] * 1e3, "ms"),
        "a page that walks 20,000 lines": (walked * 1e3, "ms"),
    }
    if asked.record:
        record("audit", measures, note)
        return
    for name, (value, unit) in measures.items():
        print(f"{name:<32} {value:>12.1f} {unit}")


if __name__ == "__main__":
    main()
