"""Locks on files: they end with the process that holds them, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold `path` alone; wait for whoever has it."""
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Presence:
    """One user's mark on a file: others can tell whether anybody is still there."""

    def __init__(self, path: Path) -> None:
        """Remember the file."""
        self._path = path
        self._handle: int | None = None

    @property
    def is_there(self) -> bool:
        """Say whether this user has come and not left."""
        return self._handle is not None

    def come(self) -> None:
        """Set the mark."""
        assert self._handle is None
        handle = _open(self._path)
        fcntl.flock(handle, fcntl.LOCK_SH)
        self._handle = handle

    def leave(self) -> bool:
        """Take the mark away; say whether nobody is left. Call it with the start lock held."""
        assert self._handle is not None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(self._handle)
            self._handle = None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
