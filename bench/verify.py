"""How fast journal and trail are verified, with bodies sealed, by one process and by several.

Starts a PostgreSQL of its own, in a temporary folder, and stops it after.

    PYTHONPATH=src python -m bench.verify [--lines 200000] [--batch 32]
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.journal_commit import BINARIES, a_server, a_visit
from bench.record import record
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.journal.change import Change
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.node.keeping.checkers import Place, SharedCheckers
from trucyte.shared.audit import Trail
from trucyte.shared.audit.entry import Deed, Outcome, changes_of
from trucyte.shared.audit.trail import new_request


def deed(chance: random.Random) -> Sequence[Change]:
    """Make an entry of somebody who read one person's record."""
    return changes_of(
        Deed(
            new_request(), "fhir", "read", "Patient", "TREAT", "his-79001", "Organization/79001",
            Outcome.SUCCESS, 1, "", (chance.getrandbits(62),),
        )
    )  # fmt: skip


def fill(trail: Trail, journal: Journal, lines: int, batch: int) -> None:
    """Write as many lines into both; entries of the trail come `batch` to a commit."""
    chance = random.Random(1)
    for _ in range(lines // batch):
        entries = [deed(chance) for _ in range(batch)]
        trail.journal.commit([change for entry in entries for change in entry])
    for _ in range(lines // 2500):
        journal.commit_many([a_visit(chance) for _ in range(100)])


def rate(journal: Journal, place: Place, processes: int) -> float:
    """Return lines verified a second."""
    checkers = SharedCheckers(place, processes) if processes > 1 else None
    began = time.perf_counter()
    verdict = journal.verify(checkers=checkers)
    taken = time.perf_counter() - began
    assert verdict.is_sound, verdict
    if checkers is not None:
        checkers.close()
    return verdict.rows / taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=32, help="entries of the trail a commit")
    parser.add_argument("--binaries", type=Path, default=BINARIES[-1] if BINARIES else None)
    parser.add_argument("--record", action="store_true", help="add rows to results.csv")
    asked = parser.parse_args()
    measures = {}
    with a_server(asked.binaries) as url, tempfile.TemporaryDirectory() as folder:
        database = Database(url)
        migrate(database)
        keys = Path(folder) / "keys"
        keyring = Keyring.open(keys)
        trail, journal = (
            Trail(database, keyring, SystemClock()),
            Journal(database, keyring, SystemClock()),
        )
        fill(trail, journal, asked.lines, asked.batch)
        with database.connect(autocommit=True) as connection:
            connection.execute("vacuum analyze")
        for name, one in (("trail", trail.journal), ("journal", journal)):
            place = Place(url, keys, None, "audit" if name == "trail" else "journal")
            for processes in (1, 2, 3):
                measures[f"{name}, {processes} processes"] = (
                    rate(one, place, processes), "lines/s",
                )  # fmt: skip
        trail.close()
        journal.close()
        database.close()
    note = f"{asked.lines} lines, {asked.batch} entries a commit of the trail"
    if asked.record:
        record("verify", measures, note)
        return
    print(note)
    for name, (value, unit) in measures.items():
        print(f"{name:<32} {value:>12,.0f} {unit}")


if __name__ == "__main__":
    main()
