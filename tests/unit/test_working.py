"""Long work in batches is given out fairly, settled task by task, and stops when told."""

from collections.abc import Sequence
from threading import Event

from trucyte.base.working import Inline, work_through


class Three:
    """Three workers with room for two batches each; they tell at once."""

    size = 3

    def __init__(self) -> None:
        self.given: list[tuple[int, list[int]]] = []
        self.held: list[list[int]] = [[], [], []]

    def has_room(self, index: int) -> bool:
        return len(self.held[index]) < 2

    def give(self, index: int, tasks: Sequence[int]) -> None:
        self.given.append((index, list(tasks)))
        self.held[index] += tasks

    def collect(self, seconds_max: float) -> list[int]:
        told = [task for held in self.held for task in held]
        self.held = [[], [], []]
        return told

    def close(self) -> None:
        pass


class Doubling:
    def accept(self, tasks: Sequence[int], stop: Event) -> list[int]:
        return [2 * task for task in tasks]

    def close(self) -> None:
        pass


def test_each_worker_gets_one_batch_before_any_gets_a_second() -> None:
    workers, told = Three(), []
    assert work_through(
        workers, iter([[n] for n in range(5)]), goes_on=lambda: True, settle=told.append
    )
    assert [index for index, _ in workers.given] == [0, 1, 2, 0, 1]
    assert sorted(told) == [0, 1, 2, 3, 4]


def test_work_ends_only_when_all_that_was_given_was_told_of() -> None:
    told: list[int] = []
    begun: list[int] = []
    done = work_through(
        Inline(Doubling()), iter([[1, 2], [3]]), goes_on=lambda: True, settle=told.append,
        begin=begun.extend,
    )  # fmt: skip
    assert done
    assert (begun, told) == ([1, 2, 3], [2, 4, 6])


def test_nothing_to_do_is_done_once_it_was_asked_whether_to_go_on() -> None:
    asked: list[bool] = []
    assert work_through(
        Three(), iter(()), goes_on=lambda: not asked.append(True), settle=asked.append
    )
    assert asked == [True]


def test_work_that_is_told_to_stop_says_so_and_gives_nothing_more() -> None:
    workers = Three()
    answers = iter([True, False])
    told: list[int] = []
    assert not work_through(
        workers, iter([[n] for n in range(20)]), goes_on=lambda: next(answers), settle=told.append
    )
    assert len(workers.given) == len(told) == 6
