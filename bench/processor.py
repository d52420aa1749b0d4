"""Processor time of all that works on something: this process, its children, the database.

Only of a PostgreSQL on this machine; times of ended backends are kept by the postmaster.
"""

import os
import resource
from pathlib import Path

from trucyte.database.connect import Database

_TICK = os.sysconf("SC_CLK_TCK")


def ours() -> dict[str, float]:
    """Return the seconds of this process and of its ended children."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "parent": own.ru_utime + own.ru_stime,
        "workers": children.ru_utime,
        "workers, kernel": children.ru_stime,
    }


def of_database(database: Database) -> dict[str, float]:
    """Return the seconds of the server's processes: its helpers by name, backends together."""
    with database.connection() as connection:
        (pid,) = connection.execute("select pg_backend_pid()").fetchone() or (0,)
    postmaster = _stat(pid)[1]
    spent = {"backends": _user(postmaster), "backends, kernel": _kernel(postmaster)}
    spent["backends"] += float(_stat(postmaster)[13]) / _TICK
    spent["backends, kernel"] += float(_stat(postmaster)[14]) / _TICK
    for child in _children(postmaster):
        title = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0].decode()
        name = title.removeprefix("postgres: ").strip()
        if name in ("checkpointer", "walwriter", "background writer"):
            spent[name] = _user(child) + _kernel(child)
        else:
            spent["backends"] += _user(child)
            spent["backends, kernel"] += _kernel(child)
    return spent


def of_machine() -> float:
    """Return the seconds of everything on this machine."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft = (int(field) for field in fields[:7])
    return (user + nice + system + irq + soft) / _TICK


def between(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return what was spent between two readings."""
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def _children(parent: int) -> list[int]:
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                if _stat(int(place.name))[1] == parent:
                    found.append(int(place.name))
            except (OSError, IndexError):
                continue  # it ended meanwhile
    return found


def _stat(pid: int) -> list[int]:
    """Return the fields of /proc/PID/stat from `state` on, which is 0 here, as numbers."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [0, *(int(field) for field in fields[1:])]


def _user(pid: int) -> float:
    return _stat(pid)[11] / _TICK


def _kernel(pid: int) -> float:
    return _stat(pid)[12] / _TICK
