"""Paths, the watched folder, and running in processes."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.claims_files import SUMMARY, envelope, visit, zipped
from tests.support.intake import Node
from trucyte.base.clock import SystemClock
from trucyte.base.disk import DiskNearlyFull, DiskState
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.intake.claims.accept import Task
from trucyte.intake.door import (
    Door,
    PathMissing,
    find_files,
    ingest_paths,
    process_waiting,
    work_on,
)
from trucyte.intake.progress import Progress, Watchers
from trucyte.intake.receipts import State
from trucyte.intake.running import pipeline
from trucyte.intake.running.pipeline import Pipeline
from trucyte.intake.running.pool import InlinePool
from trucyte.intake.watch import FolderWatch


@pytest.fixture
def node(database: Database, tmp_path: Path, r4_cache: bytes) -> Iterator[Node]:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    made = Node(database, tmp_path / "node", file)
    yield made
    made.close()


def test_folders_are_walked_without_links_and_hidden_files(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.xml").write_text("x")
    inbox = tmp_path / "in"
    for name in ("b.xml", "a.zip", "c.NDJSON", "x.txt", ".hidden.xml", "sub/d.json"):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (inbox / "link").symlink_to(outside)
    (inbox / "link.xml").symlink_to(outside / "secret.xml")
    found = [path.relative_to(inbox).as_posix() for path in find_files([inbox])]
    assert found == ["a.zip", "b.xml", "c.NDJSON", "sub/d.json"]
    assert list(find_files([inbox / "x.txt"])) == [inbox / "x.txt"]
    with pytest.raises(PathMissing):
        list(find_files([inbox, inbox / "nothing"]))


def test_paths_are_ingested_and_summed_up(node: Node, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.xml").write_bytes(envelope([visit(1), "<HOSO/>"]))
    (folder / "b.zip").write_bytes(zipped({"x.xml": envelope([visit(2)])}))
    seen: list[Progress] = []
    summary = ingest_paths(node.door, [folder], Event(), Watchers(progress=seen.append))
    told = summary.as_json()
    assert list(told) == [
        "files", "visits", "resources", "findings", "quarantined",
        "seconds", "resources_per_second",
    ]  # fmt: skip
    assert (told["files"], told["visits"]) == (2, 3)
    assert told["resources"] == node.journal.tail()
    assert told["quarantined"] == {"hoso-empty": 1}
    assert seen[-1].visits == 3
    again = ingest_paths(node.door, [folder], Event())
    assert (again.files, again.resources, again.visits) == (2, 0, 3)
    assert again.quarantined == {"hoso-empty": 1}


def test_many_files_of_one_visit_each_share_batches(node: Node, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.xml").write_bytes(envelope([visit(number)]))
    summary = ingest_paths(node.door, [tmp_path], Event())
    assert (summary.visits, len(node.current("Encounter"))) == (40, 40)
    assert {file.state for file in node.receipts.files()} == {State.DONE}


def test_processes_do_the_same_as_one_thread(node: Node) -> None:
    data = envelope([visit(n, MA_BN=f"BN-{n % 10}") for n in range(150)])
    door = Door(node.database, node.receipts, node.door.clock, node.build, workers=2)
    number = node.receipts.receive("a.xml", "cli", [data]).number
    resources = work_on(door, [number], 10 << 20, Event())
    file = node.receipts.file(number)
    assert (file.visits, file.quarantined, file.state) == (150, 0, State.DONE)
    assert resources == file.resources == node.journal.tail()
    assert len(node.current("Encounter")) == 150
    assert len(node.current("Patient")) == 10


def test_a_worker_that_is_killed_is_started_again_and_nothing_is_doubled(node: Node) -> None:
    data = envelope([visit(n) for n in range(200)])
    door = Door(node.database, node.receipts, node.door.clock, node.build, workers=1)
    number = node.receipts.receive("a.xml", "cli", [data]).number
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        for child in Path("/proc/self/task").glob("*/children"):
            for pid in child.read_text().split():
                is_worker = b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
                if is_worker and len(killed) < 1 and progress.visits:
                    killed.append(int(pid))
                    os.kill(int(pid), signal.SIGKILL)

    work_on(door, [number], 10 << 20, Event(), Watchers(progress=kill))
    assert killed
    assert node.receipts.file(number).visits == 200
    assert node.receipts.file(number).quarantined == 0
    assert set(node.versions("Encounter").values()) == {1}
    assert len(node.current("Encounter")) == 200


def test_a_stopped_run_ends_between_units_and_the_next_goes_on(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_SETTLE_SECONDS", 0.0)
    data = envelope([visit(n) for n in range(200)])
    number = node.receipts.receive("a.xml", "cli", [data]).number
    stop = Event()

    def press(progress: Progress) -> None:
        if progress.visits >= 32:
            stop.set()

    first = work_on(node.door, [number], 0, stop, Watchers(progress=press))
    between = node.receipts.file(number)
    assert between.state is State.RUNNING
    assert 0 < between.visits < 200
    assert first == node.journal.tail()
    second = work_on(node.door, [number], 0, Event())
    assert first + second == node.journal.tail()
    assert node.receipts.file(number).visits == 200
    assert set(node.versions("Encounter").values()) == {1}


def test_what_waits_is_worked_on_until_told_to_stop(node: Node) -> None:
    number = node.receipts.receive("a.xml", "upload", [envelope([visit(1)])]).number
    stop = Event()
    thread = threading.Thread(target=process_waiting, args=(node.door, stop))
    thread.start()
    deadline = time.monotonic() + 30
    while node.receipts.file(number).state is not State.DONE and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert node.receipts.file(number).state is State.DONE


def test_a_disk_that_gets_full_warns_and_then_stops_the_run_which_can_be_resumed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_ROOM_SECONDS", 0.0)
    free = iter([100, 50, 50, *[5] * 500])
    door = Door(
        node.database, node.receipts, node.door.clock, node.build, 0,
        room=lambda: DiskState(next(free), warn=60, stop=10),
    )  # fmt: skip
    number = node.receipts.receive("a.xml", "cli", [envelope([visit(n) for n in range(9)])]).number
    warned: list[Problem] = []
    with pytest.raises(DiskNearlyFull):
        work_on(door, [number], 0, Event(), Watchers(warning=warned.append))
    assert [problem.code for problem in warned] == ["disk-nearly-full"] * 2
    work_on(node.door, [number], 0, Event())
    assert node.receipts.file(number).visits == 9


def test_a_watched_folder_takes_what_stopped_growing_and_moves_it(
    node: Node, tmp_path: Path
) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    watch = FolderWatch(folder, node.receipts)
    path = folder / "hoso.xml"
    data = envelope([visit(1)])
    path.write_bytes(data[:500])
    (folder / "bad.xml").write_bytes(b"<html/>")
    (folder / ".part").write_bytes(b"x")
    watch.look()
    path.write_bytes(data)
    for _ in range(2):
        watch.look()
    assert [file.name for file in node.receipts.files()] == ["bad.xml"], "the other still grew"
    watch.look()
    for file in node.receipts.files():
        ingest_open(node, file.number)
    again = FolderWatch(folder, node.receipts)  # after a restart
    moved = [place for _ in range(4) for place in again.look()]
    assert sorted(place.relative_to(folder).as_posix() for place in moved) == [
        "done/hoso.xml", "failed/bad.xml"
    ]  # fmt: skip
    path.write_bytes(data)
    moved = [place for _ in range(4) for place in again.look()]
    assert [place.parent.name for place in moved] == ["done"]
    assert len(list((folder / "done").iterdir())) == 2
    assert len(node.receipts.files()) == 2
    assert [entry.name for entry in folder.iterdir() if entry.is_file()] == [".part"]


def ingest_open(node: Node, number: int) -> None:
    work_on(node.door, [number], 0, Event())


def test_a_check_in_and_the_claim_of_one_person_go_to_one_worker_in_order(node: Node) -> None:
    given: list[int] = []

    class TwoWorkers(InlinePool):
        size = 2

        def give(self, index: int, tasks: Sequence[Task]) -> None:
            given.extend(index for _ in tasks)
            super().give(index, tasks)

    row = "".join(f"<{name}>{SUMMARY[name]}</{name}>" for name in ("MA_LK", "MA_BN", "MA_CSKCB"))
    rows = f"<DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB>{row}</TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB>"
    check_in = f"<CHI_TIEU_TRANG_THAI_KCB>{rows}</CHI_TIEU_TRANG_THAI_KCB>".encode()
    sent = [
        node.receipts.receive(name, "cli", [data]).number
        for name, data in (("xml0.xml", check_in), ("claim.xml", envelope([visit(1)])))
    ]
    pool = TwoWorkers(node.build, Event())
    Pipeline(node.database, SystemClock(), pool, Event()).run(sent)
    pool.close()
    assert len(given) == 2
    assert len(set(given)) == 1


def test_a_file_that_cannot_be_opened_is_told_and_the_others_are_taken(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"{number}.xml").write_bytes(envelope([visit(number)]))
    real = Path.open

    def held(path: Path, *how: Any, **more: Any) -> Any:
        if path.name == "2.xml":
            raise PermissionError(13, "Permission denied")
        return real(path, *how, **more)

    monkeypatch.setattr(Path, "open", held)
    told: list[Problem] = []
    summary = ingest_paths(node.door, [tmp_path], Event(), Watchers(warning=told.append))
    assert (summary.files, summary.visits, summary.unread) == (3, 2, 1)
    assert [problem.facts["path"] for problem in told] == ["2.xml"]


@pytest.mark.parametrize("name", [b"h\xd2 s\xbe.xml", b"a\nb\x1b[31m.xml", b"\xe1\xba\xa5.xml"])
def test_whatever_a_file_is_called_it_is_received(node: Node, tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(envelope([visit(1)]))
    assert ingest_paths(node.door, [tmp_path], Event()).visits == 1
    (file,) = node.receipts.files()
    assert file.name.isprintable()


def test_a_watched_folder_outlives_a_share_that_goes_away(node: Node, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    watch = FolderWatch(folder, node.receipts, still_looks=1)
    told: list[Problem] = []
    stop = Event()
    watchers = Watchers(warning=lambda problem: (told.append(problem), stop.set())[0])
    watch.run(stop, seconds=0, watchers=watchers)
    assert [problem.code for problem in told] == ["folder-away"]
    folder.mkdir()
    (folder / "a.xml").write_bytes(envelope([visit(1)]))
    (folder / "a.xml").chmod(0o600)
    watch.look()
    watch.look()
    assert len(node.receipts.files()) == 1


def test_a_pipe_nobody_writes_to_does_not_hold_the_run(node: Node, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.xml")
    (tmp_path / "b.xml").write_bytes(envelope([visit(1)]))
    paths = [tmp_path / "a.xml", tmp_path / "b.xml"]
    summary = ingest_paths(node.door, paths, Event())
    assert (summary.visits, summary.unread) == (1, 1)


def test_a_defect_over_one_file_does_not_end_the_worker(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = (
        node.receipts.receive(f"{number}.xml", "cli", [envelope([visit(number)])]).number
        for number in (1, 2)
    )
    real = pipeline.open_stored

    def broken(database: Database, number: int, stop: Event) -> Any:
        if number == poison:
            raise ZeroDivisionError
        return real(database, number, stop)

    monkeypatch.setattr(pipeline, "open_stored", broken)
    stop, told = Event(), list[Problem]()
    thread = threading.Thread(
        target=process_waiting, args=(node.door, stop, Watchers(warning=told.append))
    )
    thread.start()
    for _ in range(1200):  # a minute: the machine may be busy
        if node.receipts.file(good).state is State.DONE:
            break
        time.sleep(0.05)
    monkeypatch.undo()
    for _ in range(1200):  # a minute: the machine may be busy
        if node.receipts.file(poison).state is State.DONE:
            break
        time.sleep(0.05)
    stop.set()
    thread.join()
    assert told[0].code == "work-failed"
    states = {node.receipts.file(number).state for number in (poison, good)}
    assert states == {State.DONE}


def test_a_source_whose_last_visits_a_stop_left_out_is_not_done(node: Node) -> None:
    number = node.receipts.receive("a.xml", "cli", [envelope([visit(1), visit(2)])]).number
    stop = Event()

    def read_whole_then_stopped() -> Iterator[int]:
        yield number
        stop.set()

    work_on(node.door, read_whole_then_stopped(), 0, stop)
    assert node.receipts.file(number).state is not State.DONE
    work_on(node.door, [number], 0, Event())
    assert (node.receipts.file(number).state, node.receipts.file(number).visits) == (State.DONE, 2)
