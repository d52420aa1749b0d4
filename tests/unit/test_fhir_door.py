"""The FHIR door: bundles, NDJSON, single resources."""

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.support.intake import Node
from trucyte.database.connect import Database
from trucyte.intake.door import work_on
from trucyte.intake.receipts import State

SUITES = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites"))


@pytest.fixture
def node(database: Database, tmp_path: Path, r4_cache: bytes) -> Iterator[Node]:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    made = Node(database, tmp_path / "node", file)
    yield made
    made.close()


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "gender": "female", **more}


def entry(resource: dict[str, Any], url: str, method: str = "POST", **more: Any) -> dict[str, Any]:
    request = {"method": method, "url": resource["resourceType"], **more}
    return {"fullUrl": url, "resource": resource, "request": request}


def bundle(*entries: dict[str, Any], type: str = "transaction") -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": entries}).encode()


PERSON = "urn:uuid:11111111-1111-4111-8111-111111111111"
WEIGHT = "urn:uuid:22222222-2222-4222-8222-222222222222"


def weight(subject: str = PERSON, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": subject},
        **more,
    }


def test_a_transaction_is_one_unit_and_its_urns_become_ids(node: Node) -> None:
    sent = node.send(bundle(entry(weight(), WEIGHT), entry(patient(), PERSON)), "b.json")
    assert (sent.variant, sent.resources, sent.state) == ("FHIR Bundle transaction", 2, State.DONE)
    (person,) = node.current("Patient")
    assert "urn:uuid" not in person
    assert node.one("Observation")["subject"]["reference"] == f"Patient/{person}"
    first, second = node.lines()
    assert first.entry.person == second.entry.person
    again = node.send(bundle(entry(patient(), PERSON), entry(weight(), WEIGHT)), "again.json")
    assert (node.outcomes(again), again.resources) == (["unchanged"], 0)


def test_the_received_digits_and_order_are_kept(node: Node) -> None:
    text = bundle(entry(weight(valueQuantity={"value": 0, "unit": "kg"}), WEIGHT)).replace(
        b'"value": 0', b'"value": 72.50'
    )
    node.send(text)
    (line,) = node.lines()
    assert b'"value": 72.50' in line.body
    assert line.body.index(b'"status"') < line.body.index(b'"code"')


def test_a_transaction_with_one_bad_resource_leaves_nothing_and_says_where(node: Node) -> None:
    bad = weight()
    del bad["status"]
    node.send(bundle(entry(patient(), PERSON), entry(bad, WEIGHT)))
    (held,) = node.receipts.quarantined()
    assert held.reason == "fhir-invalid"
    assert str(held.facts["path"]).startswith("entry[1].Observation")
    assert node.journal.tail() == 0


def test_the_entries_of_a_batch_and_the_resources_of_a_collection_are_taken(node: Node) -> None:
    node.send(bundle(entry(patient(), PERSON), entry(weight(), WEIGHT), type="batch"))
    assert len(node.lines()) == 2
    collected = {"fullUrl": "http://x.example/Patient/p1", "resource": patient(id="p1")}
    node.send(bundle(collected, type="collection"))
    assert "p1" in node.current("Patient")


def test_put_keeps_the_id_and_honours_if_match(node: Node) -> None:
    put = {"method": "PUT", "url": "Patient/p1"}
    node.send(bundle({"resource": patient(id="p1"), "request": put}))
    node.send(bundle({"resource": patient(id="p1", active=True), "request": put}))
    assert node.versions("Patient") == {"p1": 2}
    stale = {**put, "ifMatch": 'W/"1"'}
    node.send(bundle({"resource": patient(id="p1", active=False), "request": stale}))
    assert node.versions("Patient") == {"p1": 2}
    assert [held.facts["issue"] for held in node.receipts.quarantined()] == ["if-match"]


def test_delete_ends_a_resource(node: Node) -> None:
    put = {"method": "PUT", "url": "Patient/p1"}
    node.send(bundle({"resource": patient(id="p1"), "request": put}))
    node.send(bundle({"request": {"method": "DELETE", "url": "Patient/p1"}}))
    assert node.current("Patient") == {}


