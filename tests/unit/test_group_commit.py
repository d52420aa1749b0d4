"""Group commit: who waits joins the next batch, and nobody is left waiting."""

import threading
from collections.abc import Callable, Sequence

import pytest

from trucyte.journal.group import Group, Pace


class BrokenError(Exception):
    pass


class Slow:
    """A `perform` that stands at a gate, and remembers what came together."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []
        self.fails_from = 1000

    def __call__(self, works: Sequence[int]) -> list[int]:
        self.batches.append(list(works))
        self.entered.set()
        self.gate.wait()
        if len(self.batches) >= self.fails_from:
            raise KeyboardInterrupt
        return [work * 10 for work in works]


def start(action: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    results: list[object] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def waiting(group: Group[int, int], count: int) -> None:
    while len(group._waiting) < count:
        threading.Event().wait(0.001)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def group(slow: Slow) -> Group[int, int]:
    return Group(slow, weight_max=lambda: 3, broken=BrokenError)


def test_who_comes_meanwhile_joins_the_next_batch_in_order_of_arrival(
    group: Group[int, int], slow: Slow
) -> None:
    leader = start(lambda: group.run([1], 1))
    slow.entered.wait()
    others = []
    for number in range(2, 7):
        others.append(start(lambda number=number: group.run([number], 1)))
        waiting(group, number - 1)
    slow.gate.set()
    for thread, _ in [leader, *others]:
        thread.join()
    assert slow.batches == [[1], [2, 3, 4], [5, 6]]
    assert [results for _, results in [leader, *others]] == [[[n * 10]] for n in range(1, 7)]


def test_work_heavier_than_a_batch_goes_alone(group: Group[int, int], slow: Slow) -> None:
    slow.gate.set()
    assert group.run([1, 2, 3, 4, 5], 5) == [10, 20, 30, 40, 50]
    assert group.run([], 0) == []


def test_when_a_leader_dies_nobody_waits_for_ever(group: Group[int, int], slow: Slow) -> None:
    blocker = start(lambda: group.run([4], 1))
    slow.entered.wait()
    led = start(lambda: group.run([5], 1))
    waiting(group, 1)
    member = start(lambda: group.run([6], 1))
    waiting(group, 2)
    slow.fails_from = 2
    slow.gate.set()
    for thread, _ in (blocker, led, member):
        thread.join()
    assert slow.batches == [[4], [5, 6]]
    assert isinstance(led[1][0], KeyboardInterrupt)
    assert isinstance(member[1][0], BrokenError)
    slow.fails_from = 1000
    assert group.run([7], 1) == [70]


class Interrupted(threading.Event):
    """A wait that an interrupt ends."""

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(timeout)
        raise KeyboardInterrupt


@pytest.mark.parametrize("follower_waits", [True, False])
def test_an_interrupted_leader_to_be_hands_the_lead_on(
    group: Group[int, int],
    slow: Slow,
    monkeypatch: pytest.MonkeyPatch,
    follower_waits: bool,
) -> None:
    first = start(lambda: group.run([1], 1))
    slow.entered.wait()
    monkeypatch.setattr("trucyte.journal.group.Event", Interrupted)
    second = start(lambda: group.run([2], 1))
    waiting(group, 1)
    monkeypatch.undo()
    threads = [first, second]
    if follower_waits:
        group._weight_max = lambda: 1
        threads.append(start(lambda: group.run([3], 1)))
        waiting(group, 2)
    slow.gate.set()
    for thread, _ in threads:
        thread.join()
    assert isinstance(second[1][0], KeyboardInterrupt)
    assert slow.batches == ([[1], [3]] if follower_waits else [[1]])
    assert group.run([4], 1) == [40]


def test_a_waiting_member_that_is_interrupted_does_not_disturb_the_others(
    group: Group[int, int], slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(lambda: group.run([1], 1))
    slow.entered.wait()
    ticket_event = Interrupted()
    monkeypatch.setattr("trucyte.journal.group.Event", lambda: ticket_event)
    second = start(lambda: group.run([2], 1))
    waiting(group, 1)
    monkeypatch.undo()
    ticket_event.set()
    second[0].join()
    slow.gate.set()
    first[0].join()
    assert slow.batches == [[1]]
    assert group.run([3], 1) == [30]


def test_a_member_interrupted_while_its_work_is_done_disturbs_nobody(
    group: Group[int, int], slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(lambda: group.run([1], 1))
    slow.entered.wait()
    second = start(lambda: group.run([2], 1))
    waiting(group, 1)
    ticket_event = Interrupted()
    monkeypatch.setattr("trucyte.journal.group.Event", lambda: ticket_event)
    third = start(lambda: group.run([3], 1))
    waiting(group, 2)
    monkeypatch.undo()
    slow.entered.clear()
    slow.gate.set()
    for thread, _ in (first, second, third):
        thread.join()
    assert slow.batches == [[1], [2, 3]]
    assert second[1] == [[20]]
    assert isinstance(third[1][0], KeyboardInterrupt)


def test_the_pace_shrinks_at_once_and_grows_slowly() -> None:
    pace = Pace(0.05)
    start_rows = pace.rows
    pace.note(start_rows, 0.01)
    assert pace.rows == start_rows * 5 // 4
    pace.note(10, 0.001)
    assert pace.rows == start_rows * 5 // 4
    pace.note(pace.rows, 0.5)
    assert pace.rows == int(start_rows * 5 // 4 * 0.1 * 0.8)
    pace.note(1, 9.0)
    assert pace.rows == 16
    for _ in range(100):
        pace.note(pace.rows, 0.0)
    assert pace.rows == 8192


def test_units_are_cut_into_parts_but_never_themselves() -> None:
    pace = Pace(0.05)
    pace.rows = 16
    units = [[0] * size for size in (10, 6, 1, 40, 3, 3)]
    parts = [[len(unit) for unit in part] for part in pace.cut(units)]
    assert parts == [[10, 6], [1], [40], [3, 3]]
    assert list(pace.cut([])) == []
