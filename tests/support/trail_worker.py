"""A process that answers requests from several threads until it is killed."""

import sys
import threading
from pathlib import Path

from tests.support.trail import access_of
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.journal.keyring import Keyring
from trucyte.shared.audit import Trail


def main(url: str, folder: str, threads: int) -> None:
    """Print the id of each request as its answer leaves."""
    trail = Trail(Database(url), Keyring.open(Path(folder) / "keys"), SystemClock())

    def answer(number: int) -> None:
        while True:
            with trail.request("read Patient", door="fhir") as asked:
                access = asked.of(access_of(f"his-{number}"))
                access.recorder.shown(access, [number + 1, 99], "read Patient")
            sys.stdout.write(f"{asked.request}\n")
            sys.stdout.flush()

    for number in range(threads):
        threading.Thread(target=answer, args=(number,)).start()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
