"""The composition root: from settings to a node that works, and back to nothing running.

Each part is opened with what stands below it and closed in the opposite order, also when
a later one fails to open.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from trucyte.base.clock import Clock, SystemClock
from trucyte.base.disk import Room, check_room, disk_state
from trucyte.base.settings import Settings
from trucyte.base.tracing import Event
from trucyte.database.connect import Database
from trucyte.database.migrate import Migration, check_whole, migrate
from trucyte.database.server import DataFolderRefused, EmbeddedServer
from trucyte.intake.door import Door
from trucyte.intake.interactions import Interactions
from trucyte.intake.keeping.vault import Vault
from trucyte.intake.scanning import make_scan
from trucyte.intake.speaking import organisation_of
from trucyte.intake.store import PostgresReceipts
from trucyte.journal.journal import Journal, Noted, nothing_noted
from trucyte.journal.keyring import Keyring
from trucyte.node.parts import (
    FOLLOWERS,
    Parts,
    SearchCodes,
    make_interactions,
    make_links,
    make_parts,
    worker_build,
)
from trucyte.records import Records
from trucyte.records.results.kept import KeptLines
from trucyte.shared.access.accounts import Accounts
from trucyte.shared.audit import Trail
from trucyte.shared.identity.links.links import Links
from trucyte.shared.identity.registers.facilities import Facilities
from trucyte.shared.identity.registers.reader import Registers
from trucyte.shared.terminology.lists import LoadedLists

INDEX_OLD = Event("node.index-old", logging.WARNING)
DISK_LOW = Event("node.disk-low", logging.WARNING, free_bytes=int)

NotedBy = Callable[[str], Noted]  # name of a journal -> what is told of its commits


@dataclass(frozen=True, slots=True)
class Node:
    """A node at work: its parts, open."""

    settings: Settings
    clock: Clock
    server: EmbeddedServer | None  # None: a PostgreSQL of the operator's own
    database: Database
    applied: tuple[Migration, ...]  # what this opening brought the database
    keyring: Keyring
    parts: Parts
    journal: Journal
    codes: SearchCodes
    trail: Trail
    records: Records
    registers: Registers
    facilities: Facilities
    interactions: Interactions
    links: Links
    receipts: PostgresReceipts
    accounts: Accounts
    door: Door


@dataclass(frozen=True, slots=True)
class Opened:
    """A node's database, open and migrated, and nothing over it yet."""

    server: EmbeddedServer | None
    database: Database
    applied: tuple[Migration, ...]


@contextmanager
def open_node(
    settings: Settings, *, clock: Clock | None = None, needs_room: bool = True
) -> Iterator[Node]:
    """Open the node of `settings`, migrated; close it, and its server, on leaving.

    What only looks does not need room on the disk: `needs_room=False`.

    Raises DataFolderRefused, DiskNearlyFull, the Problems of the embedded server, of
    connecting, of migrating and of the keyring.
    """
    with open_database(settings, needs_room=needs_room) as opened, ExitStack() as closing:
        node = _assembled(settings, clock or SystemClock(), opened, closing)
        tell_old_index(node)
        yield node


@contextmanager
def open_database(settings: Settings, *, needs_room: bool = True) -> Iterator[Opened]:
    """Open the database of a node, its own server too, migrated; raises as `open_node`."""
    with ExitStack() as closing:
        _lay_data_folder(settings, needs_room=needs_room)
        server = None
        if not settings.database.url:
            server = EmbeddedServer(
                settings.data,
                binaries=settings.database.binaries,
                system=settings.database.system_folder,
            )
            closing.enter_context(server)
        database = _database(settings, server.url if server else settings.database.url)
        closing.callback(database.close)
        check_whole(database)
        yield Opened(server, database, migrate(database))


@contextmanager
def join_node(
    settings: Settings, *, clock: Clock | None = None, noted: NotedBy | None = None
) -> Iterator[Node]:
    """Open a node over a database that another process has opened, migrated and keeps.

    `settings` name its URL; `noted` gives by the name of a journal what is told of its
    commits. Everything is this process's own: connections, journal, parts.
    """
    assert settings.database.url, "joining needs the database's address"
    with ExitStack() as closing:
        database = _database(settings, settings.database.url)
        closing.callback(database.close)
        opened = Opened(None, database, ())
        yield _assembled(settings, clock or SystemClock(), opened, closing, noted)


