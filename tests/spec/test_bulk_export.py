"""Bulk export as a client meets it (Bulk Data Access IG 2.0)."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from tests.support.bulk import ASYNC, BulkNode, manifest, open_bulk_node, path_of
from tests.support.records import RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.base.disk import DiskState
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records import Access


@pytest.fixture
def bulk(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[BulkNode]:
    with open_bulk_node(database, tmp_path, clock, definitions) as opened:
        opened.node.put(
            patient("p1"), patient("p2"),
            observation("o1", "p1", 1), observation("o2", "p2", 2),
            {"resourceType": "Organization", "id": "org", "name": "Trạm Y tế Mẫu"},
        )  # fmt: skip
        yield opened


def patient(id: str, **more: object) -> dict:
    return {"resourceType": "Patient", "id": id, "name": [{"text": "Nguyễn Văn Mẫu"}], **more}


def observation(id: str, of: str, value: int, **more: object) -> dict:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": f"code-{value}"}]},
        "subject": {"reference": f"Patient/{of}"},
        "valueQuantity": {"value": value},
        **more,
    }


def parameters(**values: object) -> bytes:
    parts = [
        {"name": name, ("valueReference" if isinstance(value, dict) else "valueString"): value}
        for name, value in values.items()
    ]
    return json.dumps({"resourceType": "Parameters", "parameter": parts}).encode()


def code_of(reply: object) -> str:
    return reply.json["issue"][0]["details"]["coding"][0]["code"]


def test_an_export_is_asked_for_watched_and_fetched(bulk: BulkNode) -> None:
    kicked = bulk.ask("GET", "/fhir/$export", **ASYNC)
    assert kicked.status == 202
    status = path_of(kicked.headers["content-location"])
    waiting = bulk.ask("GET", status)
    assert waiting.status == 202
    assert waiting.body == b""
    assert "waiting" in waiting.headers["x-progress"]
    assert int(waiting.headers["retry-after"]) >= 1
    bulk.work()
    done = bulk.ask("GET", status)
    assert done.status == 200
    assert done.headers["content-type"] == "application/json"
    assert "expires" in done.headers
    manifest = done.json
    assert manifest["request"].endswith("/fhir/$export")
    assert manifest["transactionTime"] == "2026-11-22T02:12:00.000+00:00"
    assert manifest["requiresAccessToken"] is False
    assert manifest["deleted"] == [] and manifest["error"] == []
    lines = bulk.lines(manifest)
    assert set(lines) == {"Patient/p1", "Patient/p2", "Observation/o1", "Observation/o2",
                          "Organization/org"}  # fmt: skip
    read = bulk.ask("GET", "/fhir/Patient/p1").json
    assert json.loads(lines["Patient/p1"]) == read


def test_an_export_is_answered_asynchronously_only(bulk: BulkNode) -> None:
    reply = bulk.ask("GET", "/fhir/$export")
    assert (reply.status, code_of(reply)) == (400, "async-only")


def test_types_times_and_searches_choose(bulk: BulkNode, clock: FixedClock) -> None:
    assert set(bulk.lines(bulk.export("/fhir/$export?_type=Patient"))) == {
        "Patient/p1", "Patient/p2"}  # fmt: skip
    before = clock.now()
    clock.advance(timedelta(minutes=1))
    bulk.node.put(observation("o3", "p1", 3))
    since = before.isoformat().replace("+", "%2B")
    assert set(bulk.lines(bulk.export(f"/fhir/$export?_since={since}"))) == {"Observation/o3"}
    until = bulk.export(f"/fhir/$export?_until={since}&_type=Observation")
    assert set(bulk.lines(until)) == {"Observation/o1", "Observation/o2"}
    filtered = bulk.export(
        "/fhir/$export?_typeFilter=Observation%3Fcode%3Dcode-1"
        "&_typeFilter=Observation%3Fcode%3Dcode-3&_type=Observation,Organization"
    )
    assert set(bulk.lines(filtered)) == {"Observation/o1", "Observation/o3", "Organization/org"}


def test_elements_cut_and_say_so(bulk: BulkNode) -> None:
    lines = bulk.lines(bulk.export("/fhir/$export?_type=Observation&_elements=subject"))
    found = json.loads(lines["Observation/o1"])
    assert "valueQuantity" not in found
    assert found["subject"] and found["status"] == "final"
    assert found["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_a_group_is_exported_only_where_it_names_nobody_else(bulk: BulkNode) -> None:
    both = [{"entity": {"reference": f"Patient/{id}"}} for id in ("p1", "p2")]
    known = {"resourceType": "Group", "type": "person", "actual": True}
    bulk.node.put(
        {**known, "id": "both", "member": both},
        {**known, "id": "one", "member": both[:1]},
        {**known, "id": "odd", "member": [both[0], {"entity": {"display": "ai đó"}}]},
    )
    assert set(bulk.lines(bulk.export("/fhir/Group/both/$export"))) == {
        "Group/both", "Group/one", "Patient/p1", "Observation/o1", "Patient/p2", "Observation/o2",
    }  # fmt: skip
    one = parameters(patient={"reference": "Patient/p1"})
    for target in ("/fhir/Group/both/$export", "/fhir/Patient/$export"):
        assert set(bulk.lines(bulk.export(target, one))) == {
            "Group/one", "Patient/p1", "Observation/o1"}  # fmt: skip


def appointment(id: str, *whose: str) -> dict:
    actors = [{"actor": {"reference": one}, "status": "accepted"} for one in whose]
    return {"resourceType": "Appointment", "id": id, "status": "booked", "participant": actors}


def test_what_belongs_to_others_too_is_not_exported_with_one(bulk: BulkNode) -> None:
    one, other = {"reference": "Patient/p1"}, {"reference": "Patient/p2"}
    lists = {"resourceType": "List", "status": "current", "mode": "working", "subject": one}
    coverage = {"resourceType": "Coverage", "status": "active", "beneficiary": one}
    bulk.node.put(
        appointment("together", "Patient/p1", "Patient/p2"),
        appointment("alone", "Patient/p1", "Practitioner/dr"),
        appointment("elsewhere", "Patient/p1", "https://other.example/fhir/Patient/p1"),
        {**lists, "id": "own"},
        {**lists, "id": "of-both", "source": other},
        # Named, and not as whose it is.
        {**lists, "id": "entry", "entry": [{"item": other}]},
        observation("focus", "p1", 3, focus=[other]),
        {**coverage, "id": "own-card", "payor": [{"display": "BHXH"}]},
        {**coverage, "id": "card-of-a-child", "payor": [{"display": "BHXH"}], "subscriber": other},
        patient("p3", link=[{"other": other, "type": "seealso"}]),
    )  # fmt: skip
    chosen = bulk.export("/fhir/Patient/$export", parameters(patient=one))
    assert set(bulk.lines(chosen)) == {
        "Patient/p1", "Observation/o1", "Observation/focus", "Appointment/alone", "List/own",
        "List/entry", "Coverage/own-card",
    }  # fmt: skip
    alone = bulk.export("/fhir/Patient/$export", parameters(patient={"reference": "Patient/p3"}))
    assert set(bulk.lines(alone)) == {"Patient/p3"}
    everyone = set(bulk.lines(bulk.export("/fhir/Patient/$export")))
    assert {"Appointment/together", "List/of-both", "Coverage/card-of-a-child"} <= everyone


def test_the_members_of_a_group_keep_what_they_share(bulk: BulkNode) -> None:
    both = [{"entity": {"reference": f"Patient/{id}"}} for id in ("p1", "p2")]
    bulk.node.put(
        appointment("together", "Patient/p1", "Patient/p2"),
        {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": both},
    )
    assert "Appointment/together" in bulk.lines(bulk.export("/fhir/Group/g/$export"))


@pytest.mark.parametrize("hidden", ["Patient\\/p2", "\\u0050atient/p2"])
def test_an_escaped_name_hides_nobody(bulk: BulkNode, hidden: str) -> None:
    body = json.dumps(appointment("together", "Patient/p1", "Patient/p2"))
    (bulk.files / "a.ndjson").write_text(body.replace("Patient/p2", hidden))
    assert bulk.take_in(manifest({"url": "a.ndjson"}))["output"][0]["count"] == 1
    chosen = bulk.export("/fhir/Patient/$export", parameters(patient={"reference": "Patient/p1"}))
    assert set(bulk.lines(chosen)) == {"Patient/p1", "Observation/o1"}


def test_patients_and_groups_are_exported_with_what_belongs_to_them(bulk: BulkNode) -> None:
    assert set(bulk.lines(bulk.export("/fhir/Patient/$export"))) == {
        "Patient/p1", "Patient/p2", "Observation/o1", "Observation/o2"}  # fmt: skip
    chosen = bulk.export("/fhir/Patient/$export", parameters(patient={"reference": "Patient/p2"}))
    assert set(bulk.lines(chosen)) == {"Patient/p2", "Observation/o2"}
    bulk.node.put(
        {
            "resourceType": "Group", "id": "g", "type": "person", "actual": True,
            "member": [{"entity": {"reference": "Patient/p1"}},
                       {"entity": {"reference": "Patient/p2"}, "inactive": True}],
        }
    )  # fmt: skip
    assert set(bulk.lines(bulk.export("/fhir/Group/g/$export"))) == {
        "Patient/p1", "Observation/o1"}  # fmt: skip
    outside = bulk.export("/fhir/Group/g/$export", parameters(patient={"reference": "Patient/p2"}))
    assert bulk.lines(outside) == {}
    assert bulk.ask("GET", "/fhir/Group/none/$export", **ASYNC).status == 404


def test_what_is_restricted_is_in_no_file(bulk: BulkNode) -> None:
    bulk.node.put(observation("hidden", "p1", 9, meta=RESTRICTED))
    assert "Observation/hidden" not in bulk.lines(bulk.export("/fhir/$export"))
    bulk.callers.append(bulk.node.full)
    assert "Observation/hidden" in bulk.lines(bulk.export("/fhir/$export"))


def test_whoever_may_see_some_organisations_gets_nothing_yet(bulk: BulkNode) -> None:
    one = Access("clerk", "TREAT", False, bulk.node.trail, "Organization/1", frozenset({"x"}))
    bulk.callers.append(one)
    status = bulk.start("/fhir/$export")
    # The access is made again from what the job keeps.
    kept = [f.kept() for f in bulk.bulk.exports.folders._all()]
    assert kept[0].owner.organisation == "Organization/1"
    assert status


def test_what_was_deleted_since_is_told(bulk: BulkNode, clock: FixedClock) -> None:
    before = clock.now()
    clock.advance(timedelta(minutes=1))
    bulk.node.put(observation("gone-too", "p1", 5, meta=RESTRICTED))
    bulk.node.delete("Observation", "gone-too")
    bulk.node.delete("Observation", "o2")
    since = before.isoformat().replace("+", "%2B")
    manifest = bulk.export(f"/fhir/$export?_since={since}")
    (bundle,) = bulk.lines(manifest, "deleted").values()
    assert json.loads(bundle)["entry"] == [
        {"request": {"method": "DELETE", "url": "Observation/o2"}}]  # fmt: skip
    assert manifest["output"] == []


def test_the_trail_names_whom_a_file_shows_before_it_is_served(bulk: BulkNode) -> None:
    bulk.node.trail.shown_to.clear()
    bulk.export("/fhir/$export?_type=Observation")
    reasons = [reason for _, _, reason in bulk.node.trail.shown_to]
    assert reasons[0] == "export system Observation: begin"
    assert reasons[-1] == "export system Observation: end"
    assert {len(persons) for _, persons, _ in bulk.node.trail.shown_to[1:-1]} == {2}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("_type=Nothing", "export-parameter"),
        ("_since=yesterday", "export-parameter"),
        ("_since=2026-01-01", "export-parameter"),
        ("_outputFormat=text/csv", "export-parameter"),
        ("_typeFilter=Observation", "export-parameter"),
        ("_typeFilter=Observation%3Fcode%3D1&_type=Patient", "export-parameter"),
        ("_typeFilter=Observation%3Fnothing%3D1", "search-parameter-unknown"),
        ("_elements=../x", "export-parameter"),
        ("includeAssociatedData=LatestProvenanceResources", "export-unsupported"),
        ("organizeOutputBy=Patient", "export-unsupported"),
        ("patient=Patient/p1", "export-parameter"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(bulk: BulkNode, query: str, code: str) -> None:
    reply = bulk.ask("GET", f"/fhir/$export?{query}", **ASYNC)
    assert (reply.status in (400, 501), code_of(reply)) == (True, code)


def test_a_lenient_caller_has_it_passed_over(bulk: BulkNode) -> None:
    lenient = {"prefer": "respond-async, handling=lenient"}
    for query in ("includeAssociatedData=x", "_type=Patient,Nothing"):
        assert bulk.ask("GET", f"/fhir/$export?{query}", **lenient).status == 202


def test_a_file_is_served_packed_or_in_ranges(bulk: BulkNode) -> None:
    manifest = bulk.export("/fhir/$export?_type=Patient")
    target = path_of(manifest["output"][0]["url"])
    whole = bulk.ask("GET", target)
    assert whole.headers["content-type"] == "application/fhir+ndjson"
    packed = bulk.ask("GET", target, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == whole.body
    packed = bulk.ask("GET", target, accept_encoding="gzip;q=0.5, zstd")
    assert zstandard.ZstdDecompressor().stream_reader(packed.body).read() == whole.body
    part = bulk.ask("GET", target, range="bytes=5-9")
    assert (part.status, part.body) == (206, whole.body[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(whole.body)}"
    assert bulk.ask("GET", target, range="bytes=-7").body == whole.body[-7:]
    assert bulk.ask("GET", target, range="bytes=99999999-").status == 416
    changed = bulk.ask("GET", target, range="bytes=5-9", if_range='"another"')
    assert (changed.status, changed.body) == (200, whole.body)


def test_a_file_is_served_to_who_accepts_ndjson_only(bulk: BulkNode) -> None:
    manifest = bulk.export("/fhir/$export?_type=Patient")
    target = path_of(manifest["output"][0]["url"])
    for accepted in ("application/fhir+ndjson", "application/ndjson", "application/x-ndjson"):
        reply = bulk.ask("GET", target, accept=accepted)
        assert reply.status == 200, accepted


def test_nobody_else_sees_a_job_or_its_files(bulk: BulkNode) -> None:
    status = bulk.start("/fhir/$export")
    bulk.work()
    target = path_of(bulk.ask("GET", status).json["output"][0]["url"])
    bulk.callers.append(bulk.node.full)
    for method, place in (("GET", status), ("GET", target), ("DELETE", status)):
        assert bulk.ask(method, place).status == 404
    bulk.callers.pop()
    assert bulk.ask("GET", target).status == 200
    for name in ("request.json", "..%2Frequest.json", "Patient.9999.ndjson", ""):
        assert bulk.ask("GET", target.rpartition("=")[0] + f"={name}").status == 404
    assert bulk.ask("GET", "/fhir/$export-status?job=../../x").status == 404


def test_a_cancelled_export_leaves_nothing(bulk: BulkNode, tmp_path: Path) -> None:
    waiting = bulk.start("/fhir/$export")
    done = bulk.start("/fhir/$export")
    assert bulk.ask("DELETE", waiting).status == 202
    bulk.work()
    assert bulk.ask("GET", waiting).status == 404
    assert bulk.ask("DELETE", waiting).status == 404
    assert bulk.ask("DELETE", done).status == 202
    assert bulk.ask("GET", done).status == 404
    assert list((tmp_path / "export").iterdir()) == []


def test_files_expire(bulk: BulkNode, tmp_path: Path, clock: FixedClock) -> None:
    status = bulk.start("/fhir/$export")
    bulk.work()
    assert bulk.bulk.exports.folders.sweep() == 0
    clock.advance(timedelta(days=400))
    assert bulk.ask("GET", status).status == 404
    assert bulk.bulk.exports.folders.sweep() == 1
    assert list((tmp_path / "export").iterdir()) == []


def test_one_caller_has_few_exports_at_a_time(bulk: BulkNode) -> None:
    for _ in range(4):
        bulk.start("/fhir/$export")
    reply = bulk.ask("GET", "/fhir/$export", **ASYNC)
    assert (reply.status, code_of(reply)) == (429, "jobs-too-many")
    assert "retry-after" in reply.headers


def test_a_full_disk_stops_an_export_until_there_is_room(bulk: BulkNode, clock: FixedClock) -> None:
    status = bulk.start("/fhir/$export")
    bulk.disk.append(DiskState(free=1, warn=10, stop=10))
    bulk.work()
    assert bulk.ask("GET", status).status == 202
    bulk.disk.pop()
    clock.advance(timedelta(hours=1))
    bulk.work()
    assert bulk.ask("GET", status).status == 200


def test_an_export_stands_at_the_position_where_it_was_planned(
    bulk: BulkNode, clock: FixedClock
) -> None:
    status = bulk.start("/fhir/$export?_type=Observation")
    bulk.disk.append(DiskState(free=1, warn=10, stop=10))
    bulk.work()  # planned, nothing written
    bulk.node.put(observation("o1", "p1", 77), observation("late", "p1", 5))
    bulk.node.put(observation("o2", "p2", 2, meta=RESTRICTED))
    bulk.disk.pop()
    clock.advance(timedelta(minutes=5))
    bulk.work()
    lines = bulk.lines(bulk.ask("GET", status).json)
    # As it was there; what was restricted meanwhile is left out all the same.
    assert set(lines) == {"Observation/o1"}
    assert json.loads(lines["Observation/o1"])["valueQuantity"]["value"] == 1


def test_the_statement_names_the_operations(bulk: BulkNode) -> None:
    rest = bulk.ask("GET", "/fhir/metadata").json["rest"][0]
    named = {one["name"] for one in rest["operation"]}
    assert {"export", "import"} <= named
    patient = next(one for one in rest["resource"] if one["type"] == "Patient")
    assert any("patient-export" in one["definition"] for one in patient["operation"])
