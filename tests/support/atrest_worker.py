"""Erases or wraps keys anew, a line or key a step, to be killed at it."""

import sys
from pathlib import Path

from tests.support.journal import open_journal
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.journal.atrest import erasure, resealing


def main(what: str, url: str, folder: str) -> None:
    """Do it to the end, if nobody kills us."""
    erasure._LINES_AT_ONCE = 1
    resealing._KEYS_AT_ONCE = 1
    journal = open_journal(Database(url), Path(folder), SystemClock())
    if what == "erase":
        journal.erase(persons=range(1, 200), rule="r", by="b", article="a")
    else:
        parts = (journal.database, journal.body_keys, journal.keyring)
        resealing.rewrap(*parts, lambda done, total: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
