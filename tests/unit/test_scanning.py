"""Received files are looked at by a scanner before they are read."""

import io
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from tests.claims_files import envelope, visit
from tests.support.clamd import EICAR, clamd
from tests.support.intake import Node
from tests.support.serving import until
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.intake.door import work_on
from trucyte.intake.progress import Watchers
from trucyte.intake.receipts import State
from trucyte.intake.scanning import (
    MalwareFound,
    Scan,
    ScanImpossible,
    ScannerAway,
    ScannerNotThere,
    ScannerUnknown,
    make_scan,
)


@pytest.fixture
def node(database: Database, tmp_path: Path, r4_cache: bytes) -> Iterator[Node]:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    made = Node(database, tmp_path / "node", file)
    yield made
    made.close()


def scan_of(told: str, folder: Path, *, waits: bool = True) -> Scan:
    scan = make_scan(told, folder / "scanned", waits=waits, seconds_max=30)
    assert scan is not None
    return scan


def by_command(code: str) -> str:
    """A command that runs a line of Python over the file, `data`."""
    line = f"import sys; data = open(sys.argv[1], 'rb').read(); {code}"
    return f'{sys.executable} -c "{line}" {{file}}'


def test_clamd_lets_clean_bytes_pass_and_names_what_it_finds(tmp_path: Path) -> None:
    with clamd(tmp_path / "s") as server:
        scan = scan_of(f"clamd:unix:{tmp_path / 's'}", tmp_path)
        whole = b"x" * 700_000
        scan(io.BytesIO(whole))
        assert server.seen == [whole]
        with pytest.raises(MalwareFound) as told:
            scan(io.BytesIO(b"before" + EICAR))
        assert told.value.facts == {"name": "Eicar-Test-Signature"}


def test_what_is_too_large_to_be_looked_at_is_not_taken_for_clean(tmp_path: Path) -> None:
    with clamd(tmp_path / "s", size_max=1000), pytest.raises(ScanImpossible):
        scan_of(f"clamd:unix:{tmp_path / 's'}", tmp_path)(io.BytesIO(b"x" * 5000))


@pytest.mark.parametrize("place", ["unix:/none/such", "tcp:127.0.0.1:1"])
def test_a_scanner_that_is_not_there_never_found_nothing(tmp_path: Path, place: str) -> None:
    with pytest.raises(ScannerAway):
        scan_of(f"clamd:{place}", tmp_path)(io.BytesIO(b"x"))
    with pytest.raises(ScannerNotThere):
        scan_of(f"clamd:{place}", tmp_path, waits=False)(io.BytesIO(b"x"))


def test_a_command_says_by_its_exit_code_what_it_found(tmp_path: Path) -> None:
    scan = scan_of(by_command("sys.exit(b'bad' in data)"), tmp_path)
    scan(io.BytesIO(b"fine"))
    with pytest.raises(MalwareFound):
        scan(io.BytesIO(b"bad"))
    names = scan_of(by_command("print(sys.argv[1] + ': An<b>.Evil FOUND'); sys.exit(1)"), tmp_path)
    with pytest.raises(MalwareFound) as told:
        names(io.BytesIO(b""))
    assert told.value.facts == {"name": "An_b_.Evil"}
    for broken in (by_command("sys.exit(2)"), "/none/such {file}"):
        with pytest.raises(ScannerAway):
            scan_of(broken, tmp_path)(io.BytesIO(b""))
    assert list((tmp_path / "scanned").iterdir()) == []


@pytest.mark.parametrize("told", ["clamd:", "clamd:unix:here", "clamd:tcp:host", "clamscan"])
def test_a_setting_that_names_no_scanner_is_refused(tmp_path: Path, told: str) -> None:
    with pytest.raises(ScannerUnknown):
        scan_of(told, tmp_path)
    assert make_scan("", tmp_path, waits=True, seconds_max=1) is None


def test_a_bad_file_lies_in_quarantine_by_its_finds_name_and_the_others_are_read(
    node: Node, tmp_path: Path
) -> None:
    with clamd(tmp_path / "s"):
        node.door = replace(node.door, scan=scan_of(f"clamd:unix:{tmp_path / 's'}", tmp_path))
        bad = node.send(envelope([visit(1)]) + b"<!-- " + EICAR + b" -->", "bad.xml")
        good = node.send(envelope([visit(2)]), "good.xml")
    (held,) = node.receipts.quarantined()
    assert (held.source, held.reason) == (bad.number, "malware-found")
    assert held.facts == {"name": "Eicar-Test-Signature"}
    assert node.outcomes(good) == ["accepted"]
    assert node.outcomes(bad) == ["quarantined"]


def test_files_wait_for_a_scanner_that_is_away(node: Node, tmp_path: Path) -> None:
    door = replace(node.door, scan=scan_of(f"clamd:unix:{tmp_path / 's'}", tmp_path))
    number = node.receipts.receive("a.xml", "cli", [envelope([visit(1)])]).number
    waited: list[Problem] = []
    watchers = Watchers(warning=waited.append)
    thread = threading.Thread(target=work_on, args=(door, [number], 0, Event(), watchers))
    thread.start()
    until(lambda: waited)
    assert node.receipts.file(number).visits == 0
    with clamd(tmp_path / "s"):
        thread.join(60)
    assert {problem.code for problem in waited} == {"scanner-away"}
    assert node.receipts.file(number).state is State.DONE


def test_a_stop_while_waiting_leaves_the_file_waiting(node: Node, tmp_path: Path) -> None:
    door = replace(node.door, scan=scan_of("clamd:unix:/none/such", tmp_path))
    number = node.receipts.receive("a.xml", "cli", [envelope([visit(1)])]).number
    stop = Event()
    with pytest.raises(ScannerAway):
        work_on(door, [number], 0, stop, Watchers(warning=lambda problem: stop.set()))
    assert node.receipts.quarantined() == []
    work_on(node.door, [number], 0, Event())
    assert node.receipts.file(number).visits == 1


def test_where_files_do_not_wait_they_are_refused_and_can_be_tried_again(
    node: Node, tmp_path: Path
) -> None:
    told = f"clamd:unix:{tmp_path / 's'}"
    node.door = replace(node.door, scan=scan_of(told, tmp_path, waits=False))
    file = node.send(envelope([visit(1)]))
    assert [held.reason for held in node.receipts.quarantined()] == ["scanner-not-there"]
    assert node.outcomes(file) == ["quarantined"]
