from pathlib import Path

import pytest

from trucyte.base.disk import DiskNearlyFull, DiskState, Room, check_room, disk_state


@pytest.mark.parametrize(
    ("free", "room"), [(99, Room.NONE), (100, Room.LOW), (499, Room.LOW), (500, Room.ENOUGH)]
)
def test_room_is_judged_against_both_thresholds(free: int, room: Room) -> None:
    assert DiskState(free, warn=500, stop=100).room is room


def test_free_space_is_measured_where_the_folder_will_lie(tmp_path: Path) -> None:
    state = disk_state(tmp_path / "not" / "yet", warn_bytes=1, stop_bytes=0)
    assert state.free > 0
    check_room(state)


def test_too_little_room_is_a_problem_that_names_the_bytes() -> None:
    with pytest.raises(DiskNearlyFull, match="Only 99 bytes are free and 100 are needed"):
        check_room(DiskState(99, warn=500, stop=100))
