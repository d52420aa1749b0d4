"""Lay the rows of backups down in an empty database: a base first, then what follows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg import DataError, IntegrityError, ProgrammingError, sql

from trucyte.database.connect import Connection, Cursor
from trucyte.journal.atrest.erasure import PastErasure
from trucyte.journal.named import queries_of
from trucyte.journal.rows import binary_cursor
from trucyte.journal.tail import attach_partitions, read_tail
from trucyte.node.keeping.backup.making import Manifest, TableStart, read_erasures
from trucyte.node.keeping.backup.named import QUERIES
from trucyte.node.keeping.backup.sealing import (
    ERASURES,
    ROWS,
    TABLE,
    BackupAltered,
    Head,
    Reader,
    read_head,
)
from trucyte.node.keeping.backup.tables import GROWING, Table, read_tables

_KEYS: Final = "journal.body_key"
_ONE_KEY: Final = "body_key_person_class_key"
_PIECE_MAX: Final = 64 * 1024**2

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Loaded:
    """What was laid down."""

    head: Head
    erasures: Sequence[PastErasure] = ()
    bytes: int = 0
    counted: dict[str, int] = field(default_factory=dict)
    is_planned_alike: bool = True  # whether one search index fits all files


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens files: the private backup key, and the keys that this node signs with."""

    key: X25519PrivateKey
    public_keys: Mapping[str, bytes]


def load(
    connection: Connection, files: Sequence[Path], opening: Opening, progress: Progress
) -> Loaded:
    """Lay down a chain in one transaction of `connection`, which the caller ends.

    Foreign keys and indexes are taken off first and put back behind the last row.
    Raises the Problems of `sealing`.
    """
    tables = {table.name: table for table in read_tables(connection)}
    partitions = _make_partitions(connection, files[-1])
    put_back = _take_off(connection, list(tables))
    _empty(connection, list(tables.values()))
    total = sum(path.stat().st_size for path in files)
    done = 0
    loaded: Loaded | None = None
    plans: list[str] = []
    for path in files:
        step = partial(_told, progress, done, total)
        loaded = _load_file(connection, path, tables, opening, step)
        plans.append(_plan(connection))
        done += path.stat().st_size
    assert loaded is not None, "a chain has a base"
    loaded.bytes = done
    loaded.is_planned_alike = len(set(plans)) == 1
    _settle(connection, partitions)
    for statement in put_back:
        connection.execute(statement.encode())
    _count_on(connection, list(tables))
    return loaded


def read_list(path: Path, opening: Opening) -> list[PastErasure]:
    """Return the erasures by law that a file tells of, whatever else it has."""
    reader = Reader(path)
    try:
        frames = reader.frames(opening.key, opening.public_keys)
        return [
            one for kind, content in frames if kind == ERASURES for one in read_erasures(content)
        ]
    finally:
        reader.close()


def check_file(path: Path, opening: Opening) -> Head:
    """Read a whole file and keep nothing of it. Raises the Problems of `sealing`."""
    reader = Reader(path)
    try:
        for _ in reader.frames(opening.key, opening.public_keys):
            pass
    finally:
        reader.close()
    return reader.head


def _load_file(
    connection: Connection,
    path: Path,
    tables: Mapping[str, Table],
    opening: Opening,
    progress: Callable[[int], None],
) -> Loaded:
    reader = Reader(path)
    loaded = Loaded(reader.head)
    erasures: list[PastErasure] = []
    frames = reader.frames(opening.key, opening.public_keys)
    try:
        kind, content = next(frames)
        while kind == ERASURES:
            erasures += read_erasures(content)
            kind, content = next(frames)
        while kind == TABLE:
            start = msgspec.json.decode(content, type=TableStart)
            rows = _Rows(frames, progress)
            _load_table(connection, tables, start, rows, path.name)
            loaded.counted[start.name] = rows.size
            kind, content = rows.next
        _check_manifest(path, content, loaded.counted)
        for _ in frames:  # the signature is checked at the end
            pass
    finally:
        reader.close()
    loaded.erasures = erasures
    return loaded


class _Rows:
    """The rows of one table; `next` is the part behind them."""

    def __init__(
        self, frames: Iterator[tuple[bytes, bytes]], progress: Callable[[int], None]
    ) -> None:
        self._frames = frames
        self._progress = progress
        self.size = 0
        self.read = 0
        self.next: tuple[bytes, bytes] = (b"", b"")

    def __iter__(self) -> Iterator[bytes]:
        unpack = zstandard.ZstdDecompressor()
        for kind, content in self._frames:
            if kind != ROWS:
                self.next = (kind, content)
                return
            data = unpack.decompress(content, max_output_size=_PIECE_MAX)
            self.size += len(data)
            self.read += len(content)
            self._progress(self.read)
            yield data


def _load_table(
    connection: Connection,
    tables: Mapping[str, Table],
    start: TableStart,
    rows: _Rows,
    file: str,
) -> None:
    table = tables.get(start.name)
    if table is None or set(start.columns) != set(table.columns):
        raise BackupAltered(file=file, part=start.name)
    table = Table(start.name, start.columns, 0)
    cursor = connection.cursor()
    try:
        if start.name == _KEYS:
            _load_keys(cursor, table, rows)
        else:
            _make_room(cursor, table, start.after)
            _copy(cursor, table.named, table, rows)
    except (DataError, IntegrityError, ProgrammingError) as error:
        raise BackupAltered(file=file, part=start.name) from error


