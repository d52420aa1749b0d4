"""A process that lays out people and matches newcomers until all is done; made to be killed.

python -m tests.support.people_worker URL FOLDER
"""

import sys
from pathlib import Path

from tests.support.journal import open_journal
from tests.support.people import KEYS, LinksInMemory
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.shared.access.local import system_access
from trucyte.shared.identity.index import Follower, Matcher
from trucyte.shared.identity.index import follower as following
from trucyte.shared.identity.matching.model import load_model
from trucyte.shared.identity.newcomers import Newcomers, Policy
from trucyte.shared.identity.newcomers import run as running
from trucyte.shared.identity.newcomers.run import Parts


def main(url: str, folder: Path) -> None:
    """Work in small steps, so that there is much to be killed between."""
    following._LINES_AT_ONCE = 40
    running._PERSONS_AT_ONCE = 20
    database, clock = Database(url), SystemClock()
    journal = open_journal(database, folder, clock)
    matcher = Matcher(database, KEYS, load_model())
    access = system_access("identity")
    parts = Parts(database, journal, matcher, LinksInMemory(), clock, access, Policy())
    print("at work", flush=True)
    Follower(database, journal, KEYS).catch_up()
    Newcomers(parts).catch_up()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
