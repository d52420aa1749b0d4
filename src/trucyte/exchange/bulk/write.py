"""Write one part of an export: a file for each type within a range of positions."""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import BinaryIO

from trucyte.base.disk import DiskNearlyFull, DiskState, check_room
from trucyte.exchange.bulk.folder import File, Part
from trucyte.records.access import Access
from trucyte.records.asker import Asker
from trucyte.records.walk import Line, Selection, Span, Walker

_BUFFER = 1 << 20

Cut = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Task:
    """One part to write."""

    folder: Path
    number: int
    asker: Asker
    selection: Selection
    span: Span
    snapshot: int
    now: int
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """One part that is written and durable, and whose data is in it."""

    part: Part
    persons: frozenset[int]


@dataclass(frozen=True, slots=True)
class ExportTools:
    """What one process writes parts with."""

    walker: Walker
    access: Callable[[Asker], Access]
    cut: Callable[[Sequence[str]], Cut | None]  # for `_elements`; None: nothing to cut
    room: Callable[[Path], DiskState]
    close: Callable[[], None] = field(default=lambda: None)


Build = Callable[[], ExportTools]


class PartWriter:
    """Writes parts: what a worker process does."""

    def __init__(self, tools: ExportTools) -> None:
        """Work with `tools` until `close`."""
        self._tools = tools

    def accept(self, tasks: Sequence[Task], stop: Event) -> list[Done]:
        """Write each part, until `stop`. Raises DiskNearlyFull, and Problems of the database."""
        done: list[Done] = []
        for task in tasks:
            try:
                written = self._written(task, stop)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                state = self._tools.room(task.folder)
                raise DiskNearlyFull(free=state.free, stop=state.stop) from error
            if written is None:
                break
            done.append(written)
        return done

    def close(self) -> None:
        """Close what the tools hold open."""
        self._tools.close()

    def _written(self, task: Task, stop: Event) -> Done | None:
        access = self._tools.access(task.asker)
        cut = self._tools.cut(task.elements)
        chunks = self._tools.walker.lines(
            access, task.selection, task.span, snapshot=task.snapshot, now=task.now
        )
        persons: set[int] = set()
        with ExitStack() as opened:
            opened.callback(chunks.close)
            files = _Files(task.folder, task.number, opened)
            for lines in chunks:
                if stop.is_set():
                    return None
                check_room(self._tools.room(task.folder))
                files.write(lines, cut)
                persons.update(line.person for line in lines)
            part = files.finish()
        return Done(part, frozenset(persons))


class _Files:
    """The files of one part, open until it is done."""

    def __init__(self, folder: Path, number: int, opened: ExitStack) -> None:
        self._folder = folder
        self._number = number
        self._opened = opened
        self._files: dict[str, BinaryIO] = {}
        self._counts: dict[str, int] = {}

    def write(self, lines: Sequence[Line], cut: Cut | None) -> None:
        by_type: dict[str, list[bytes]] = {}
        for line in lines:
            by_type.setdefault(line.type, []).append(cut(line.body) if cut else line.body)
        for name, bodies in by_type.items():
            bodies.append(b"")
            self._file(name).write(b"\n".join(bodies))
            self._counts[name] = self._counts.get(name, 0) + len(bodies) - 1

    def _file(self, type_name: str) -> BinaryIO:
        file = self._files.get(type_name)
        if file is None:
            path = self._folder / file_name(type_name, self._number)
            file = self._opened.enter_context(path.open("wb", buffering=_BUFFER))
            self._files[type_name] = file
        return file

    def finish(self) -> Part:
        """Make all durable."""
        made = []
        for name, file in sorted(self._files.items()):
            file.flush()
            os.fdatasync(file.fileno())
            made.append(File(name, file_name(name, self._number), self._counts[name], file.tell()))
        return Part(self._number, tuple(made))


def file_name(type_name: str, number: int) -> str:
    """Return what the file of a type is called in one part."""
    return f"{type_name}.{number:04}.ndjson"


def make_writer(build: Build) -> PartWriter:
    """Make the writer of one process."""
    return PartWriter(build())