def _make_room(cursor: Cursor, table: Table, after: int | None) -> None:
    if after is None:
        cursor.execute(sql.SQL("delete from {}").format(table.named))
        return
    column = sql.Identifier(GROWING[table.name])
    statement = sql.SQL("delete from {} where {} > {}")
    cursor.execute(statement.format(table.named, column, sql.Literal(after)))


def _copy(cursor: Cursor, place: sql.Identifier, table: Table, rows: _Rows) -> None:
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(place, table.listed)
    with cursor.copy(statement) as copy:
        for data in rows:
            copy.write(data)


def _load_keys(cursor: Cursor, table: Table, rows: _Rows) -> None:
    """Take over the keys of a file; those it has no more stay until all erasures are done."""
    kept = sql.Identifier("kept_key")
    cursor.execute("drop table if exists kept_key")
    cursor.execute("create temporary table kept_key (like journal.body_key)")
    _copy(cursor, kept, table, rows)
    cursor.execute(
        sql.SQL(
            "insert into {} ({}) overriding system value select {} from kept_key"
            " on conflict (number) do update"
            " set generation = excluded.generation, wrapped = excluded.wrapped"
        ).format(table.named, table.listed, table.listed)
    )


def _check_manifest(path: Path, content: bytes, counted: Mapping[str, int]) -> None:
    manifest = msgspec.json.decode(content, type=Manifest)
    if {one.table: one.bytes for one in manifest.tables} != dict(counted):
        raise BackupAltered(file=path.name, part="manifest")


def _take_off(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Drop foreign keys, and indexes that no constraint needs; return how to put them back."""
    again = []
    for child, _, name, told in connection.execute(QUERIES.references).fetchall():
        place = sql.Identifier(*child.split("."))
        drop = sql.SQL("alter table {} drop constraint {}")
        connection.execute(drop.format(place, sql.Identifier(name)))
        add = sql.SQL("alter table {} add constraint {} ").format(place, sql.Identifier(name))
        again.append(add.as_string(connection) + told)
    for name, definition in connection.execute(QUERIES.indexes, (list(tables),)).fetchall():
        connection.execute(sql.SQL("drop index {}").format(sql.SQL(name)))
        # Of a partitioned table it is written as if its partitions had none.
        again.insert(0, definition.replace(" ON ONLY ", " ON ", 1))
    drop = sql.SQL("alter table journal.body_key drop constraint {}")
    connection.execute(drop.format(sql.Identifier(_ONE_KEY)))
    return again


def close_keys(connection: Connection) -> None:
    """Remove the keys of what was erased, and let each person have one of a class again."""
    connection.execute(QUERIES.spare_keys)
    connection.execute(
        sql.SQL("alter table journal.body_key add constraint {} unique (person, class)").format(
            sql.Identifier(_ONE_KEY)
        )
    )


def _empty(connection: Connection, tables: Sequence[Table]) -> None:
    names = sql.SQL(", ").join(table.named for table in tables)
    connection.execute(sql.SQL("truncate {}").format(names))


def _make_partitions(connection: Connection, newest: Path) -> Mapping[str, int]:
    """Make partitions for all lines up to the newest file's; return where they end."""
    head = read_head(newest)
    ends = {}
    for schema, last in (("journal", head.seq), ("audit", head.trail_seq)):
        queries = queries_of(schema)
        cursor = binary_cursor(connection)
        attach_partitions(cursor, queries, schema, read_tail(cursor, queries), last)
        ends[schema] = read_tail(cursor, queries).partition_end
    return ends


def _settle(connection: Connection, partitions: Mapping[str, int]) -> None:
    """Make whole what lay apart: partitions, heads, originals whose source is gone."""
    for schema, end in partitions.items():
        connection.execute(queries_of(schema).move_partition_end, (end,))
    connection.execute(QUERIES.lost_parts)
    connection.execute("delete from journal.head")
    connection.execute(QUERIES.heads)


def _plan(connection: Connection) -> str:
    row = connection.execute(QUERIES.plan_of_index).fetchone()
    assert row is not None
    return str(row[0])


def _told(progress: Progress, before: int, total: int, done: int) -> None:
    progress(min(before + done, total), total)


def _count_on(connection: Connection, tables: Sequence[str]) -> None:
    """Let numbers go on behind the last that was laid down."""
    for table, column, falls in connection.execute(QUERIES.identities, (list(tables),)).fetchall():
        place, last = sql.Identifier(*table.split(".")), sql.SQL("min" if falls else "max")
        statement = sql.SQL(
            "select setval(pg_get_serial_sequence({}, {}), found.last)"
            " from (select {}({}) as last from {}) found where found.last is not null"
        )
        connection.execute(
            statement.format(
                sql.Literal(table), sql.Literal(column), last, sql.Identifier(column), place
            )
        )
