"""How the index of people stands, for operators; nothing personal but references."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trucyte.database.connect import Database
from trucyte.journal.journal import Journal
from trucyte.shared.identity.index.follower import NAME
from trucyte.shared.identity.index.form import CROWD, FORM, Keys, unpack
from trucyte.shared.identity.index.statements import statements

NEWCOMERS: Final = "newcomers"  # the cursor of the run behind the index
_CROWDED_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class IndexReport:
    """Figures of the index."""

    people: int
    keys: int
    size: int  # bytes on disk, indexes included
    is_whole: bool  # whether everybody was laid out once, in this program's form
    lines_behind: int  # journal lines that the index has not seen
    lines_unmatched: int  # journal lines whose Patients were not matched yet


@dataclass(frozen=True, slots=True)
class CrowdedKey:
    """A key that too many share, so that nobody is looked for by it."""

    block: str
    persons: int
    example: str  # one of the Patients, to see what they share


def report_of(database: Database, journal: Journal) -> IndexReport:
    """Return how the index stands."""
    end = journal.position()
    behind = []
    for name in (NAME, NEWCOMERS):
        here = journal.cursor(name)
        behind.append(end.seq - here.seq if here and here.epoch == end.epoch else end.seq)
    with database.reader() as connection:
        people, keys, size = connection.execute(statements()["size"]).fetchone() or (0, 0, 0)
        form, is_whole = connection.execute(statements()["read_form"]).fetchone() or ("", False)
    return IndexReport(people, keys, size, form == FORM and is_whole, *behind)


def crowded_keys(database: Database, keys: Keys, *, crowd: int = CROWD) -> Sequence[CrowdedKey]:
    """Return the keys that more than `crowd` share, the most crowded first.

    Reads all keys: seconds for millions of people.
    """
    asked = {"crowd": crowd, "most": _CROWDED_MAX}
    with database.reader() as connection:
        rows = connection.execute(statements()["crowded"], asked).fetchall()
    found = []
    for hashed, persons, id, fields in rows:
        blocks = (block for block, own in keys.named(unpack(fields)) if own == hashed)
        found.append(CrowdedKey(next(blocks, ""), persons, f"Patient/{id}"))
    return found
