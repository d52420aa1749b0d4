"""Bulk import as a client meets it."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.bulk import ASYNC, BulkNode, manifest, open_bulk_node, path_of
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.intake.limits import DEFAULT


@pytest.fixture
def bulk(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[BulkNode]:
    limits = replace(DEFAULT, line=2 << 20, bundle=3 << 20)
    with open_bulk_node(database, tmp_path, clock, definitions, limits=limits) as opened:
        yield opened


def patient(id: str, **more: object) -> bytes:
    return json.dumps({"resourceType": "Patient", "id": id, **more}).encode()


def write(bulk: BulkNode, name: str, *lines: bytes) -> dict[str, str]:
    (bulk.files / name).write_bytes(b"".join(line + b"\n" for line in lines))
    return {"url": name}


def errors(bulk: BulkNode, told: dict) -> list[tuple[str, int, str]]:
    (file,) = told["error"]
    found = []
    for line in bulk.ask("GET", path_of(file["url"])).body.splitlines():
        outcome = json.loads(line)
        name, number = outcome["extension"]
        code = outcome["issue"][0]["details"]["coding"][0]["code"]
        found.append((name["valueString"], number["valueInteger"], code))
    assert len(found) == file["count"]
    return found


def test_a_file_is_taken_in_and_searchable_on_completion(bulk: BulkNode) -> None:
    told = bulk.take_in(
        manifest(write(bulk, "p.ndjson", patient("a"), patient("b", gender="male")))
    )
    assert told["output"] == [{"inputUrl": "p.ndjson", "count": 2, "unchanged": 0, "failed": 0}]
    assert told["error"] == []
    assert bulk.node.search("Patient", ("gender", "male")) == ["b"]


def test_the_same_again_writes_nothing(bulk: BulkNode) -> None:
    asked = manifest(write(bulk, "p.ndjson", patient("a"), patient("b")))
    bulk.take_in(asked)
    (output,) = bulk.take_in(asked)["output"]
    assert (output["count"], output["unchanged"]) == (0, 2)
    assert bulk.node.journal.tail() == 2


def test_parameters_ask_the_same(bulk: BulkNode) -> None:
    write(bulk, "p.ndjson", patient("a"))
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            {"name": "inputSource", "valueUri": "https://example.vn"},
            {"name": "input", "part": [{"name": "type", "valueCode": "Patient"},
                                       {"name": "url", "valueUri": "p.ndjson"}]},
        ],
    }  # fmt: skip
    (output,) = bulk.take_in(json.dumps(body).encode())["output"]
    assert (output["type"], output["count"]) == ("Patient", 1)


def test_each_broken_line_is_told_with_file_and_line(bulk: BulkNode) -> None:
    told = bulk.take_in(
        manifest(
            write(
                bulk, "p.ndjson",
                b'{"resourceType":"Patient", broken}',
                patient("a"),
                b"",
                patient("b", gender="nothing"),
                b'{"resourceType":"Nothing"}',
                b"\xff\xfe",
                patient("c"),
            ),
            {**write(bulk, "o.ndjson", patient("d"), patient("e")), "type": "Observation"},
        )
    )  # fmt: skip
    assert [(o["count"], o["failed"]) for o in told["output"]] == [(2, 4), (0, 2)]
    assert errors(bulk, told) == [
        ("p.ndjson", 1, "json-refused"),
        ("p.ndjson", 4, "fhir-invalid"),
        ("p.ndjson", 5, "fhir-unknown"),
        ("p.ndjson", 6, "json-refused"),
        ("o.ndjson", 1, "import-other-type"),
        ("o.ndjson", 2, "import-other-type"),
    ]
    assert bulk.node.search("Patient") == ["c", "a"]


@pytest.mark.parametrize("first", [b"{", b"[", b'{"resourceType":"Patient",'])
def test_a_first_line_that_breaks_off_costs_that_line(bulk: BulkNode, first: bytes) -> None:
    told = bulk.take_in(manifest(write(bulk, "p.ndjson", first, patient("a"), patient("b"))))
    assert [(o["count"], o["failed"]) for o in told["output"]] == [(2, 1)]
    assert errors(bulk, told) == [("p.ndjson", 1, "json-refused")]
    assert sorted(bulk.node.search("Patient")) == ["a", "b"]


def test_a_line_that_is_too_long_costs_that_line(bulk: BulkNode) -> None:
    told = bulk.take_in(
        manifest(write(bulk, "p.ndjson", patient("a"), b"x" * (9 << 20), patient("b")))
    )
    assert errors(bulk, told) == [("p.ndjson", 2, "file-too-large")]
    assert sorted(bulk.node.search("Patient")) == ["a", "b"]


def test_a_bundle_is_taken_in_whole(bulk: BulkNode) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": json.loads(patient("a"))}, {"resource": json.loads(patient("b"))}],
    }
    (bulk.files / "bundle.json").write_text(json.dumps(bundle, indent=2))
    (output,) = bulk.take_in(manifest({"url": "bundle.json"}))["output"]
    assert output["count"] == 2


def test_packed_files_are_unpacked(bulk: BulkNode) -> None:
    (bulk.files / "p.ndjson.gz").write_bytes(gzip.compress(patient("a") + b"\n" + patient("b")))
    (output,) = bulk.take_in(manifest({"url": "p.ndjson.gz"}))["output"]
    assert output["count"] == 2


def test_the_last_of_several_lines_for_one_resource_counts(bulk: BulkNode) -> None:
    lines = [patient("a", birthDate=f"19{n:02}") for n in range(40)]
    (output,) = bulk.take_in(manifest(write(bulk, "p.ndjson", *lines)))["output"]
    assert (output["count"], output["failed"]) == (40, 0)
    assert bulk.ask("GET", "/fhir/Patient/a").json["birthDate"] == "1939"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("missing.ndjson", "import-path"),
        ("../export/x", "import-path"),
        ("/etc/passwd", "import-path"),
        ("file:///etc/passwd", "import-path"),
        ("link.ndjson", "import-path"),
        ("http://127.0.0.1/x", "fetch-refused"),
        ("http://169.254.169.254/latest", "fetch-refused"),
        ("https://user:secret@example.vn/x", "fetch-refused"),
        ("ftp://example.vn/x", "import-path"),
    ],
)
def test_only_files_of_allowed_places_are_taken(bulk: BulkNode, url: str, code: str) -> None:
    (bulk.files / "link.ndjson").symlink_to("/etc/passwd")
    reply = bulk.ask(
        "POST", "/fhir/$import", manifest({"url": url}),
        content_type="application/json", **ASYNC,
    )  # fmt: skip
    assert reply.json["issue"][0]["details"]["coding"][0]["code"] == code
    assert reply.status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"input":[]}', b'{"input":[{"url":1}]}', b'{"input":"x"}',
        b'{"input":[{"url":"a"},{"url":"a"}]}', b'{"input":[{"url":"a","type":"Nothing"}]}',
        b'{"inputFormat":"text/csv","input":[{"url":"a"}]}', b'{"resourceType":"Patient"}',
        b'{"resourceType":"Parameters","parameter":[1]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_read_is_refused(bulk: BulkNode, body: bytes) -> None:
    reply = bulk.ask("POST", "/fhir/$import", body, content_type="application/json", **ASYNC)
    assert reply.status == 400
    assert reply.json["issue"][0]["details"]["coding"][0]["code"] == "import-manifest"


def test_an_import_is_cancelled(bulk: BulkNode, tmp_path: Path) -> None:
    status = bulk.start("/fhir/$import", manifest(write(bulk, "p.ndjson", patient("a"))))
    assert "0" in bulk.ask("GET", status).headers["x-progress"]
    assert bulk.ask("DELETE", status).status == 202
    bulk.work()
    assert bulk.ask("GET", status).status == 404
    assert list((tmp_path / "import").iterdir()) == []
