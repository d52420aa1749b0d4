"""A process that links and unlinks pairs until it is killed, saying what was acknowledged.

python -m tests.support.links_worker URL FOLDER DEFINITIONS WORKER
"""

import sys
from itertools import count
from pathlib import Path

from tests.support.identity import CLERK, links_of
from tests.support.records import open_node
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.links.links import NotLinked

PEOPLE = 6


def main(url: str, folder: str, definitions: str, worker: int) -> None:
    language = Definitions.load(Path(definitions).read_bytes())
    with open_node(Database(url), Path(folder), SystemClock(), language) as node:  # type: ignore[arg-type]  # any clock does
        links = links_of(node)
        for number in count(worker):
            one, other = number % PEOPLE, (number * 5 + 1) % PEOPLE
            if one == other:
                continue
            pair = f"Patient/p{one}", f"Patient/p{other}"
            decide = links.unlink if number % 3 == 0 else links.link
            try:
                link = decide(node.full, *pair, CLERK)
            except NotLinked:
                continue
            sys.stdout.write(f"{link.id} {link.version}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
