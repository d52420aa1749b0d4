"""Whether a node can work on requests now: database, its form, disk."""

import time
from threading import Lock
from typing import Final

import psycopg

from trucyte.base.disk import Room, disk_state
from trucyte.base.problem import Problem
from trucyte.database.migrate import load_migrations, missing_migrations
from trucyte.node.wiring import Node
from trucyte.web.doors.about import Readiness

KEPT_SECONDS: Final = 1.0


class ReadyCheck:
    """Looks at a node, at most once a second however often it is asked."""

    def __init__(self, node: Node) -> None:
        """Look at `node`."""
        self._node = node
        self._wanted = load_migrations()
        self._mutex = Lock()
        self._found = Readiness({})
        self._until = 0.0

    def __call__(self) -> Readiness:
        """Return what holds now."""
        with self._mutex:
            if time.monotonic() >= self._until:
                answers, is_current = self._database()
                self._found = Readiness(
                    {"database": answers, "migrations": is_current, "disk": self._has_room()}
                )
                self._until = time.monotonic() + KEPT_SECONDS
            return self._found

    def _database(self) -> tuple[bool, bool]:
        """Say whether the database answers, on a line of its own, and has the right form."""
        try:
            with self._node.database.connect() as connection:
                return True, not missing_migrations(connection, self._wanted)
        except psycopg.Error:
            return False, False
        except Problem as problem:
            return problem.code != "database-away", False

    def _has_room(self) -> bool:
        disk = self._node.settings.disk
        try:
            state = disk_state(
                self._node.settings.data, warn_bytes=disk.warn_bytes, stop_bytes=disk.stop_bytes
            )
        except OSError:
            return False
        return state.room is not Room.NONE
