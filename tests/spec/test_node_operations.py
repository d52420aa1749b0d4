"""The operations of a whole node: the statement names what works, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.asgi import Reply, ask
from tests.support.profiles import URL, profile, tgz
from tests.support.record import record
from trucyte.base.settings import DatabaseSettings, Settings
from trucyte.database.connect import Database
from trucyte.node.api.operations import stored_view
from trucyte.node.language import DEFINITIONS
from trucyte.node.serve import make_site
from trucyte.node.wiring import Node, open_node

FHIR = "application/fhir+json"
GENDER = "http://hl7.org/fhir/administrative-gender"
MAP = {
    "resourceType": "ConceptMap", "id": "m", "status": "active", "url": "urn:m",
    "group": [{"source": GENDER, "target": "urn:t", "element": [
        {"code": "male", "target": [{"code": "1", "equivalence": "equal"}]}]}],
}  # fmt: skip
COMPOSITION = {
    "resourceType": "Composition", "id": "k1", "status": "final", "type": {"text": "x"},
    "date": "2026-11-01", "author": [{"reference": "Practitioner/d1"}], "title": "x",
    "subject": {"reference": "Patient/p1"},
}  # fmt: skip
VIEW = {"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}]}
TAGGED = {"resourceType": "Parameters", "parameter": [
    {"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "a"}]}}]}  # fmt: skip

# How each operation of the statement is called so that it has something to say.
CALLS: dict[str, tuple[str, str, Any]] = {
    "CodeSystem/lookup": ("GET", f"CodeSystem/$lookup?system={quote(GENDER)}&code=male", None),
    "CodeSystem/validate-code": (
        "GET", f"CodeSystem/$validate-code?url={quote(GENDER)}&code=male", None),
    "CodeSystem/subsumes": (
        "GET", f"CodeSystem/$subsumes?system={quote(GENDER)}&codeA=male&codeB=male", None),
    "ValueSet/expand": (
        "GET", "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender", None),
    "ValueSet/validate-code": (
        "GET",
        "ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/administrative-gender&code=male",
        None,
    ),
    "ConceptMap/translate": (
        "GET", f"ConceptMap/m/$translate?system={quote(GENDER)}&code=male", None),
    "Composition/document": ("GET", "Composition/k1/$document", None),
    "Patient/everything": ("GET", "Patient/p1/$everything", None),
    "Encounter/everything": ("GET", "Encounter/e1/$everything", None),
    "Patient/summary": ("GET", "Patient/p1/$summary", None),
    "Patient/match": ("POST", "Patient/$match", {
        "resourceType": "Patient", "name": [{"text": "Nguyễn Văn Mẫu"}],
        "birthDate": "1985-03-02"}),
    "Patient/ihe-pix": (
        "GET", "Patient/$ihe-pix?sourceIdentifier=" + quote("http://127.0.0.1:8080/fhir|Patient/p1"),
        None,
    ),
    "validate": ("POST", "Patient/$validate", {"resourceType": "Patient"}),
    "graphql": ("GET", "$graphql?query=" + quote("{Patient(id:p1){birthDate}}"), None),
    "meta": ("GET", "Patient/p1/$meta", None),
    "meta-add": ("POST", "Patient/p2/$meta-add", TAGGED),
    "meta-delete": ("POST", "Patient/p2/$meta-delete", TAGGED),
    "viewdefinition-run": (
        "POST", "$viewdefinition-run?_format=json", {**VIEW, "resourceType": "ViewDefinition"}),
}  # fmt: skip

ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "Patient/p1"},
}
# Those that only answer to what was begun before: what is asked here is not there.
LATER = {
    "standing": ("GET", "Practitioner/none/$standing", 404),
    "successors": ("GET", "Organization/none/$successors", 404),
    "merge": ("POST", "Patient/$merge", 422),
    "unmerge": ("POST", "Patient/$unmerge", 422),
    "links": ("GET", "Patient/none/$links", 404),
    "export": ("GET", "$export", 400),
    "export-status": ("GET", "$export-status?job=none", 404),
    "export-file": ("GET", "$export-file?job=none&file=Patient.1.ndjson", 404),
    "import": ("POST", "$import", 400),
    "import-status": ("GET", "$import-status?job=none", 404),
    "import-file": ("GET", "$import-file?job=none&file=x", 404),
    "reindex-status": ("GET", "$reindex-status", 200),
    "reindex-stop": ("POST", "SearchParameter/none/$reindex-stop", 404),
    "reindex-resume": ("POST", "SearchParameter/none/$reindex-resume", 404),
    "status": ("GET", "Subscription/none/$status", 404),
    "events": ("GET", "Subscription/none/$events", 404),
    "get-ws-binding-token": ("GET", "Subscription/none/$get-ws-binding-token", 404),
    "secret": ("GET", "Subscription/none/$secret", 404),
}


@pytest.fixture
def node(database: Database, tmp_path: Path) -> Iterator[Node]:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")
    settings = Settings(data=tmp_path, database=DatabaseSettings(url=database.url))
    with open_node(settings) as opened:
        yield opened


@pytest.fixture
def site(node: Node) -> Any:
    made = make_site(node)
    for resource in [*record(), MAP, COMPOSITION, ENCOUNTER]:
        place = f"{resource['resourceType']}/{resource['id']}"
        assert call(made, "PUT", place, resource).status in (200, 201), place
    return made


def call(site: Any, method: str, target: str, resource: Any = None) -> Reply:
    body = b"" if resource is None else json.dumps(resource).encode()
    return ask(site, method, f"/fhir/{target}", body=body, headers={"content-type": FHIR})


def test_the_statement_says_whose_parts_the_node_plays(site: Any) -> None:
    told = call(site, "GET", "metadata").json["instantiates"]
    for part in ("mCSD", "mCSD.Directory", "mCSD.Directory.Update", "PDQm", "PIXm.Manager"):
        assert any(f"IHE.{part}" in url for url in told), part


def test_every_operation_of_the_statement_answers(site: Any) -> None:
    rest = call(site, "GET", "metadata").json["rest"][0]
    promised = {one["name"] for one in rest["operation"]}
    for resource in rest["resource"]:
        for one in resource["operation"]:
            own = f"{resource['type']}/{one['name']}"
            promised.add(own if own in CALLS else one["name"])
    assert promised == set(CALLS) | set(LATER)
    for name, (method, target, body) in CALLS.items():
        reply = call(site, method, target, body)
        assert reply.status == 200, (name, reply.body)
    for name, (method, target, status) in LATER.items():
        assert call(site, method, target).status == status, name
    assert "match" not in promised


def test_a_package_added_while_it_serves_counts_at_once(
    site: Any, node: Node, tmp_path: Path
) -> None:
    target = f"Patient/$validate?profile={URL}named"
    patient = {"resourceType": "Patient"}
    before = call(site, "POST", target, patient).json["issue"]
    assert before[0]["diagnostics"].startswith("profile")
    folder = tmp_path / "packages"
    folder.mkdir()
    named = profile("named", "Patient", {"path": "name", "min": 1})
    manifest = {"name": "test.pack", "version": "1.0.0", "dependencies": {}}
    (folder / "test.pack#1.0.0.tgz").write_bytes(
        tgz({
            "package/package.json": json.dumps(manifest).encode(),
            "package/StructureDefinition-named.json": json.dumps(named).encode(),
        })
    )  # fmt: skip
    outcome = call(site, "POST", target, patient).json["issue"]
    assert [one["severity"] for one in outcome] == ["error", "information"]
    assert "name" in outcome[0]["details"]["text"]
    assert "test.pack 1.0.0" in outcome[-1]["details"]["text"]


def test_views_are_files_of_the_folder_and_nothing_outside_it(tmp_path: Path) -> None:
    folder = tmp_path / "views"
    folder.mkdir()
    (folder / "a.json").write_bytes(b"{}")
    (tmp_path / "secret.json").write_bytes(b"{}")
    assert stored_view(folder, "a") == b"{}"
    for name in ("b", "../secret", "..", ".", "/etc/passwd", "a/../../secret", ""):
        assert stored_view(folder, name) is None
