from importlib.resources import files

from trucyte.database.connect import Database
from trucyte.database.describe import describe

SCHEMA = files("trucyte.database").joinpath("schema.sql").read_text(encoding="utf-8")


def test_the_migrations_build_what_schema_sql_says(database: Database) -> None:
    with database.connection() as connection:
        assert describe(connection) == SCHEMA, "run `make schema` and look at the difference"


def test_schema_sql_builds_the_database_it_describes(empty_database: Database) -> None:
    with empty_database.connection() as connection:
        connection.execute(SCHEMA)
        assert describe(connection) == SCHEMA


def test_the_description_sees_what_tables_can_have(empty_database: Database) -> None:
    made = """
    create schema zoo;
    create type zoo.size as enum ('small', 'large');
    create table zoo.keeper (id bigint primary key, name text collate "C" not null);
    create table zoo.animal (
        id integer not null, keeper bigint references zoo.keeper, size zoo.size default 'small',
        weight numeric(8, 2) check (weight > 0),
        twice numeric generated always as (weight * 2) stored,
        body bytea
    ) partition by range (id);
    create table zoo.animal_1 partition of zoo.animal for values from (0) to (1000);
    alter table zoo.animal alter column body set storage external;
    alter table zoo.animal alter column id set statistics 500;
    create unique index animal_name on zoo.animal (id, size);
    create table zoo.plain (n integer) with (fillfactor = 70);
    create view zoo.heavy as select id from zoo.animal where weight > 100;
    create function zoo.one() returns integer language sql immutable as 'select 1';
    """
    with empty_database.connection() as connection:
        connection.execute(made)
        text = describe(connection)
        connection.execute("drop schema zoo cascade")
        connection.execute(text)
        assert describe(connection) == text
    for part in (
        "as enum",
        "partition of zoo.animal",
        "generated always as ((weight",
        "external",
        "FOREIGN KEY",
        "fillfactor=70",
        "create view zoo.heavy",
        "zoo.one()",
        "CHECK",
        'collate "C"',
        "UNIQUE INDEX animal_name",
    ):
        assert part in text, part
