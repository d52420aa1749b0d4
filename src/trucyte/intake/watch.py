"""A watched folder: what a hospital's system drops there is taken in.

Many of these systems run on Windows and write through a share, so the folder is looked
at now and then, and a file is taken once it has stopped growing. It stays in its place
until its fate is known, then moves to `done/` or `failed/`; nothing is remembered in
between, so a restart changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from trucyte.base.problem import Kind, Problem
from trucyte.intake.progress import Watchers
from trucyte.intake.receipts import Receipts, ReceivedFile, State

_CHUNK = 1 << 20
_MOVES = {State.DONE: "done", State.FAILED: "failed"}


class FolderAway(Problem):
    """The watched folder or a file in it cannot be read or moved: {reason}; it is tried again."""

    kind = Kind.UNAVAILABLE
    code = "folder-away"


@dataclass(frozen=True, slots=True)
class _Look:
    """How a file looked last time."""

    size: int
    modified_ns: int
    still: int = 0  # looks at which it had not changed


class FolderWatch:
    """Looks at one folder."""

    def __init__(self, folder: Path, receipts: Receipts, *, still_looks: int = 2) -> None:
        """Take a file once it looked the same `still_looks` times in a row."""
        self._folder = folder
        self._receipts = receipts
        self._still_looks = still_looks
        self._looks: dict[Path, _Look] = {}
        self._taken: dict[Path, int] = {}  # path -> source number

    def look(self) -> list[Path]:
        """Look once: take in what is complete, move what is finished; return what moved.

        Raises FolderAway where the folder cannot be listed, or after the others for a file.
        """
        try:
            self._looks = {path: self._looked(path) for path in self._files()}
        except OSError as error:  # a share that is gone for now, or a file taken away meanwhile
            raise _away(error) from None
        self._taken = {path: n for path, n in self._taken.items() if path in self._looks}
        moved, failed = [], None
        for path, look in self._looks.items():
            if look.still < self._still_looks:
                self._taken.pop(path, None)  # it grew after all
                continue
            try:
                place = self._move(path, self._receipt(path))
            except OSError as error:  # its writer holds it still, or took it away
                failed = error
                continue
            if place is not None:
                moved.append(place)
        if failed is not None:
            raise _away(failed)
        return moved

    def run(self, stop: Event, *, seconds: float = 2.0, watchers: Watchers | None = None) -> None:
        """Look every few seconds until `stop` is set; a Problem is told and tried again."""
        watchers = watchers or Watchers()
        while not stop.is_set():
            try:
                self.look()
            except Problem as problem:
                watchers.warning(problem)
            stop.wait(seconds)

    def _files(self) -> Iterator[Path]:
        for path in sorted(self._folder.iterdir()):
            if not path.name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path

    def _looked(self, path: Path) -> _Look:
        state = path.stat()
        before = self._looks.get(path)
        now = _Look(state.st_size, state.st_mtime_ns)
        if before and (before.size, before.modified_ns) == (now.size, now.modified_ns):
            return _Look(now.size, now.modified_ns, before.still + 1)
        return now

    def _receipt(self, path: Path) -> ReceivedFile:
        number = self._taken.get(path)
        if number is not None:
            return self._receipts.file(number)
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(_CHUNK), b"")
            received = self._receipts.receive(path.name, "folder", chunks)
        self._taken[path] = received.number
        return received

    def _move(self, path: Path, received: ReceivedFile) -> Path | None:
        name = _MOVES.get(received.state)
        if name is None:
            return None
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        place = folder / path.name
        if place.exists():  # sent before under this name
            place = folder / f"{path.stem}-{received.number}{path.suffix}"
        path.replace(place)
        return place


def _away(error: OSError) -> FolderAway:
    return FolderAway(reason=error.strerror or type(error).__name__)
