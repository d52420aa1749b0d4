"""A process that works on what waits, until it is done or killed.

python -m tests.support.ingest_process URL FOLDER DEFINITIONS NUMBER
"""

import sys
from pathlib import Path
from threading import Event

from tests.support.intake import Node
from trucyte.database.connect import Database
from trucyte.intake.door import work_on


def main() -> None:
    url, folder, definitions, number = sys.argv[1:]
    node = Node(Database(url), Path(folder), Path(definitions), workers=2)
    print("working", flush=True)
    work_on(node.door, [int(number)], 10 << 20, Event())
    print("done", flush=True)


if __name__ == "__main__":
    main()