def tell_old_index(node: Node) -> None:
    """Say so where the search index is of an older form."""
    if not node.parts.index.is_current(node.database):
        INDEX_OLD.log()
        sys.stderr.write(
            "Chỉ mục tìm kiếm còn theo bản cũ, hãy chạy `trucyte rebuild`"
            " · The search index is of an older form, run `trucyte rebuild`\n"
        )


def _told_nobody(journal: str) -> Noted:
    return nothing_noted


def _database(settings: Settings, url: str) -> Database:
    return Database(url, connections_max=settings.database.connections_max)


def _lay_data_folder(settings: Settings, *, needs_room: bool) -> None:
    """Make the data folder, and see that there is room; little room is said aloud.

    Raises DataFolderRefused, DiskNearlyFull.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderRefused(reason=error.strerror or "unknown") from None
    disk = settings.disk
    state = disk_state(settings.data, warn_bytes=disk.warn_bytes, stop_bytes=disk.stop_bytes)
    if needs_room:
        check_room(state)
    if state.room is not Room.ENOUGH:
        DISK_LOW.log(free_bytes=state.free)
        free = state.free // 1024**2
        sys.stderr.write(f"Ổ đĩa sắp đầy, còn {free} MiB · Low on disk, {free} MiB left\n")


def _assembled(
    settings: Settings,
    clock: Clock,
    opened: Opened,
    closing: ExitStack,
    noted: NotedBy | None = None,
) -> Node:
    """Put the parts together over an open database; `closing` learns what must be closed."""
    told = noted or _told_nobody
    keyring = Keyring.open(settings.data / "keys", settings.keys.master)
    database = opened.database
    parts = make_parts(keyring, LoadedLists(database))
    parts.index.is_current(database)  # marks an index without rows, before there are any
    seals = settings.journal.encrypt
    journal = Journal(
        database, keyring, clock, parts.projections, seals=seals, noted=told("records"),
        keeper=parts.keeper, followers=FOLLOWERS,
    )  # fmt: skip
    vault = Vault(journal.body_keys, seals=seals, blocked=journal.blocked_rows)
    closing.callback(journal.close)
    trail = Trail(database, keyring, clock, site=settings.node.name, noted=told("audit"))
    closing.callback(trail.close)
    kept = KeptLines(settings.serving.kept_bytes)
    lists = Records(database, journal, parts.index, clock, keyring.tokens, kept=kept)
    codes = SearchCodes(database, lists, parts.definitions, clock)
    records = Records(database, journal, parts.index, clock, keyring.tokens, codes=codes, kept=kept)
    receipts = PostgresReceipts(database, keyring.ids, clock, vault=vault)
    registers = Registers(
        database,
        journal,
        records,
        keyring.ids,
        clock,
        accepts_unknown=settings.registers.unknown_signers == "accept",
    )
    return Node(
        settings=settings,
        clock=clock,
        server=opened.server,
        database=database,
        applied=opened.applied,
        keyring=keyring,
        parts=parts,
        journal=journal,
        codes=codes,
        trail=trail,
        records=records,
        registers=registers,
        facilities=Facilities(database, records, keyring.ids, clock),
        interactions=make_interactions(parts, keyring, journal, records, clock, registers, vault),
        links=make_links(keyring, journal, records, clock),
        receipts=receipts,
        accounts=Accounts(database, clock, organisation_of=partial(organisation_of, keyring.ids)),
        door=_door(settings, database, receipts, clock),
    )


def _door(settings: Settings, database: Database, receipts: PostgresReceipts, clock: Clock) -> Door:
    """Make what every door of this process needs."""
    disk, uploads = settings.disk, settings.uploads
    keys, master = settings.data / "keys", settings.keys.master
    return Door(
        database=database,
        receipts=receipts,
        clock=clock,
        build=worker_build(database.url, keys, master, seals=settings.journal.encrypt),
        room=partial(
            disk_state, settings.data, warn_bytes=disk.warn_bytes, stop_bytes=disk.stop_bytes
        ),
        scan=make_scan(
            uploads.scan,
            settings.data / "scanned",
            waits=uploads.when_away == "wait",
            seconds_max=uploads.scan_seconds_max,
        ),
    )
