from threading import Thread

import pytest

from trucyte.base.metrics import Board, Kind, Layout, Meters, Metric, State, private_meters

COUNTED = Metric("a_total", Kind.COUNTER, "Counted.", {"kind": ("x", "y")})
LEVEL = Metric("b", Kind.GAUGE, "Level.")
SPREAD = Metric("c_seconds", Kind.HISTOGRAM, "Spread.", {"kind": ("x",)}, (0.1, 1.0))
METRICS = (COUNTED, LEVEL, SPREAD)


@pytest.fixture
def board() -> Board:
    return Board(Layout(METRICS), 3)


def test_figures_of_all_processes_are_added(board: Board) -> None:
    board.meters(0).add(COUNTED, "x", amount=2)
    board.meters(2).add(COUNTED, "x")
    board.meters(1).set(LEVEL, value=1.5)
    text = board.text()
    assert 'a_total{kind="x"} 3\n' in text
    assert 'a_total{kind="y"} 0\n' in text
    assert "\nb 1.5\n" in text
    assert "# TYPE c_seconds histogram\n" in text


def test_a_histogram_counts_up_to_each_bound_and_sums(board: Board) -> None:
    meters = board.meters(0)
    for value in (0.05, 0.1, 0.5, 7):
        meters.observe(SPREAD, "x", value=value)
    text = board.text()
    for line in (
        'c_seconds_bucket{kind="x",le="0.1"} 2',
        'c_seconds_bucket{kind="x",le="1"} 3',
        'c_seconds_bucket{kind="x",le="+Inf"} 4',
        'c_seconds_sum{kind="x"} 7.65',
        'c_seconds_count{kind="x"} 4',
    ):
        assert f"{line}\n" in text


def test_what_is_no_label_of_the_table_is_refused(board: Board) -> None:
    with pytest.raises(KeyError):
        board.meters(0).add(COUNTED, "Nguyễn Văn A")


def test_another_process_sees_the_same_board_by_its_open_file(board: Board) -> None:
    import os

    other = Board(Layout(METRICS), 3, os.dup(board.handle))
    other.meters(1).enter(State.READY)
    other.meters(1).add(COUNTED, "y")
    assert board.state(1) is State.READY
    assert board.of_each(COUNTED, "y") == [0, 1, 0]
    other.close()


def test_a_process_that_ended_keeps_its_counters_and_loses_its_gauges(board: Board) -> None:
    meters = board.meters(0)
    meters.enter(State.READY)
    meters.add(COUNTED, "x")
    meters.set(LEVEL, value=4)
    board.clear(0)
    assert board.state(0) is State.NONE
    assert 'a_total{kind="x"} 1\n' in board.text()
    assert "\nb 0\n" in board.text()


def test_counting_from_many_threads_loses_nothing() -> None:
    meters: Meters = private_meters(METRICS)

    def count() -> None:
        for _ in range(5000):
            meters.add(COUNTED, "x")

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(meters._figures) == 20_000
