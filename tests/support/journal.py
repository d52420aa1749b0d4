"""A journal for one test, and changes to put into it."""

import json
from collections.abc import Sequence
from pathlib import Path

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.journal.change import Change, Operation, Projection
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.journal.leaf import inner_hash

_FOLDER = Path(__file__).parents[2] / "src/trucyte/database/migrations"
MIGRATIONS = (_FOLDER / "0001_journal.sql", _FOLDER / "0023_at_rest.sql")


def make_tables(database: Database) -> None:
    """Build the journal's tables in an empty database."""
    with database.connection() as connection:
        for migration in MIGRATIONS:
            connection.execute(migration.read_text("utf-8"))


def open_journal(
    database: Database, folder: Path, clock: Clock, projections: Sequence[Projection] = (), **more
) -> Journal:
    """Open a journal whose keys lie under `folder`."""
    return Journal(database, Keyring.open(folder / "keys"), clock, projections, **more)


def a_change(
    id: str = "a",
    operation: Operation = Operation.UPDATE,
    *,
    type: str = "Observation",
    expected: int | None = None,
    value: object = 1,
    **more,
) -> Change:
    """Make a change with a small body that holds `value`."""
    body = json.dumps({"resourceType": type, "id": id, "value": value}).encode()
    is_delete = operation is Operation.DELETE
    return Change(
        type, id, operation, b"" if is_delete else body, -1, more.pop("person", 7), expected, **more
    )


def erase_body(journal: Journal, seq: int) -> None:
    """Remove a body as an erasure by law does, leaving its hash, and nothing else of it."""
    body = journal.bodies([seq])[seq].body
    with journal.database.connection() as connection:
        (salt,) = connection.execute(
            "select salt from journal.change where seq = %s", (seq,)
        ).fetchone()
        inner = inner_hash(salt, body)
        connection.execute("insert into journal.erasure values (%s, %s)", (seq, inner))
        connection.execute(
            "update journal.change set salt = '', body = '', codec = 0 where seq = %s", (seq,)
        )
