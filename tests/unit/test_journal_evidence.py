"""Evidence: verifies without a database, and no byte of it can be changed."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.journal import a_change, erase_body, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.journal.change import Operation
from trucyte.journal.evidence import (
    EvidenceInvalid,
    LineNotFound,
    evidence_from_json,
    evidence_to_json,
    verify_evidence,
)
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    journal = open_journal(database, tmp_path, clock)
    yield journal
    journal.close()


def test_every_line_of_a_growing_journal_can_be_proved(journal: Journal) -> None:
    for number in range(9):
        journal.commit([a_change(f"{number}-{place}") for place in range(number % 4 + 1)])
        for seq in range(1, journal.tail() + 1):
            evidence = evidence_from_json(evidence_to_json(journal.prove(seq)))
            record = verify_evidence(evidence, journal.keyring.public_key)
            stored = journal.bodies([seq])[seq]
            assert (record.seq, record.id) == (seq, stored.entry.id)
            assert evidence.body == stored.body


def test_no_byte_of_evidence_can_be_changed(journal: Journal) -> None:
    journal.commit([a_change("a"), a_change("b"), a_change("c")])
    journal.commit([a_change("d")])
    data = evidence_to_json(journal.prove(2))
    assert verify_evidence(evidence_from_json(data), journal.keyring.public_key).seq == 2
    for place in range(len(data)):
        for altered in {data[place] ^ 1, data[place] ^ 2, 0x20, 0x30} - {data[place]}:
            forged = data[:place] + bytes([altered]) + data[place + 1 :]
            with pytest.raises(EvidenceInvalid):
                verify_evidence(evidence_from_json(forged), journal.keyring.public_key)


def test_no_field_of_evidence_can_be_replaced(journal: Journal) -> None:
    journal.commit([a_change("a"), a_change("b")])
    journal.commit([a_change("c")])
    other, evidence = journal.prove(3), journal.prove(2)
    for change in (
        {"record": other.record}, {"salt": b"x" * 16}, {"body": b"{}"}, {"inner_hash": b"x" * 32},
        {"inner_hash": b"x" * 32, "salt": b"", "body": b""}, {"batch_path": []},
        {"batch_last_seq": 99}, {"batch_first_seq": 2}, {"tree_path": []}, {"batch_number": 1},
        {"record": msgspec.structs.replace(evidence.record, type="Nothing")},
    ):  # fmt: skip
        with pytest.raises(EvidenceInvalid):
            verify_evidence(msgspec.structs.replace(evidence, **change))


def test_evidence_signed_by_a_stranger_convinces_nobody(journal: Journal, tmp_path: Path) -> None:
    journal.commit([a_change()])
    evidence = journal.prove(1)
    stranger = Keyring.open(tmp_path / "stranger")
    forged = msgspec.structs.replace(
        evidence, key=stranger.key_id, public_key=stranger.public_key,
        signature=stranger.sign(evidence.checkpoint.message),
    )  # fmt: skip
    assert verify_evidence(forged).seq == 1
    with pytest.raises(EvidenceInvalid, match="another key"):
        verify_evidence(forged, journal.keyring.public_key)


def test_what_is_not_evidence_is_refused_as_such() -> None:
    for data in (b"", b"{}", b"null", b'{"form":"other"}', b"\xff"):
        with pytest.raises(EvidenceInvalid, match="form"):
            evidence_from_json(data)


def test_an_erased_body_leaves_a_line_that_can_be_proved(journal: Journal) -> None:
    journal.commit([a_change("a"), a_change("b")])
    erase_body(journal, 1)
    evidence = journal.prove(1)
    assert evidence.body == evidence.salt == b""
    assert verify_evidence(evidence, journal.keyring.public_key).id == "a"
    assert journal.verify().is_sound


def test_a_deletion_can_be_proved(journal: Journal) -> None:
    journal.commit([a_change(), a_change(operation=Operation.DELETE)])
    assert verify_evidence(journal.prove(2)).operation == Operation.DELETE


def test_what_is_not_there_cannot_be_proved(journal: Journal) -> None:
    with pytest.raises(LineNotFound):
        journal.prove(1)
