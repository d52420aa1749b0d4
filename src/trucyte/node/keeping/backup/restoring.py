"""Make a node from backups: lay down, cut to a moment, erase again, prove, and only then serve.

From its first row to its last proof the database bears a mark, and no command opens a
database that bears it. A kill leaves the mark; the same command begins anew.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from psycopg import sql

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import Settings
from trucyte.database.connect import Connection, Database, problems_of_the_server
from trucyte.database.migrate import load_migrations, migrate
from trucyte.journal.atrest.erasure import PastErasure
from trucyte.journal.merkle import Frontier
from trucyte.journal.rows import binary_cursor, from_microseconds
from trucyte.journal.tail import Batch
from trucyte.node.keeping.backup.loading import Loaded, Opening, close_keys, load
from trucyte.node.keeping.backup.making import backups_in
from trucyte.node.keeping.backup.named import QUERIES
from trucyte.node.keeping.backup.sealing import Head, read_head
from trucyte.node.people.parts import make_identity
from trucyte.node.wiring import Node, join_node
from trucyte.shared.terminology.follower import Follower

Progress = Callable[[int, int], None]
_SILENT: Final[Progress] = lambda done, total: None  # noqa: E731 - one expression


class BackupMissing(Problem):
    """Of this chain the backup {id} is missing, on which {file} rests."""

    kind = Kind.NOT_FOUND
    code = "backup-missing"


class BackupOfNewer(Problem):
    """{file} was made by a newer program (migration {migration}); restore with that one."""

    kind = Kind.UNSUPPORTED
    code = "backup-of-newer"


class RestoreInTheWay(Problem):
    """There is data in that place already; a restore is only made into an empty one."""

    kind = Kind.CONFLICT
    code = "restore-in-the-way"


class RestoreTooEarly(Problem):
    """The chain has nothing of that moment: its first batch of lines is later."""

    kind = Kind.BAD_INPUT
    code = "restore-too-early"


class RestoreTooLate(Problem):
    """The chain ends before that moment, at line {seq}; give the backup that follows too."""

    kind = Kind.BAD_INPUT
    code = "restore-too-late"


class RestoreUnsound(Problem):
    """What was restored is not what was accepted: {what}, of the {log}. It is not served."""

    kind = Kind.CONFLICT
    code = "restore-unsound"


@dataclass(frozen=True, slots=True)
class Restored:
    """A node that was made from backups and proved."""

    seq: int
    epoch: int
    lines: int
    entries: int  # of the trail
    erased: int  # lines that were erased by law after the backup
    bytes: int
    seconds_laid: float
    seconds_derived: float
    seconds_proved: float


def chain_in(folder: Path, *, until: datetime | None = None) -> list[Path]:
    """Return the files of the newest chain of a folder, or of the one that reaches a moment."""
    found = [(path, head) for path, head in backups_in(folder) if head.trail_seq >= 0]
    if until is not None:
        reaching = [
            place
            for place, (_, head) in enumerate(found)
            if datetime.fromisoformat(head.made_at) >= until
        ]
        found = found[: reaching[0] + 1] if reaching else found
    if not found:
        return []
    base = found[-1][1].base
    return [path for path, head in found if head.base == base]


def ordered(files: Sequence[Path]) -> list[Path]:
    """Return the files of one chain, its base first. Raises BackupMissing."""
    heads = {path: read_head(path) for path in files}
    following = {head.parent: path for path, head in heads.items()}
    if "" not in following:
        path, head = next(iter(heads.items()))
        raise BackupMissing(id=head.base, file=path.name)
    chain = [following.pop("")]
    while heads[chain[-1]].id in following:
        chain.append(following.pop(heads[chain[-1]].id))
    if following:
        parent, path = next(iter(following.items()))
        raise BackupMissing(id=parent, file=path.name)
    return chain


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be restored, and to when; None: all there is."""

    files: Sequence[Path]
    seq: int | None = None
    at: datetime | None = None
    erasures: Sequence[PastErasure] = ()  # that happened after the newest of the files


def restore(
    settings: Settings, opening: Opening, wish: Wish, progress: Progress = _SILENT
) -> Restored:
    """Make the node of `settings`, whose database is named there and empty, from backups.

    Raises BackupMissing, BackupOfNewer, RestoreInTheWay, RestoreTooEarly, RestoreTooLate,
    RestoreUnsound and the Problems of `sealing`; each leaves the mark, so nothing serves.
    """
    files = ordered(wish.files)
    heads = [read_head(path) for path in files]
    url = settings.database.url
    assert url, "a restore is told where its database is"
    with closing(Database(url)) as database:
        _prepare(database, files[-1], heads[-1])
        with problems_of_the_server(), database.connect() as connection:
            began = time.monotonic()
            loaded = load(connection, files, opening, progress)
            cut = _cut(connection, wish, heads[-1])
            connection.commit()
            laid = time.monotonic()
            with join_node(settings) as node:
                facts = _finish(node, connection, loaded, heads[0], cut, wish, progress)
            connection.execute(QUERIES.unmark)
            connection.commit()
    return replace(facts, bytes=loaded.bytes, seconds_laid=laid - began)


