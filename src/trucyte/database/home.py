"""Where an embedded server lives: its account, its programs, its folders.

An ordinary user has all of it under the data folder. Root has it there too when the
service user can go in; otherwise under /var/lib/trucyte, and a pointer in the data
folder says where.
"""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from trucyte.base.problem import Kind, Problem
from trucyte.database.account import (
    Account,
    Announce,
    account_of,
    can_enter,
    can_run,
    server_account,
)
from trucyte.database.binaries import Binaries, copy_binaries, find_binaries
from trucyte.database.locks import alone

SYSTEM_HOMES = Path("/var/lib/trucyte")
POINTER = "postgres.elsewhere"
_OWNER = "data-folder"
_SOCKET = "/.s.PGSQL.5432"
_SOCKET_PATH_MAX = 107  # bytes, of sockaddr_un on Linux without its closing zero


class ClusterOfAnother(Problem):
    """The database of this data folder belongs to user "{owner}"; run as that user or as root."""

    kind = Kind.UNAVAILABLE
    code = "database-of-another-user"


class ClusterOfTwoFolders(Problem):
    """The data folder was copied from {other}, whose database it still points to; see the docs."""

    kind = Kind.CONFLICT
    code = "database-of-two-folders"


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that must be known to start or find the server of a data folder."""

    account: Account
    binaries: Binaries
    cluster: Path
    sockets: Path
    log: Path


def find_home(data: Path, *, source: str, announce: Announce, system: Path = SYSTEM_HOMES) -> Home:
    """Find or lay the home of the server of `data` (absolute, there already).

    Called under the start lock: it makes folders and may copy the programs.
    """
    here = data / "postgres"
    pointer = data / POINTER
    if pointer.is_file():
        return _elsewhere(data, Path(_read(pointer)), source, announce)
    if here.is_dir():
        owner = _owner_of(here)
        return _here(owner, _runnable(owner, _fitting(here, source), system), data)
    binaries = find_binaries(source)
    account = server_account(announce)
    if account.is_caller or _can_live(account, data, binaries):
        return _here(account, binaries, data)
    target = system / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    _lay_system_home(target, data, account, announce)
    _write(pointer, f"{target}\n")
    announce(f'The database lies in {target}: user "{account.name}" cannot enter {data}.')
    return _elsewhere(data, target, source, announce)


def cluster_of(data: Path) -> Path:
    """Return where the cluster of a data folder lies or would lie; touch nothing."""
    try:
        return Path(_read(data / POINTER)) / "postgres"
    except OSError:
        return data / "postgres"


def _runnable(account: Account, binaries: Binaries, system: Path) -> Binaries:
    """Return the programs where `account` can run them; as root, a copy if need be."""
    if account.is_caller or can_run(account, binaries.program("postgres")):
        return binaries
    programs = system / "programs"
    _lay_open(system)
    _lay_open(programs)
    with alone(programs / "copy.lock"):
        return copy_binaries(binaries, programs)


def _can_live(account: Account, data: Path, binaries: Binaries) -> bool:
    return can_enter(account, data) and can_run(account, binaries.program("postgres"))


def _owner_of(cluster: Path) -> Account:
    """Return the account whose cluster it is; raises ClusterOfAnother when that helps nobody."""
    owner = account_of(cluster.stat().st_uid)
    if os.geteuid() not in (0, owner.uid):
        raise ClusterOfAnother(owner=owner.name)
    return owner


def _fitting(cluster: Path, source: str) -> Binaries:
    """Return programs of the version that made the cluster; the best ones for a new cluster."""
    made_by = cluster / "PG_VERSION"
    major = int(made_by.read_text()) if made_by.is_file() else None
    try:
        return find_binaries(source, major=major)
    except Problem:
        if source == "auto":
            raise
        return find_binaries("auto", major=major)


def _here(account: Account, binaries: Binaries, data: Path) -> Home:
    return Home(
        account=account,
        binaries=binaries,
        cluster=data / "postgres",
        sockets=_short(data / "socket", account, data),
        log=data / "postgres" / "server.log",
    )


def _short(wanted: Path, account: Account, data: Path) -> Path:
    """Return a private folder for the socket whose path fits into a socket address.

    It also fits into UTF-8 text, as addresses of databases are: under a locale without
    UTF-8 a Vietnamese path is stray bytes.
    """
    is_text = os.fsencode(wanted) == str(wanted).encode("utf-8", "replace")
    if is_text and len(os.fsencode(f"{wanted}{_SOCKET}")) <= _SOCKET_PATH_MAX:
        return wanted
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(f"/tmp/trucyte-{account.uid}-{name}")  # noqa: S108 - checked for its owner below


def check_private(folder: Path, account: Account) -> None:
    """Refuse a socket folder that somebody else made or can enter."""
    stat = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or stat.st_uid != account.uid:
        raise ClusterOfAnother(owner=str(stat.st_uid))


def _lay_system_home(target: Path, data: Path, account: Account, announce: Announce) -> None:
    _lay_open(target.parent)
    if target.exists():
        # Its data folder was removed and made anew: the old database is nobody's, and its
        # keys are gone. It is set aside, not deleted: that is for a person to decide.
        aside = target.with_name(f"{target.name}.left-{time.time_ns()}")
        target.rename(aside)
        announce(f"A database left behind by a removed data folder was set aside as {aside}.")
    account.own(target)
    _write(target / _OWNER, f"{data}\n")


def _elsewhere(data: Path, target: Path, source: str, announce: Announce) -> Home:
    if os.geteuid() != 0:
        raise ClusterOfAnother(owner="root")
    _check_owner(data, target)
    account = account_of(target.stat().st_uid) if target.is_dir() else server_account(announce)
    account.own(target)
    binaries = _runnable(account, _fitting(target / "postgres", source), target.parent)
    return Home(
        account=account,
        binaries=binaries,
        cluster=target / "postgres",
        sockets=_short(target / "socket", account, data),
        log=target / "postgres" / "server.log",
    )


def _check_owner(data: Path, target: Path) -> None:
    """Refuse a copied pointer; follow a data folder that was moved."""
    record = target / _OWNER
    owner = Path(_read(record)) if record.is_file() else data
    if owner == data:
        return
    theirs = owner / POINTER
    if theirs.is_file() and _read(theirs) == str(target):
        raise ClusterOfTwoFolders(other=str(owner))
    _write(record, f"{data}\n")


def _lay_open(folder: Path) -> None:
    """Make a folder that everybody may pass through, whatever the mask of this process."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o711)


def _write(path: Path, text: str) -> None:
    """Replace the file at once, so that a crash leaves the old one or the new one."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_bytes(os.fsencode(text))
    unfinished.replace(path)


def _read(path: Path) -> str:
    """Return a path that `_write` wrote: bytes of the file system, whatever the locale."""
    return os.fsdecode(path.read_bytes()).strip()
