"""Originals lie sealed, open where they lie, and are given to nobody where they are blocked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.claims_files import envelope, visit
from tests.support.intake import Node
from trucyte.database.connect import Database
from trucyte.intake.keeping.ledger import Ledger
from trucyte.intake.keeping.vault import (
    OPEN,
    OriginalBlocked,
    OriginalUnreadable,
    Vault,
    What,
)
from trucyte.intake.quarantine import Quarantine

WHY = {"rule": "erase-on-request", "by": "officer", "article": "Luật 91/2025/QH15, Điều 14"}


@pytest.fixture
def node(database: Database, tmp_path: Path, r4_cache: bytes) -> Iterator[Node]:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    made = Node(database, tmp_path / "node", file)
    yield made
    made.close()


def test_what_is_laid_comes_back_from_its_place_alone(node: Node) -> None:
    vault = node.receipts.vault
    kept = vault.lay(7, What.PART, 0, b"original")
    assert b"original" not in kept
    assert vault.take(7, What.PART, 0, kept) == b"original"
    assert vault.take(7, What.PART, 0, b"as it came") == b"as it came"
    for source, what, place in ((8, What.PART, 0), (7, What.PIECE, 0), (7, What.PART, 1)):
        with pytest.raises(OriginalUnreadable):
            vault.take(source, what, place, kept)
    with pytest.raises(OriginalUnreadable):
        OPEN.take(7, What.PART, 0, kept)
    assert Vault(node.journal.body_keys, seals=False).lay(7, What.PART, 0, b"x") == b"x"


def test_files_and_pieces_in_quarantine_lie_sealed_and_come_back_whole(node: Node) -> None:
    data = envelope([visit(1)]).replace(b"</", b"<!", 1)
    file = node.send(data)
    with node.database.connection() as connection:
        parts = connection.execute("select body from intake.part").fetchall()
        pieces = connection.execute("select body from intake.quarantine").fetchall()
    assert parts and pieces
    assert all(body.startswith(b"TCO1") for (body,) in (*parts, *pieces))
    assert b"".join(node.receipts.original(file.number)) == data
    quarantine = Quarantine(node.door)
    (entry,) = quarantine.entries()
    assert quarantine.show(entry.number).piece.data in data


def test_an_erased_persons_row_is_shown_to_nobody_and_never_read_again(node: Node) -> None:
    data = envelope([visit(1), visit(2)])
    file = node.send(data)
    patient = node.lines("Patient")[0].entry
    done = node.journal.erase(persons=[patient.person], **WHY)
    assert done.lines > 5
    assert done.blocked == 1
    assert node.journal.verify().is_sound
    with pytest.raises(OriginalBlocked):
        list(node.receipts.original(file.number))
    with pytest.raises(OriginalBlocked):
        node.receipts.vault.check_row(file.number, patient.row)
    node.receipts.vault.check_row(file.number, 3 - patient.row)
    left = [line.entry.seq for line in node.lines() if line.body]
    Ledger(node.database, node.door.clock, node.receipts.vault).reopen(file.number, 0)
    node.send(data)
    assert [line.entry.seq for line in node.lines() if line.body] == left