def is_marked(connection: Connection) -> bool:
    """Say whether a restore of this database is not finished."""
    row = connection.execute(QUERIES.is_marked).fetchone()
    return bool(row and row[0])


def _prepare(database: Database, file: Path, head: Head) -> None:
    """Make the tables as the backup has them, empty, and mark them."""
    known = load_migrations()
    wanted = [migration for migration in known if migration.number <= head.migration]
    if head.migration > known[-1].number:
        raise BackupOfNewer(file=file.name, migration=head.migration)
    with problems_of_the_server(), database.connect() as connection:
        if is_marked(connection):
            for (name,) in connection.execute(QUERIES.own_schemas).fetchall():
                drop = sql.SQL("drop schema {} cascade")
                connection.execute(drop.format(sql.Identifier(name)))
        elif connection.execute(QUERIES.own_schemas).fetchall():
            row = connection.execute(QUERIES.is_empty).fetchone()
            if not (row and row[0]):
                raise RestoreInTheWay
    migrate(database, wanted)
    with problems_of_the_server(), database.connect() as connection:
        connection.execute(QUERIES.mark)


def _cut(connection: Connection, wish: Wish, last: Head) -> int | None:
    """Remove all lines behind the moment that is wished for; return the last that is left."""
    seq = wish.seq
    if wish.at is not None:
        if wish.at > datetime.fromisoformat(last.made_at):
            raise RestoreTooLate(seq=last.seq)
        row = connection.execute(QUERIES.batch_at, (wish.at,)).fetchone()
        seq = int(row[0]) if row else 0
    if seq is None:
        return None
    if seq > last.seq:
        raise RestoreTooLate(seq=last.seq)
    cursor = binary_cursor(connection)
    batches = [Batch(*row) for row in cursor.execute(QUERIES.batches_from, (seq,)).fetchall()]
    if not batches:
        raise RestoreTooEarly
    frontier = Frontier()
    for batch in batches:
        frontier.append(batch.leaf)
    end = batches[-1]
    for statement in (
        QUERIES.cut_lines, QUERIES.cut_batches, QUERIES.cut_erasures, QUERIES.cut_blocks,
        QUERIES.cut_checkpoints,
    ):  # fmt: skip
        connection.execute(statement, (end.last_seq,))
    connection.execute(
        QUERIES.cut_tail,
        (end.last_seq, frontier.size, from_microseconds(end.at), end.chain, frontier.peaks, 0),
    )
    connection.execute("delete from journal.head")
    connection.execute(QUERIES.heads)
    return end.last_seq


def _finish(
    node: Node,
    connection: Connection,
    loaded: Loaded,
    base: Head,
    cut: int | None,
    wish: Wish,
    progress: Progress,
) -> Restored:
    """Derive, erase again, begin a new epoch and prove everything."""
    began = time.monotonic()
    _derive(node, loaded, base, cut, progress)
    erasures = [*loaded.erasures, *wish.erasures]
    erased = node.journal.replay_erasures(erasures)
    close_keys(connection)
    connection.commit()
    node.journal.resume_erasures()
    epoch = node.journal.start_epoch()
    node.trail.journal.start_epoch()
    node.journal.checkpoint()
    node.trail.checkpoint()
    derived = time.monotonic()
    lines, entries = _prove(node, progress)
    return Restored(
        seq=node.journal.tail(), epoch=epoch, lines=lines, entries=entries, erased=erased,
        bytes=0, seconds_laid=0.0, seconds_derived=derived - began,
        seconds_proved=time.monotonic() - derived,
    )  # fmt: skip


def _derive(node: Node, loaded: Loaded, base: Head, cut: int | None, progress: Progress) -> None:
    """Bring what is derived to where the journal is."""
    end = node.journal.tail()
    is_fit = loaded.is_planned_alike and node.parts.index.is_current(node.database)
    if not is_fit or end < base.seq or cut is not None:
        node.journal.rebuild(progress)
    elif end > base.seq:
        node.journal.extend(base.seq, progress)
    if end != base.seq:
        Follower(node.database, node.journal).rebuild(progress)
        make_identity(node).follower.reindex(progress)


def _prove(node: Node, progress: Progress) -> tuple[int, int]:
    """Check journal and trail from end to end. Raises RestoreUnsound."""
    counts = []
    for log, checked in (("journal", node.journal), ("trail", node.trail)):
        verdict = checked.verify(progress)
        if verdict.fault is not None:
            raise RestoreUnsound(what=verdict.fault.what.value, log=log)
        counts.append(verdict.rows)
    return counts[0], counts[1]


def settings_at(settings: Settings, data: Path, url: str) -> Settings:
    """Return settings of the node that is to be made: its folder and its database."""
    database = msgspec.structs.replace(settings.database, url=url)
    return msgspec.structs.replace(settings, data=data, database=database)
