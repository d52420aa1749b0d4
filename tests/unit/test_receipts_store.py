"""The received files in PostgreSQL."""

import io
import threading
import time
import zipfile

import pytest

from tests.claims_files import envelope, visit, zipped
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind
from trucyte.database.connect import Database
from trucyte.fhir.issue import Severity
from trucyte.intake import store
from trucyte.intake.claims.finding import Finding
from trucyte.intake.keeping import originals
from trucyte.intake.keeping.ledger import Claims, Ledger, QuarantineUnknown
from trucyte.intake.keeping.stored_file import open_stored
from trucyte.intake.limits import Limits
from trucyte.intake.piece import Form, Piece
from trucyte.intake.receipts import Receipts, State
from trucyte.intake.running.results import Outcome, Result
from trucyte.intake.store import PostgresReceipts, SourceUnknown
from trucyte.intake.unreadable import FileTooLarge

KEY = b"k" * 32


@pytest.fixture
def receipts(database: Database, clock: FixedClock) -> PostgresReceipts:
    return PostgresReceipts(database, KEY, clock)


def test_what_is_received_is_kept_and_waits(receipts: PostgresReceipts, clock: FixedClock) -> None:
    data = envelope([visit()])
    kept: Receipts = receipts
    file = kept.receive("hoso.xml", "cli", [data[:100], data[100:]])
    assert (file.name, file.door, file.size) == ("hoso.xml", "cli", len(data))
    assert (file.state, file.received_at) == (State.WAITING, clock.now())
    assert b"".join(kept.original(file.number)) == data
    assert kept.file(file.number) == file
    assert kept.by_transaction(file.transaction) == file


def test_the_same_bytes_again_are_the_file_that_is_here(receipts: PostgresReceipts) -> None:
    first = receipts.receive("a.xml", "cli", [b"same"])
    assert receipts.receive("b.xml", "folder", [b"sa", b"me"]) == first
    assert receipts.receive("c.xml", "cli", [b"other"]).number != first.number
    assert [file.name for file in receipts.files()] == ["c.xml", "a.xml"]
    assert [file.name for file in receipts.files(before=first.number + 1, count=1)] == ["a.xml"]


