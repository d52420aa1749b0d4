"""Bring a database to the form this program needs, by numbered SQL files, each once.

A file that was applied must never change, and a database that a newer program migrated
is not touched by an older one: both are refused with the number of the migration.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from trucyte.base.problem import Kind, Problem
from trucyte.base.tracing import Event
from trucyte.database.connect import Connection, Database, problems_of_the_server
from trucyte.database.named import QUERIES

APPLIED = Event("database.migration-applied", number=int)

_FILE = re.compile(r"(\d{4})_([a-z][a-z0-9_]*)\.sql")


class MigrationAltered(Problem):
    """Migration {number} is not what was applied to this database; restore the file."""

    kind = Kind.CONFLICT
    code = "migration-altered"


class DatabaseNewer(Problem):
    """This database has migration {number}, which this program does not know; use a newer one."""

    kind = Kind.UNSUPPORTED
    code = "database-newer"


class MigrationLate(Problem):
    """Migration {number} is missing in this database although {applied} was applied after it."""

    kind = Kind.CONFLICT
    code = "migration-late"


class RestoreUnfinished(Problem):
    """A restore into this database did not come to its end; run `trucyte restore` again."""

    kind = Kind.UNAVAILABLE
    code = "restore-unfinished"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the SQL, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """Read the numbered files of `folder` (ours), in order; a doubled number is a defect."""
    place = folder or files("trucyte.database").joinpath("migrations")
    found = []
    for file in place.iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            text = file.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), match[2], text))
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    assert len(set(numbers)) == len(numbers), f"doubled migration numbers: {numbers}"
    return tuple(found)


def migrate(
    database: Database, migrations: Sequence[Migration] | None = None
) -> tuple[Migration, ...]:
    """Apply what is missing, in order, each in its own transaction; return what was applied.

    Safe to call from many programs at once. Raises MigrationAltered, DatabaseNewer or
    MigrationLate before anything is changed, DatabaseAway when the server does not answer.
    """
    wanted = load_migrations() if migrations is None else tuple(migrations)
    with database.connect(autocommit=True) as connection, problems_of_the_server():
        if not missing_migrations(connection, wanted) and _has_table(connection):
            return ()
        connection.execute(QUERIES.take_migration_lock)
        try:
            connection.execute(QUERIES.create_migration_table)
            missing = missing_migrations(connection, wanted)
            for migration in missing:
                _apply(connection, migration)
        finally:
            if not connection.broken:
                connection.execute(QUERIES.release_migration_lock)
    return missing


def check_whole(database: Database) -> None:
    """Refuse a database that a restore has not finished and proved. Raises RestoreUnfinished."""
    with database.connect(autocommit=True) as connection, problems_of_the_server():
        row = connection.execute(QUERIES.is_restoring).fetchone()
    if row and row[0]:
        raise RestoreUnfinished


def missing_migrations(
    connection: Connection, wanted: Sequence[Migration]
) -> tuple[Migration, ...]:
    """Return what of `wanted` was not applied; raises as `migrate` does."""
    applied = _read_applied(connection)
    _check(applied, {migration.number: migration for migration in wanted})
    return tuple(migration for migration in wanted if migration.number not in applied)


def _has_table(connection: Connection) -> bool:
    row = connection.execute(QUERIES.is_migrated).fetchone()
    return bool(row and row[0])


def _read_applied(connection: Connection) -> dict[int, str]:
    if not _has_table(connection):
        return {}
    rows = connection.execute(QUERIES.read_migrations).fetchall()
    return {number: checksum for number, _, checksum in rows}


def _check(applied: Mapping[int, str], wanted: Mapping[int, Migration]) -> None:
    for number, checksum in applied.items():
        if number not in wanted:
            raise DatabaseNewer(number=number)
        if wanted[number].checksum != checksum:
            raise MigrationAltered(number=number)
    last = max(applied, default=0)
    for number in wanted:
        if number < last and number not in applied:
            raise MigrationLate(number=number, applied=last)


def _apply(connection: Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql)
        connection.execute(
            QUERIES.record_migration, [migration.number, migration.name, migration.checksum]
        )
    APPLIED.log(number=migration.number)
