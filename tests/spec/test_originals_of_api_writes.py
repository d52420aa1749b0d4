"""What comes to the API as XML, or signed, is kept as it came (DESIGN section 2)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import XML, Client, api_of, interactions_of
from tests.support.records import KEY, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.intake.store import PostgresReceipts
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import ExpectationFailed

PATIENT = (
    b'<?xml version="1.0"?>\n<!-- c\xe1\xbb\xa7a b\xe1\xbb\x87nh vi\xe1\xbb\x87n -->'
    b'<Patient xmlns="http://hl7.org/fhir"> <gender value="male"/></Patient>\n'
)
TYPED = "https://trucyte.vn/fhir/NamingSystem/source"


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions) -> Client:
    made = interactions_of(node, clock, definitions)
    return Client(api_of(node, clock, definitions, interactions=made))


@pytest.fixture
def receipts(node: Node, clock: FixedClock) -> PostgresReceipts:
    return PostgresReceipts(node.database, KEY, clock)


def kept(node: Node) -> list[int]:
    with node.database.connection() as connection:
        return [row[0] for row in connection.execute("select number from intake.source order by 1")]


def lines(node: Node, type: str) -> list[Any]:
    return list(node.journal.follow(0, 1000, (type,)))


def wrapped(*entries: bytes, type: str = "transaction") -> bytes:
    parts = b"".join(
        b'<entry><resource>%b</resource><request><method value="POST"/>'
        b'<url value="Patient"/></request></entry>' % entry
        for entry in entries
    )
    return b'<Bundle xmlns="http://hl7.org/fhir"><type value="%b"/>%b</Bundle>' % (
        type.encode(),
        parts,
    )


def test_an_xml_body_comes_back_byte_for_byte_from_where_its_line_says(
    client: Client, node: Node, receipts: PostgresReceipts
) -> None:
    made = client("POST", "/fhir/Patient", PATIENT, content_type=XML)
    assert made.status == 201
    (line,) = lines(node, "Patient")
    assert b"".join(receipts.original(line.entry.source)) == PATIENT
    (told,) = (json.loads(one.body) for one in lines(node, "Provenance"))
    assert told["entity"][0]["what"]["identifier"] == {
        "system": TYPED,
        "value": str(line.entry.source),
    }
    assert told["target"][0]["reference"] == f"Patient/{line.entry.id}/_history/1"


def test_updates_and_bundles_are_kept_too(
    client: Client, node: Node, receipts: PostgresReceipts
) -> None:
    named = PATIENT.replace(b"<gender", b'<id value="p"/><gender')
    assert client("PUT", "/fhir/Patient/p", named, content_type=XML).status == 201
    plain = b'<Patient><gender value="female"/></Patient>'
    for kind in ("transaction", "batch"):
        sent = wrapped(plain, plain, type=kind)
        assert client("POST", "/fhir", sent, content_type=XML).status == 200
    first, *others = lines(node, "Patient")
    assert b"".join(receipts.original(first.entry.source)) == named
    assert [line.entry.row for line in others] == [1, 2, 1, 2]
    assert len({line.entry.source for line in others}) == 2
    assert b"".join(receipts.original(others[0].entry.source)) == wrapped(plain, plain)


def test_signed_json_is_kept_and_other_json_is_not(
    client: Client, node: Node, receipts: PostgresReceipts
) -> None:
    signature = {
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
        "when": "2026-11-22T09:12:00+07:00",
        "who": {"display": "Bệnh viện Mẫu"},
        "data": "AAAA",
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "signature": signature}
    sent = json.dumps(bundle, indent=3).encode()
    assert client("POST", "/fhir/Bundle", sent).status == 201
    assert client("POST", "/fhir/Patient", b'{"resourceType":"Patient"}').status == 201
    assert [b"".join(receipts.original(number)) for number in kept(node)] == [sent]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Patient", PATIENT.replace(b"male", b"purple")),
        ("Patient/p", PATIENT),  # its id is missing
        ("", wrapped(b'<Patient><gender value="purple"/></Patient>')),
        ("", wrapped(b'<Patient><gender value="purple"/></Patient>', type="batch")),
    ],
)
def test_what_is_refused_leaves_no_original(
    client: Client, node: Node, path: str, body: bytes
) -> None:
    method = "PUT" if "/" in path else "POST"
    reply = client(method, f"/fhir/{path}".rstrip("/"), body, content_type=XML)
    assert reply.status >= 400 or b'"422"' in reply.body or b'"400"' in reply.body
    assert kept(node) == []


def test_an_original_that_was_kept_for_nothing_is_forgotten(
    client: Client, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*given: Any) -> Any:
        assert kept(node), "it is durable before what it says is accepted"
        raise ExpectationFailed

    monkeypatch.setattr(node.journal, "commit", lost)
    monkeypatch.setattr("trucyte.intake.interactions.interactions.TRIES", 2)
    assert client("POST", "/fhir/Patient", PATIENT, content_type=XML).status == 409
    assert kept(node) == []


def test_nobody_forgets_an_original_who_did_not_learn_how_its_commit_ended(
    client: Client, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*given: Any) -> Any:
        raise ConnectionError

    monkeypatch.setattr(node.journal, "commit", lost)
    assert client("POST", "/fhir/Patient", PATIENT, content_type=XML).status == 500
    assert len(kept(node)) == 1


def test_originals_stand_under_no_received_files_and_say_whether_they_are_restricted(
    client: Client, node: Node, receipts: PostgresReceipts
) -> None:
    client("POST", "/fhir/Patient", PATIENT, content_type=XML)
    label = (
        b'<meta><security><system value="http://terminology.hl7.org/CodeSystem/v3-Confidentiality"/>'
        b'<code value="R"/></security></meta>'
    )
    closed = PATIENT.replace(b" <gender", label + b"<gender")
    assert client("POST", "/fhir/Patient", closed, content_type=XML).status == 201
    assert not receipts.files()
    flags = [receipts.visits(number)[0].is_restricted for number in kept(node)]
    assert flags == [False, True]


def test_an_original_speaks_for_the_organisation_that_sent_it(
    node: Node, clock: FixedClock, definitions: Definitions
) -> None:
    access = replace(node.full, organisation="Organization/a")
    made = interactions_of(node, clock, definitions)
    client = Client(api_of(node, clock, definitions, interactions=made, access=lambda call: access))
    assert client("POST", "/fhir/Patient", PATIENT, content_type=XML).status == 201
    (line,) = lines(node, "Patient")
    assert line.entry.source in kept(node)
    assert Behalf(node.database).of(line.entry.source) == ("Organization/a", True)
