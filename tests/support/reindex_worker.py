"""A process that walks search parameters until it is killed."""

import sys
import time
from pathlib import Path

from tests.support.records import open_node
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records.parameters.walk import Walk
from trucyte.records.parameters.worker import Reindexer


def main(url: str, folder: str, definitions: str) -> None:
    """Print how many rows are done, slowly enough to be killed between two stretches."""
    known = Definitions.load(Path(definitions).read_bytes())
    with open_node(Database(url), Path(folder), SystemClock(), known) as node:

        class Slow(Walk):
            def run(self, report) -> bool:
                def slow(done: int, total: int) -> bool:
                    sys.stdout.write(f"{done}\n")
                    sys.stdout.flush()
                    time.sleep(0.1)
                    return report(done, total)

                return super().run(slow)

        walk = Slow(node.database, node.journal, node.index, SystemClock())
        Reindexer(node.database, walk, SystemClock()).work()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
