from dataclasses import replace

import pytest

from trucyte.database.connect import Database
from trucyte.database.migrate import (
    DatabaseNewer,
    Migration,
    MigrationAltered,
    MigrationLate,
    load_migrations,
    migrate,
)

FIRST = Migration(1, "first", "create table first (n integer); insert into first values (1)")
SECOND = Migration(2, "second", "create table second (n integer)")
THIRD = Migration(3, "third", "create table third (n integer)")


def tables(database: Database) -> set[str]:
    with database.connection() as connection:
        rows = connection.execute(
            "select tablename from pg_tables where schemaname = 'public'"
        ).fetchall()
    return {row[0] for row in rows}


def test_what_is_missing_is_applied_in_order_and_only_once(empty_database: Database) -> None:
    assert migrate(empty_database, [FIRST]) == (FIRST,)
    assert migrate(empty_database, [FIRST, SECOND]) == (SECOND,)
    assert migrate(empty_database, [FIRST, SECOND]) == ()
    assert tables(empty_database) == {"first", "second"}


def test_an_altered_migration_is_refused_before_anything_changes(empty_database: Database) -> None:
    migrate(empty_database, [FIRST])
    altered = replace(FIRST, sql=FIRST.sql + " ")
    with pytest.raises(MigrationAltered, match="Migration 1 is not what was applied"):
        migrate(empty_database, [altered, SECOND])
    assert tables(empty_database) == {"first"}


def test_a_database_of_a_newer_program_is_refused(empty_database: Database) -> None:
    migrate(empty_database, [FIRST, SECOND])
    with pytest.raises(DatabaseNewer, match="has migration 2"):
        migrate(empty_database, [FIRST])


def test_a_migration_that_comes_too_late_is_refused(empty_database: Database) -> None:
    migrate(empty_database, [FIRST, THIRD])
    with pytest.raises(MigrationLate, match="Migration 2 is missing"):
        migrate(empty_database, [FIRST, SECOND, THIRD])


def test_a_migration_that_fails_leaves_nothing_of_itself(empty_database: Database) -> None:
    broken = Migration(2, "broken", "create table half (n integer); select 1/0")
    with pytest.raises(Exception, match="division by zero"):
        migrate(empty_database, [FIRST, broken])
    assert tables(empty_database) == {"first"}
    assert migrate(empty_database, [FIRST, SECOND]) == (SECOND,)


def test_our_own_migrations_are_numbered_once_and_apply(database: Database) -> None:
    numbers = [migration.number for migration in load_migrations()]
    assert numbers == sorted(set(numbers))
    assert migrate(database) == ()