def test_the_same_bytes_at_the_same_moment_are_kept_once(
    receipts: PostgresReceipts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LOOK_FIRST", 10)
    data = [bytes([number]) * 100_000 for number in range(20)]
    numbers: list[int] = []

    def send() -> None:
        numbers.append(receipts.receive("a.xml", "upload", data).number)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 4
    assert len(set(numbers)) == 1
    assert b"".join(receipts.original(numbers[0])) == b"".join(data)


def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(
    database: Database, clock: FixedClock
) -> None:
    receipts = PostgresReceipts(database, KEY, clock, Limits(file=10))
    with pytest.raises(FileTooLarge):
        receipts.receive("a", "cli", [b"x" * 11])
    assert receipts.files() == []


def test_an_unknown_file_is_not_found(receipts: PostgresReceipts) -> None:
    for ask in (lambda: receipts.file(7), lambda: receipts.by_transaction("x")):
        with pytest.raises(SourceUnknown) as caught:
            ask()
        assert caught.value.kind is Kind.NOT_FOUND


def test_a_kept_zip_can_be_read_at_any_place(
    receipts: PostgresReceipts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(originals, "PART", 300)
    files = {f"{n}.xml": envelope([visit(n)]) for n in range(20)}
    file = receipts.receive("x.zip", "cli", [zipped(files, zipfile.ZIP_STORED)])
    with open_stored(database, file.number) as kept, zipfile.ZipFile(kept) as archive:
        assert {name: archive.read(name) for name in reversed(archive.namelist())} == files
        kept.seek(-2, io.SEEK_END)
        assert len(kept.read()) == 2


FINDING = Finding("4750-2-020", Severity.ERROR, "XML2", 1, "THANH_TIEN_BV", {"sum": "3500"})


def test_what_became_of_pieces_is_written_once_however_often(
    receipts: PostgresReceipts, database: Database, clock: FixedClock
) -> None:
    ledger = Ledger(database, clock)
    source = receipts.receive("a.xml", "cli", [b"data"]).number
    assert ledger.start(source) == frozenset()
    bad = Piece(2, Form.HOSO, b"<HOSO/>")
    results = [
        Result(1, Outcome.ACCEPTED, "LK-1", "enc", resources=25, findings=[FINDING]),
        Result(2, Outcome.QUARANTINED, reason="hoso-empty", facts={"line": 1}),
    ]
    told = [(source, result) for result in results]
    ledger.settle(told, {(source, 2): bad})
    ledger.settle(told, {(source, 2): bad})  # after a crash, before the counts are set again
    assert ledger.start(source) == {1, 2}
    ledger.settle([], {}, [source])
    file = receipts.file(source)
    assert (file.state, file.finished_at) == (State.DONE, clock.now())
    assert (file.visits, file.resources, file.errors, file.quarantined) == (2, 25, 1, 1)
    first, second = receipts.visits(source)
    assert (first.link, first.encounter, first.outcome, first.findings) == (
        "LK-1", "enc", "accepted", [FINDING]
    )  # fmt: skip
    assert second.outcome == "quarantined"
    assert receipts.visits(source, with_findings_only=True) == [first]
    assert receipts.visits(source, after=1) == [second]
    assert receipts.findings_by_rule(source, with_restricted=True) == {"4750-2-020": 1}
    assert receipts.reasons(source) == {"hoso-empty": 1}
    assert ledger.start(source) is None


def test_findings_of_restricted_visits_are_not_counted_for_who_may_not_see_them(
    receipts: PostgresReceipts, database: Database, clock: FixedClock
) -> None:
    ledger = Ledger(database, clock)
    source = receipts.receive("a.xml", "cli", [b"data"]).number
    ledger.start(source)
    told = [
        (source, Result(n, Outcome.ACCEPTED, "LK", findings=[FINDING], is_restricted=n == 2))
        for n in (1, 2)
    ]
    ledger.settle(told, {}, [source])
    for with_restricted, count in ((True, 2), (False, 1)):
        found = receipts.findings_by_rule(source, with_restricted=with_restricted)
        assert found == {FINDING.rule: count}


def test_quarantine_gives_the_bytes_back_and_can_be_resolved(
    receipts: PostgresReceipts, database: Database, clock: FixedClock
) -> None:
    ledger = Ledger(database, clock)
    source = receipts.receive("a.xml", "cli", [b"data"]).number
    piece = Piece(3, Form.HOSO, b"<HOSO>\xff</HOSO>")
    refused = Result(3, Outcome.QUARANTINED, reason="encoding-wrong")
    ledger.settle([(source, refused)], {(source, 3): piece})
    (entry,) = receipts.quarantined()
    assert (entry.source, entry.ordinal, entry.reason, entry.size) == (
        source, 3, "encoding-wrong", len(piece.data)
    )  # fmt: skip
    held = ledger.held(entry.number)
    assert (held.piece.data, held.piece.form, held.tries) == (piece.data, Form.HOSO, 1)
    ledger.record_again(source, Result(3, Outcome.ACCEPTED, resources=4), piece)
    assert receipts.quarantined() == []
    assert [one.resolved_at for one in receipts.quarantined(open_only=False)] == [clock.now()]
    assert (receipts.file(source).resources, receipts.file(source).quarantined) == (4, 0)
    with pytest.raises(QuarantineUnknown):
        ledger.held(entry.number + 1)


def test_a_source_is_claimed_by_one_at_a_time(
    receipts: PostgresReceipts, database: Database, clock: FixedClock
) -> None:
    ledger = Ledger(database, clock)
    source = receipts.receive("a.xml", "cli", [b"data"]).number
    assert ledger.open_sources() == [source]
    first, second = Claims(database), Claims(database)
    assert first.take(source)
    assert not second.take(source)
    first.close()  # as the end of its process would; the server learns of it a moment later
    deadline = time.monotonic() + 10
    while not (taken := second.take(source)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert taken
    second.give_back(source)
    second.close()
