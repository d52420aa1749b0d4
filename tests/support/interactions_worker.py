"""A process of clients that race for the same conditions, in threads.

python -m tests.support.interactions_worker URL FOLDER DEFINITIONS THREADS ROUNDS
"""

import sys
from collections import Counter
from pathlib import Path
from threading import Barrier, Lock, Thread

from tests.support.interactions import (
    MRN,
    Writing,
    a_patient,
    encoded,
    open_writing,
)
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions


def race(writing: Writing, rounds: int, barrier: Barrier, told: Counter, lock: Lock) -> None:
    """Create, update and end by condition; every client the same ones at the same time."""
    act, access = writing.interactions, writing.access
    for number in range(rounds):
        barrier.wait()
        made = writing.create(a_patient(f"c{number}"), f"identifier={MRN}|c{number}")
        put = act.update_where(
            access, "Patient", f"identifier={MRN}|u{number}", encoded(a_patient(f"u{number}"))
        )
        gone = act.delete_where(access, "Patient", f"identifier={MRN}|d{number}")
        with lock:
            told[f"create {number} {made.done.value}"] += 1
            told[f"update {number} {put.done.value}"] += 1
            told[f"delete {number} {len(gone)}"] += 1


def main(url: str, folder: str, definitions: str, threads: int, rounds: int) -> None:
    language = Definitions.load(Path(definitions).read_bytes())
    database = Database(url)
    with open_writing(database, Path(folder), SystemClock(), language) as writing:
        barrier, told, lock = Barrier(threads, timeout=30), Counter(), Lock()
        clients = [
            Thread(target=race, args=(writing, rounds, barrier, told, lock)) for _ in range(threads)
        ]
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    database.close()
    for line, count in told.items():
        sys.stdout.write(f"{line} {count}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
