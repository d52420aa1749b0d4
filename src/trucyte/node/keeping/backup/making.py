"""Make a backup: everything of one moment, while the node goes on working.

A base has everything; what follows it has what was added since. All of it is read in one
snapshot, so neither is ever half of something. The file gets its name when it is whole and
on the disk: what a kill leaves behind is a `.part` that the next run removes.
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import zstandard
from psycopg import sql

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, problems_of_the_server
from trucyte.journal.atrest.erasure import PastErasure
from trucyte.journal.keyring import Keyring
from trucyte.node.keeping.backup.named import QUERIES
from trucyte.node.keeping.backup.sealing import (
    ERASURES,
    ROWS,
    TABLE,
    Head,
    NotABackup,
    Writer,
    read_head,
    read_recipient,
    recipient_of,
    sync_folder,
)
from trucyte.node.keeping.backup.tables import (
    GROWING,
    Table,
    derived_tables,
    read_tables,
    selection,
)
from trucyte.node.wiring import Node

SUFFIX: Final = ".tbk"
LIST_SUFFIX: Final = ".erased"  # of a list of erasures alone
_PART: Final = ".part"
_CHUNK: Final = 1 << 20
_LEVEL: Final = 1  # bodies are packed already; this is for what lies around them
_AFTER: Final[Mapping[str, str]] = {"journal": "seq", "audit": "trail_seq", "intake": "source"}

Progress = Callable[[int, int], None]


class BackupNoRoom(Problem):
    """There is no room for the backup; nothing of it was left."""

    kind = Kind.NO_SPACE
    code = "backup-no-room"


class BackupRefused(Problem):
    """The backup cannot be written there: {reason}."""

    kind = Kind.UNAVAILABLE
    code = "backup-refused"


class BackupInTheWay(Problem):
    """There is a file of that name already; a backup is never written over another."""

    kind = Kind.CONFLICT
    code = "backup-in-the-way"


class Counted(msgspec.Struct, frozen=True):
    """What a file has of one table."""

    table: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """The last part of a file: what is in it, to be compared with what was read."""

    tables: list[Counted]
    parts: int


class TableStart(msgspec.Struct, frozen=True):
    """What stands before the rows of a table."""

    name: str
    columns: list[str]
    after: int | None  # what grew behind this; None: all of it


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is whole."""

    path: Path
    head: Head
    size: int


def make_backup(
    node: Node,
    path: Path,
    recipient: str,
    *,
    parent: Head | None = None,
    progress: Progress = lambda done, total: None,
    only_erasures: bool = False,
) -> Made:
    """Write a backup of the node to `path`, sealed to `recipient`; on top of `parent` if given.

    `only_erasures` leaves out all tables: the list of what was erased by law, to lie beside
    older backups. Raises RecipientUnreadable, BackupNoRoom, BackupRefused, BackupInTheWay.
    """
    public = read_recipient(recipient)
    with _file(path) as file, _snapshot(node) as connection:
        facts = _positions(connection)
        if parent is not None and parent.migration != facts["migration"]:
            parent = None  # other columns: everything anew
        id_ = secrets.token_hex(8)

        def head(sender: str) -> Head:
            return Head(
                id=id_,
                parent=parent.id if parent else "",
                base=parent.base if parent else id_,
                made_at=node.clock.now().isoformat(timespec="seconds"),
                node=node.keyring.key_id,
                recipient=recipient_of(public),
                sender=sender,
                **facts,
            )

        writer = Writer(file, head, public)
        _write_erasures(writer, node)
        tables = [] if only_erasures else _wanted(node, connection, parent)
        counted = _write_tables(writer, connection, tables, parent, progress)
        manifest = Manifest(counted, len(counted))
        writer.end(msgspec.json.encode(manifest), _signing(node.keyring))
        return Made(path, writer.head, writer.size)


def newest(folder: Path) -> tuple[Path, Head] | None:
    """Return the newest backup of a folder, None where there is none."""
    found = backups_in(folder)
    return found[-1] if found else None


def backups_in(folder: Path) -> list[tuple[Path, Head]]:
    """Return the backups of a folder, oldest first; what is none is passed over."""
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            found.append((path, read_head(path)))
        except NotABackup:
            continue
    return sorted(found, key=lambda one: (one[1].made_at, one[1].trail_seq, one[0].name))