class Found:
    """An index in which a query finds what it is told to."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.asked = ids, []

    def find(self, type: str, query: str) -> tuple[str, ...]:
        self.asked.append((type, query))
        return self.ids


def with_index(node: Node, finder: Found) -> None:
    node.tools = replace(node.tools, finder=finder)
    node.door = replace(node.door, build=lambda: node.build_with(finder))


def test_create_unless_there_uses_what_is_there(node: Node) -> None:
    finder = Found("there")
    with_index(node, finder)
    condition = {"ifNoneExist": "identifier=x|1"}
    node.send(bundle(entry(patient(), PERSON, **condition), entry(weight(), WEIGHT)))
    assert finder.asked == [("Patient", "identifier=x|1")]
    assert node.one("Observation")["subject"]["reference"] == "Patient/there"
    assert node.current("Patient") == {}


@pytest.mark.parametrize(("ids", "taken"), [(("a",), True), ((), False), (("a", "b"), False)])
def test_a_conditional_reference_must_mean_one_resource(
    node: Node, ids: tuple[str, ...], taken: bool
) -> None:
    with_index(node, Found(*ids))
    node.send(bundle(entry(weight("Patient?identifier=x|1"), WEIGHT)))
    if taken:
        assert node.one("Observation")["subject"]["reference"] == "Patient/a"
    else:
        (held,) = node.receipts.quarantined()
        assert (held.reason, held.facts) == ("reference-unresolved", {"matches": len(ids)})


def test_each_line_of_ndjson_is_a_unit_and_a_bad_one_costs_itself(node: Node) -> None:
    lines = [
        json.dumps(patient(id="a")), "{not json}", "", json.dumps({"resourceType": "Nothing"}),
        json.dumps(patient(id="b", gender="hen")), json.dumps(patient(id="c")),
    ]  # fmt: skip
    sent = node.send("\n".join(lines).encode(), "p.ndjson")
    assert set(node.current("Patient")) == {"a", "c"}
    assert node.outcomes(sent) == [
        "accepted", "quarantined", "quarantined", "quarantined", "accepted"
    ]  # fmt: skip
    assert {held.ordinal: held.reason for held in node.receipts.quarantined()} == {
        2: "json-refused", 3: "fhir-unknown", 4: "fhir-invalid"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"resourceType":"Patient","id":"a","id":"b"}', "json-refused"),
        (b'{"resourceType":"Patient","name":' + b"[" * 300 + b"]" * 300 + b"}", "json-refused"),
        (b'{"resourceType":"Patient"', "json-refused"),
        (b'{"hello":1}', "fhir-unknown"),
        (b"[1,2]", "json-refused"),
        (bundle(type="history"), "fhir-unsupported"),
        (bundle(entry(patient(), PERSON, "PATCH")), "fhir-unsupported"),
        (bundle(entry(patient(), PERSON), entry(patient(), PERSON)), "fhir-entry-twice"),
        (b'{"resourceType":"Patient","id":"../x"}', "fhir-unsupported"),
    ],
)
def test_what_is_not_fhir_as_taken_here_is_refused_with_its_reason(
    node: Node, data: bytes, reason: str
) -> None:
    sent = node.send(data, "x.json")
    assert [held.reason for held in node.receipts.quarantined()] == [reason]
    assert sent.state is State.FAILED
    assert node.journal.tail() == 0


def test_labelled_resources_label_their_receipt(node: Node) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    sent = node.send(json.dumps(patient(id="a", meta={"security": [label]})).encode())
    assert [one.is_restricted for one in node.receipts.visits(sent.number)] == [True]


@pytest.mark.parametrize("files_max", [10, pytest.param(60, marks=pytest.mark.long)])
def test_synthea_bundles_go_in_whole(node: Node, files_max: int) -> None:
    archive = SUITES / "synthea-bundles.tar.xz"
    if not archive.exists():
        pytest.skip(f"no {archive}")
    numbers, entries = [], 0
    with tarfile.open(archive) as files:
        for member in files:
            file = files.extractfile(member)
            if file is not None and len(numbers) < files_max:
                data = file.read()
                entries += len(json.loads(data).get("entry", [1]))
                numbers.append(node.receipts.receive(Path(member.name).name, "cli", [data]).number)
    written = work_on(node.door, numbers, 0, Event())
    assert [held.reason for held in node.receipts.quarantined()] == []
    lines = node.lines()
    assert written == len(lines) > 20 * files_max
    if files_max < 60:
        return
    # Organizations and practitioners come again under the same urn in several bundles.
    assert len({(line.entry.type, line.entry.id) for line in lines}) > 21_000
    assert entries == 22_544
    left = [line for line in lines if b'"reference": "urn:uuid:' in line.body]
    # The Group is a plain resource beside the bundles: what its links mean, only they say.
    assert [line.entry.type for line in left] == ["Group"]


@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_json_nested_without_end_lies_in_quarantine(node: Node, newline: bytes) -> None:
    depth = 100_000
    deep = b'{"resourceType":"Patient","extension":' + b"[" * depth + b"]" * depth + b"}"
    sent = node.send(deep + newline, "deep.json")
    assert (sent.state, sent.quarantined) == (State.FAILED, 1)
    (held,) = node.receipts.quarantined()
    assert held.reason == "json-refused"
