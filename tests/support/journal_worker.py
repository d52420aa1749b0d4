"""A process that commits to a journal until it has done its share: for races and kills."""

import random
import sys
from pathlib import Path

from tests.support.journal import a_change, open_journal
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.journal.change import VersionConflict

SHARED = ("Observation", "shared")


def main(url: str, folder: str, worker: int, units: int) -> None:
    """Commit `units` units of own resources, each also raising a version all compete for.

    Prints a line for each unit that was acknowledged: the seq of its last change.
    """
    database = Database(url)
    journal = open_journal(database, Path(folder), SystemClock())
    chance = random.Random(worker)  # noqa: S311 - no secret
    done = 0
    while done < units:
        key = (0, *SHARED)
        head = journal.head([key]).get(key)
        own = [a_change(f"w{worker}-{done}-{n}") for n in range(chance.randint(0, 3))]
        race = a_change(SHARED[1], expected=head.version if head else 0, source=worker, row=done)
        try:
            lines = journal.commit([*own, race])
        except VersionConflict:
            continue
        print(lines[-1].seq, lines[-1].version, flush=True)
        done += 1
    journal.close()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
