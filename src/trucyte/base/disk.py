"""Free space, asked before it is gone: a warning early, a stop before the disk is full."""

import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from trucyte.base.problem import Kind, Problem


class DiskNearlyFull(Problem):
    """Only {free} bytes are free and {stop} are needed to go on; make room first."""

    kind = Kind.NO_SPACE
    code = "disk-nearly-full"


class Room(Enum):
    """How much room there is."""

    ENOUGH = "enough"
    LOW = "low"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DiskState:
    """Free bytes of one place, judged against the two thresholds."""

    free: int
    warn: int
    stop: int

    @property
    def room(self) -> Room:
        """Judge the free bytes."""
        if self.free < self.stop:
            return Room.NONE
        return Room.LOW if self.free < self.warn else Room.ENOUGH


def disk_state(path: Path, *, warn_bytes: int, stop_bytes: int) -> DiskState:
    """Measure the free bytes where `path` lies or will lie."""
    place = path.absolute()
    while not place.exists():
        place = place.parent
    return DiskState(shutil.disk_usage(place).free, warn_bytes, stop_bytes)


def check_room(state: DiskState) -> None:
    """Raise DiskNearlyFull when there is too little room to go on."""
    if state.room is Room.NONE:
        raise DiskNearlyFull(free=state.free, stop=state.stop)
