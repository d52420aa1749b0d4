import asyncio
import time
from collections.abc import Iterator
from threading import Barrier, Event, Lock

import pytest

from tests.support.asgi import run
from trucyte.node.serving.lanes import Threads


@pytest.fixture
def lane() -> Iterator[Threads]:
    threads = Threads(3, "test", together=1, patience_seconds=0.02)
    yield threads
    threads.shutdown(cancel_futures=True)


def test_short_work_runs_one_after_another_in_its_order(lane: Threads) -> None:
    seen: list[int] = []
    at_once = 0
    most = 0

    def work(number: int) -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        seen.append(number)
        at_once -= 1
        return number

    async def all_of_it() -> list[int]:
        loop = asyncio.get_running_loop()
        works = (loop.run_in_executor(lane, work, number) for number in range(200))
        return await asyncio.gather(*works)

    assert run(all_of_it()) == list(range(200))
    assert seen == list(range(200))
    assert most == 1


def test_slow_work_holds_up_nobody_who_has_a_thread_left(lane: Threads) -> None:
    goes_on = Event()

    async def beside() -> list[int]:
        loop = asyncio.get_running_loop()
        slow = [loop.run_in_executor(lane, goes_on.wait) for _ in range(2)]
        short = [loop.run_in_executor(lane, lambda: 7) for _ in range(5)]
        done = await asyncio.wait_for(asyncio.gather(*short), 30)
        goes_on.set()
        await asyncio.gather(*slow)
        return done

    assert run(beside()) == [7] * 5


def test_work_that_waits_together_runs_together() -> None:
    lane = Threads(4, "test", together=4)
    meeting = Barrier(4, timeout=30)

    async def meet() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(lane, meeting.wait) for _ in range(4)))

    run(meet())
    lane.shutdown()


def test_what_goes_wrong_is_whose_work_it_was(lane: Threads) -> None:
    def fail() -> None:
        raise ValueError

    async def both() -> int:
        loop = asyncio.get_running_loop()
        bad = loop.run_in_executor(lane, fail)
        good = loop.run_in_executor(lane, lambda: 3)
        with pytest.raises(ValueError):
            await bad
        return await good

    assert run(both()) == 3
    assert lane.waiting == 0


def test_when_slow_work_is_done_short_work_runs_one_after_another_again() -> None:
    lane = Threads(3, "test", together=1, patience_seconds=0.2)
    goes_on, mutex = Event(), Lock()
    now, seen = [0], []

    def short() -> None:
        with mutex:
            now[0] += 1
            seen.append(now[0])
        time.sleep(0.005)
        with mutex:
            now[0] -= 1

    async def play() -> None:
        loop = asyncio.get_running_loop()
        slow = loop.run_in_executor(lane, goes_on.wait)
        rest = [loop.run_in_executor(lane, short) for _ in range(5)]  # beside the slow one
        rest.append(loop.run_in_executor(lane, goes_on.set))
        rest += [loop.run_in_executor(lane, short) for _ in range(60)]
        await asyncio.gather(slow, *rest)

    run(play())
    lane.shutdown()
    assert seen[-30:] == [1] * 30
