"""Commands: `backup` with its key, lists and drills, and `restore`."""

import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
import psycopg.conninfo
from psycopg import sql

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import Settings, load_settings
from trucyte.database.connect import problems_of_the_server
from trucyte.database.locks import alone
from trucyte.database.server import EmbeddedServer
from trucyte.journal.keyring import Keyring, place_files
from trucyte.node.audit import bar
from trucyte.node.keeping import escrow
from trucyte.node.keeping.backup import making, restoring, sealing
from trucyte.node.keeping.backup.loading import Opening, check_file, read_list
from trucyte.node.wiring import open_node

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
_KEY = click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The private backup key.",
)
_FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
_LOCK = ".backup.lock"


class NoRecipient(Problem):
    """Nobody is named who could open a backup: `trucyte backup key FILE`, then backup.recipient."""

    kind = Kind.UNSUPPORTED
    code = "backup-no-recipient"


class KeysMissing(Problem):
    """The keys of the node are not in {folder}; `trucyte keys import` puts them there first."""

    kind = Kind.NOT_FOUND
    code = "restore-keys-missing"


class _Backup(click.Group):
    """`backup PLACE` makes one; what has another name is another command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Backup)
def backup() -> None:
    """Copy everything, sealed to a key that is not on this node.

    `trucyte backup FOLDER` adds what is new since the last one in that folder.

    Example: trucyte backup /mnt/backup
    """


@backup.command("make")
@click.argument("place", type=click.Path(path_type=Path))
@click.option("--to", "recipient", help="The public backup key [backup.recipient].")
@click.option("--base", "is_base", is_flag=True, help="Everything, not only what is new.")
@click.option("--keep", type=click.IntRange(1), help="Chains that stay in the folder [all].")
@_JSON
def make(
    place: Path, recipient: str | None, is_base: bool, keep: int | None, as_json: bool
) -> None:
    """Write a backup into a folder, or to a file named *.tbk.

    Example: trucyte backup /mnt/backup --keep 4
    """
    settings = load_settings(os.environ)
    told = _recipient(settings, recipient)
    began = time.monotonic()
    opened = open_node(settings, needs_room=False)
    with opened as node, ExitStack() as held, bar("bytes", as_json=as_json) as progress:
        if place.suffix == making.SUFFIX:
            made = making.make_backup(node, place, told, progress=progress)
            gone: Sequence[Path] = ()
        else:
            _lay(place)
            held.enter_context(alone(place / _LOCK))
            making.sweep(place)
            parent = (
                None if is_base else _parent(place, settings, told, node.keyring, node.clock.now())
            )
            name = making.name_of(node.clock.now().isoformat(), is_base=parent is None)
            made = making.make_backup(node, place / name, told, parent=parent, progress=progress)
            chains = keep or settings.backup.keep
            gone = making.prune(place, chains) if chains else ()
    seconds = time.monotonic() - began
    facts = _facts_of(made.path, made.head, made.size)
    _write(facts | {"removed": len(gone), **_speed(made.size, seconds)}, as_json=as_json)


@backup.command("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_JSON
def make_key(file: Path, as_json: bool) -> None:
    """Make a backup key: FILE opens backups and belongs off this node; the public half is printed.

    Example: trucyte backup key /media/safe/backup.key
    """
    if file.exists():
        raise click.UsageError(f"{file} exists")
    text, recipient = sealing.new_key()
    escrow.write_new(file, text.encode())
    _write({"recipient": recipient}, as_json=as_json)


@backup.command("list")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_JSON
def list_backups(folder: Path, as_json: bool) -> None:
    """Show the backups of a folder, oldest first.

    Example: trucyte backup list /mnt/backup
    """
    for path, head in making.backups_in(folder):
        facts = _facts_of(path, head, path.stat().st_size)
        click.echo(
            json.dumps(facts)
            if as_json
            else f"{head.made_at}  {head.seq:>12}  {facts['bytes']:>14}  {path.name}"
        )


@backup.command("erasures")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--to", "recipient", help="The public backup key [backup.recipient].")
@_JSON
def write_erasures(file: Path, recipient: str | None, as_json: bool) -> None:
    """Write the list of what was erased by law, to lie beside older backups.

    Example: trucyte backup erasures /mnt/backup/2026-11-24.erased
    """
    settings = load_settings(os.environ)
    told = _recipient(settings, recipient)
    with open_node(settings, needs_room=False) as node:
        made = making.make_backup(node, file, told, only_erasures=True)
    _write(_facts_of(made.path, made.head, made.size), as_json=as_json)


@backup.command("check")
@_FILES
@_KEY
@_JSON
def check(files: Sequence[Path], key_file: Path, as_json: bool) -> None:
    """Read whole files and say whether every part is as it was written.

    Example: trucyte backup check /mnt/backup/*.tbk --key backup.key
    """
    keyring = Keyring.open(*_keys_of(load_settings(os.environ)))
    opening = Opening(sealing.read_key(key_file), keyring.public_keys)
    for file in files:
        head = check_file(file, opening)
        _write({"verdict": "sound", "file": file.name, "seq": head.seq}, as_json=as_json)


@backup.command("drill")
@_FILES
@_KEY
@_JSON
def drill(files: Sequence[Path], key_file: Path, as_json: bool) -> None:
    """Restore into a scratch database, prove everything, say how long it took, and drop it.

    Runs beside a node that serves, or wherever its keys are.

    Example: trucyte backup drill /mnt/backup --key backup.key
    """
    settings = load_settings(os.environ)
    chain = _chain(files, None)
    with _scratch(settings) as (scratch, opening_keys):
        opening = Opening(sealing.read_key(key_file), opening_keys)
        with bar("bytes", as_json=as_json) as progress:
            done = restoring.restore(scratch, opening, restoring.Wish(chain), progress)
    _write(_told(done), as_json=as_json)


@click.command("restore")
@_FILES
@_KEY
@click.option(
    "--to",
    "data",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder; its keys are there already.",
)
@click.option("--at", help="A time with its offset, or the seq of a line.")
@click.option(
    "--erasures",
    required=True,
    metavar="FILE|none",
    help="The newest list of what was erased by law, or a later backup.",
)
@_JSON
def restore_command(
    files: Sequence[Path], key_file: Path, data: Path, at: str | None, erasures: str, as_json: bool
) -> None:
    """Make a node from a chain of backups, or from the newest of a folder, and prove it.

    It serves only when every proof holds. What was erased by law after the backup is erased
    again, so the newest list of it is asked for.

    Example: trucyte restore /mnt/backup --key backup.key --to var --erasures newest.erased
    """
    settings = load_settings({**os.environ, "TRUCYTE_DATA": str(data)})
    seq, moment = _moment(at)
    chain = _chain(files, moment)
    keyring = Keyring.open(*_keys_of(settings))
    opening = Opening(sealing.read_key(key_file), keyring.public_keys)
    later = () if erasures == "none" else read_list(Path(erasures), opening)
    wish = restoring.Wish(chain, seq, moment, later)
    with _database(settings) as url, bar("bytes", as_json=as_json) as progress:
        target = restoring.settings_at(settings, settings.data, url)
        done = restoring.restore(target, opening, wish, progress)
    _write(_told(done), as_json=as_json)


def _recipient(settings: Settings, told: str | None) -> str:
    recipient = told or settings.backup.recipient
    if not recipient:
        raise NoRecipient
    return recipient


def _lay(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise making.BackupRefused(reason=error.strerror or "unknown") from None


def _parent(
    folder: Path, settings: Settings, recipient: str, keyring: Keyring, now: datetime
) -> sealing.Head | None:
    """Return what the next backup of a folder can rest on; None: it is a base."""
    found = making.newest(folder)
    if found is None:
        return None
    head = found[1]
    bases = [one for _, one in making.backups_in(folder) if one.id == head.base]
    is_fit = bool(bases) and head.recipient == sealing.recipient_of(
        sealing.read_recipient(recipient)
    )
    is_own = head.node in keyring.public_keys
    age = timedelta(days=settings.backup.base_days)
    is_young = bool(bases) and now - datetime.fromisoformat(bases[0].made_at) < age
    return head if is_fit and is_own and is_young else None


def _chain(files: Sequence[Path], until: datetime | None) -> Sequence[Path]:
    if len(files) == 1 and files[0].is_dir():
        found = restoring.chain_in(files[0], until=until)
        if not found:
            raise sealing.NotABackup(file=files[0].name)
        return found
    return files


def _moment(at: str | None) -> tuple[int | None, datetime | None]:
    if at is None:
        return None, None
    if at.isdecimal():
        return int(at), None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise click.UsageError("--at: a seq, or a time such as 2026-11-24T09:30+07:00") from None
    if moment.tzinfo is None:
        raise click.UsageError("--at: a time needs its offset, such as +07:00")
    return None, moment.astimezone(UTC)


def _keys_of(settings: Settings) -> tuple[Path, Path | None]:
    folder = settings.data / "keys"
    if not folder.is_dir() or not any(folder.iterdir()):
        raise KeysMissing(folder=str(folder))
    return folder, settings.keys.master


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """Lend the database that a restore goes into."""
    if settings.database.url:
        yield settings.database.url
        return
    server = EmbeddedServer(
        settings.data, binaries=settings.database.binaries, system=settings.database.system_folder
    )
    with server:
        yield server.url


@contextmanager
def _scratch(settings: Settings) -> Iterator[tuple[Settings, Any]]:
    """Lend a node that is thrown away: a folder with the keys, and an empty database."""
    keyring = Keyring.open(*_keys_of(settings))
    with tempfile.TemporaryDirectory(prefix="trucyte-drill-") as name, ExitStack() as held:
        folder = Path(name)
        folder.chmod(0o711)
        place_files(folder / "keys", keyring.files())
        own = msgspec.structs.replace(
            settings, data=folder, keys=msgspec.structs.replace(settings.keys, master=None)
        )
        url = held.enter_context(
            _own_database(settings.database.url) if settings.database.url else _database(own)
        )
        yield restoring.settings_at(own, folder, url), keyring.public_keys


@contextmanager
def _own_database(url: str) -> Iterator[str]:
    """Lend a database of its own on the server of `url`."""
    name = f"trucyte_drill_{uuid.uuid4().hex[:12]}"
    named = sql.Identifier(name)
    with problems_of_the_server(), psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template template0").format(named))
        try:
            yield psycopg.conninfo.make_conninfo(url, dbname=name)
        finally:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(named))


def _facts_of(path: Path, head: sealing.Head, size: int) -> dict[str, Any]:
    kind = "more" if head.parent else "base"
    return {
        "file": path.name, "kind": kind, "made_at": head.made_at, "seq": head.seq,
        "trail_seq": head.trail_seq, "bytes": size,
    }  # fmt: skip


def _speed(size: int, seconds: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 2), "bytes_per_second": round(size / max(seconds, 1e-9))}


def _told(done: restoring.Restored) -> dict[str, Any]:
    seconds = done.seconds_laid + done.seconds_derived + done.seconds_proved
    return {
        "verdict": "sound", "seq": done.seq, "epoch": done.epoch, "lines": done.lines,
        "trail": done.entries, "erased_again": done.erased, "bytes": done.bytes,
        "seconds_laid": round(done.seconds_laid, 2),
        "seconds_derived": round(done.seconds_derived, 2),
        "seconds_proved": round(done.seconds_proved, 2),
        "seconds": round(seconds, 2),
        "lines_per_second": round(done.lines / max(seconds, 1e-9)),
    }  # fmt: skip


def _write(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {value}")