def name_of(moment: str, *, is_base: bool) -> str:
    """Return what a backup in a folder is called: its names sort by time."""
    stamp = moment.replace(":", "").replace("-", "")[:15]
    return f"trucyte-{stamp}-{'base' if is_base else 'more'}-{secrets.token_hex(2)}{SUFFIX}"


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all chains but the newest `keep`; return the files removed. Never the last one."""
    assert keep >= 1
    found = backups_in(folder)
    bases = [head.id for _, head in found if not head.parent]
    kept = set(bases[-keep:])
    gone = [path for path, head in found if head.base not in kept and bases]
    for path in gone:
        path.unlink()
    return gone


def _positions(connection: Connection) -> dict[str, Any]:
    row = connection.execute(QUERIES.positions).fetchone()
    assert row is not None
    names = ("seq", "epoch", "trail_seq", "erasing", "migration", "source")
    return dict(zip(names, map(int, row), strict=True))


def _wanted(node: Node, connection: Connection, parent: Head | None) -> list[Table]:
    tables = read_tables(connection)
    if parent is None:
        return tables
    projections = node.journal.projections
    own = [table for one in projections for table in one.tables]
    sides = [table for one in projections for table in getattr(one, "sides", ())]
    derived = derived_tables([*own, *sides])
    return [table for table in tables if table.name not in derived or table.name in GROWING]


def _write_erasures(writer: Writer, node: Node) -> None:
    """Lay down everything that was ever erased by law: an older copy must lose it too.

    One that ended since the snapshot is in the list as well, which does no harm.
    """
    past = node.journal.erasures_since(0)
    packed = zstandard.ZstdCompressor(level=_LEVEL)
    for start in range(0, len(past), 100):
        part = msgspec.msgpack.encode(past[start : start + 100])
        writer.frame(ERASURES, packed.compress(part))


def read_erasures(content: bytes) -> Sequence[PastErasure]:
    """Return the erasures of one part of a file."""
    data = zstandard.ZstdDecompressor().decompress(content)
    return msgspec.msgpack.decode(data, type=list[PastErasure])


def _write_tables(
    writer: Writer,
    connection: Connection,
    tables: Sequence[Table],
    parent: Head | None,
    progress: Progress,
) -> list[Counted]:
    total = sum(table.size for table in tables) or 1
    done, counted = 0, []
    for table in tables:
        after = _after(table, parent)
        start = TableStart(table.name, list(table.columns), after)
        writer.frame(TABLE, msgspec.json.encode(start))
        size = 0
        for chunk in _chunks(connection, selection(table, after)):
            size += len(chunk)
            writer.frame(ROWS, zstandard.ZstdCompressor(level=_LEVEL).compress(chunk))
            progress(min(done + size, done + table.size), total)
        counted.append(Counted(table.name, size))
        done += table.size
    progress(total, total)
    return counted


def _after(table: Table, parent: Head | None) -> int | None:
    if parent is None or table.name not in GROWING:
        return None
    after: int = getattr(parent, _AFTER[table.name.partition(".")[0]])
    return after


def _chunks(connection: Connection, statement: sql.Composed) -> Iterator[bytes]:
    """Yield the rows of a statement in pieces of about a MiB."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        pieces: list[bytes] = []
        size = 0
        for piece in copy:
            pieces.append(bytes(piece))
            size += len(piece)
            if size >= _CHUNK:
                yield b"".join(pieces)
                pieces, size = [], 0
        if pieces:
            yield b"".join(pieces)


def _signing(keyring: Keyring) -> Callable[[bytes], tuple[str, bytes]]:
    signing = keyring.signing
    return lambda message: (signing.id, signing.sign(message))


@contextmanager
def _snapshot(node: Node) -> Iterator[Connection]:
    """Lend a connection that sees one moment, for as long as it takes."""
    with problems_of_the_server(), node.database.connect() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local statement_timeout = 0")
        yield connection


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    """Lend a file that gets its name when all is in it and on the disk."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_PART}")
    if path.exists():
        raise BackupInTheWay
    try:
        part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=_CHUNK) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise BackupNoRoom from error
        raise BackupRefused(reason=error.strerror or "unknown") from error
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Remove what killed backups left behind; return how many. None may be under way there."""
    left = list(folder.glob(f".*{SUFFIX}.*{_PART}"))
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
