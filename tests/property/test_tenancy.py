"""What one organisation is answered does not depend on whether others have anything here.

Two nodes hold the same of organisation A. The other one holds look-alikes of B and C too,
some of them about A's patients, and goes on getting more, and state secrets of A's own.
Everything the API can do is asked of both as A: the answers must be the same, byte for byte,
what is left to chance aside. An interaction or operation without a row here fails the test.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import fresh_database
from tests.support.asgi import Reply
from tests.support.serving import needs_definitions
from tests.support.worlds import OTHERS, REGISTERS, World, look_alike, open_world, told
from trucyte.base.clock import FixedClock
from trucyte.web.api.routes import Place
from trucyte.web.views.look import DEEDS

Ask = Callable[[World], Sequence[Reply]]
FORM = "application/x-www-form-urlencoded"
START = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Worlds:
    """The node that holds A's alone, and the one that all share."""

    alone: World = field(repr=False)
    shared: World = field(repr=False)

    def agree(self, ask: Ask) -> None:
        alone, shared = ask(self.alone), ask(self.shared)
        assert len(shared) == len(alone)
        for of_shared, of_alone in zip(map(told, shared), map(told, alone), strict=True):
            assert of_shared == of_alone, difference(of_shared[2], of_alone[2])


@pytest.fixture(scope="module")
def worlds(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    needs_definitions()
    with (
        fresh_database(server_url, template="template0") as one,
        fresh_database(server_url, template="template0") as other,
        open_world(one, tmp_path_factory.mktemp("alone"), FixedClock(START)) as alone,
        open_world(other, tmp_path_factory.mktemp("shared"), FixedClock(START)) as shared,
    ):
        for world in (alone, shared):
            world.put("", *REGISTERS)
        shared.put("b", *look_alike("b"), patient("b-only", "only-b"))
        # Between any two of A's there is one of another.
        others = iter([*look_alike("c"), *look_alike("c", "b")])
        for resource in look_alike("a"):
            alone.put("a", resource)
            shared.put("a", resource)
            shared.plant("a", {**resource, "id": resource["id"].replace("a-", "s-", 1)})
            if (of_another := next(others, None)) is not None:
                shared.put("c", of_another)
        shared.put("c", *others)
        shared.put("b", *look_alike("b", "a"))
        # What A writes of a patient of B's is A's, and the patient is not there for it.
        for world in (alone, shared):
            world.put("a", *look_alike("a", "b"))
        shared.plant("a", *look_alike("s"), *look_alike("s", "a"), patient("s-only", "only-s"))
        assert shared.ask("b", "DELETE", "/Observation/b-o3").status == 204
        assert shared.ask("c", "DELETE", "/Patient/c-p2").status == 204
        yield Worlds(alone, shared)


def difference(of_shared: bytes, of_alone: bytes) -> str:
    """Where two bodies part."""
    at = next(
        (n for n, pair in enumerate(zip(of_shared, of_alone, strict=False)) if len({*pair}) > 1), 0
    )
    near = slice(max(at - 200, 0), at + 200)
    return f"shared: {of_shared[near]!r}\nalone: {of_alone[near]!r}"


def get(*targets: str, **headers: str) -> Ask:
    return lambda world: [world.ask("a", "GET", target, **headers) for target in targets]


def send(method: str, target: str, body: Any = None, **headers: str) -> Ask:
    return lambda world: [world.ask("a", method, target, body, **headers)]


def form(target: str, *bodies: bytes) -> Ask:
    return lambda world: [
        world.ask("a", "POST", target, body, content_type=FORM) for body in bodies
    ]


def paged(target: str) -> Ask:
    """All pages, by their links."""

    def walk(world: World) -> Sequence[Reply]:
        replies = [world.ask("a", "GET", target)]
        while len(replies) < 200 and replies[-1].status == 200:
            links = {link["relation"]: link["url"] for link in replies[-1].json["link"]}
            if "next" not in links:
                break
            replies.append(world.ask("a", "GET", links["next"].partition("/fhir")[2]))
        return replies

    return walk


def then(*asks: Ask) -> Ask:
    return lambda world: [reply for ask in asks for reply in ask(world)]


def patient(id: str = "", value: str = "so-9", **more: Any) -> dict[str, Any]:
    known = {"id": id} if id else {}
    identifier = [{"system": "urn:so", "value": value}]
    return {"resourceType": "Patient", **known, "identifier": identifier, **more}


def matched(**more: Any) -> Ask:
    """Who someone may be, of an index that has seen all."""

    def ask(world: World) -> Sequence[Reply]:
        world.lay_out()
        return [world.ask("a", "POST", "/Patient/$match", patient(**more))]

    return ask


def merging(source: str, target: str, **more: bool) -> dict[str, Any]:
    ends = {"source-patient": source, "target-patient": target}
    parts = [{"name": name, "valueReference": {"reference": f"Patient/{id}"}}
             for name, id in ends.items()]  # fmt: skip
    parts += [{"name": name, "valueBoolean": flag} for name, flag in more.items() if flag]
    return {"resourceType": "Parameters", "parameter": parts}


def bundle(type: str, *entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def entry(method: str, url: str, resource: Any = None, **more: str) -> dict[str, Any]:
    held = {"resource": resource} if resource else {}
    return {**held, "request": {"method": method, "url": url, **more}}


def in_order(reply: Reply) -> Reply:
    chance = re.compile(rb"[0-9a-z]{26}|\"(versionId|lastUpdated)\":\"[^\"]*\"")
    lines = sorted(reply.body.splitlines(keepends=True), key=lambda line: chance.sub(b"", line))
    return replace(reply, body=b"".join(lines))


def exported(target: str) -> Ask:
    """The whole of an export: asked for, done, its manifest and its files."""

    def run(world: World) -> Sequence[Reply]:
        kicked = world.ask("a", "GET", target, prefer="respond-async")
        if kicked.status != 202:
            return [kicked]
        world.work()
        status = kicked.headers["content-location"].partition("/fhir")[2]
        done = world.ask("a", "GET", status)
        files = [file["url"].partition("/fhir")[2] for file in done.json["output"]]
        gone = [file["url"].partition("/fhir")[2] for file in done.json.get("deleted", ())]
        # Two processes write the files; in which order lines stand is not promised.
        return [done, *(in_order(world.ask("a", "GET", file)) for file in (*files, *gone))]

    return run


NOTE = [{"op": "add", "path": "/active", "value": True}]
PATCH = "application/json-patch+json"
TAG = {
    "resourceType": "Parameters",
    "parameter": [{"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "t"}]}}],
}
VIEW = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "viewResource",
            "resource": {
                "resourceType": "ViewDefinition",
                "status": "draft",
                "resource": "Observation",
                "select": [
                    {
                        "column": [
                            {"name": "id", "path": "id"},
                            {"name": "of", "path": "subject.getReferenceKey(Patient)"},
                        ]
                    }
                ],
            },
        },
        {"name": "_format", "valueCode": "json"},
    ],
}
SEARCHES = (
    "/Patient", "/Patient?_total=accurate", "/Patient?_total=estimate", "/Patient?_summary=count",
    "/Patient?_count=0&_total=accurate", "/Patient?identifier=urn:so|so-1", "/Patient?_id=b-p1",
    "/Patient?_id=a-p1,b-p1,c-p1", "/Patient?name=nguyen", "/Patient?name:exact=Nguyễn",
    "/Patient?name:contains=guy", "/Patient?birthdate=ge1990-01-02", "/Patient?gender:not=female",
    "/Patient?email:missing=true", "/Patient?general-practitioner=Practitioner/dr",
    "/Patient?_lastUpdated=ge2020", "/Patient?_sort=-birthdate", "/Patient?_sort=name,-_id",
    "/Patient?_has:Observation:patient:code=8310-5",
    "/Patient?_has:Observation:patient:_has:Provenance:target:_id=b-pv",
    "/Patient?_has:Group:member:_id=b-of-a-g1", "/Patient?_has:Condition:patient:_id=b-of-a-c1",
    "/Patient?_revinclude=Observation:patient&_revinclude=Provenance:target",
    "/Patient?_revinclude=*", "/Patient?_id=a-p1&_revinclude:iterate=*&_include:iterate=*",
    "/Observation?code=http://loinc.org|8310-5", "/Observation?code:text=nhiet",
    "/Observation?value-quantity=gt37||Cel", "/Observation?date=2026-03-02",
    "/Observation?subject=Patient/b-p1", "/Observation?patient=Patient/a-p1",
    "/Observation?patient.identifier=urn:so|so-1", "/Observation?patient:Patient.name=nguyen",
    "/Observation?encounter.patient.birthdate=1990-01-01", "/Observation?patient._id=b-p1",
    "/Observation?performer:Practitioner._has:Patient:general-practitioner:_id=b-p1",
    "/Observation?code-value-quantity=8310-5$gt37", "/Observation?_sort=-value-quantity",
    "/Observation?_include=Observation:patient&_include=Observation:encounter",
    "/Observation?_include=*&_sort=code", "/Observation?_filter=patient eq Patient/b-p1",
    "/Observation?_filter=code eq 8310-5 and value-quantity gt 37", "/Observation?_elements=code",
    "/Observation?_summary=true", "/Observation?_explain=true",
    "/Patient?_explain=true&name=nguyen", "/Observation?subject:missing=true",
    "/RiskAssessment?probability=gt0.4", "/Practitioner", "/Organization?name=tram",
    "/Practitioner?_revinclude=*", "/Practitioner?_has:Patient:general-practitioner:_id=b-p1",
    "/Practitioner?_has:Observation:performer:patient=Patient/b-p1", "/Provenance?_sort=_id",
    "/Provenance?target=Patient/a-p1", "/Composition?entry.code=8310-5",
    "/Group?member=Patient/a-p1",
    "/Location?near=10|106|9|km", "/CodeSystem?url:below=http://x", "/AuditEvent",
)  # fmt: skip

# Every interaction that the API routes. Those that write change both nodes alike.
INTERACTIONS: Mapping[tuple[Place, str], Sequence[Ask]] = {
    (Place.METADATA, "GET"): [get("/metadata", "/metadata?mode=terminology")],
    (Place.BASE, "GET"): [
        get("/", "/?_page=made-up", "/?_type=Patient,Observation&_total=accurate"),
        paged("/?_type=Patient,Encounter&_count=2"),
    ],
    (Place.SYSTEM_SEARCH, "POST"): [form("/_search", b"_type=Patient,Observation", b"_id=b-p1")],
    (Place.TYPE, "GET"): [
        get(*SEARCHES),
        *(paged(f"/Observation?_count=1&_sort={key}") for key in
          ("_lastUpdated", "-date", "value-quantity", "code", "patient", "_id")),
        paged("/Observation?_count=2"),
    ],
    (Place.TYPE_SEARCH, "POST"): [
        form("/Patient/_search", b"identifier=urn:so%7Cso-1&_total=accurate", b"_id=b-p2")
    ],
    (Place.COMPARTMENT, "GET"): [
        get(*(f"/Patient/{id}/{kind}" for id in ("a-p1", "b-p1", "none")
              for kind in ("Observation", "*", "Provenance?_summary=count")),
            "/Practitioner/dr/Observation", "/Encounter/b-e1/Observation")
    ],
    (Place.COMPARTMENT_SEARCH, "POST"): [
        form("/Patient/a-p1/Observation/_search", b"code=8310-5"),
        form("/Patient/b-p1/Observation/_search", b"code=8310-5"),
    ],
    (Place.INSTANCE, "GET"): [
        get("/Patient/a-p1", "/Patient/b-p1", "/Patient/none", "/Observation/a-shut",
            "/Observation/b-shut", "/Provenance/b-of-a-pv", "/Practitioner/dr",
            "/Patient/a-p1?_summary=true", "/Patient/b-p1?_format=xml"),
        get("/Patient/b-p1", "/Patient/a-p1", if_none_match='W/"1"'),
    ],
    (Place.VERSION, "GET"): [
        get(*(f"/Patient/{id}/_history/{n}" for id in ("a-p1", "b-p1", "none") for n in (1, 2)))
    ],
    (Place.INSTANCE_HISTORY, "GET"): [
        get("/Patient/a-p1/_history", "/Patient/b-p1/_history", "/Observation/b-shut/_history",
            "/Practitioner/dr/_history")
    ],
    (Place.TYPE_HISTORY, "GET"): [
        get("/Patient/_history", "/Observation/_history?_count=3", "/Patient/_history?_since=2020",
            "/Patient/_history?_at=2026"),
        paged("/Observation/_history?_count=2"),
    ],
    (Place.SYSTEM_HISTORY, "GET"): [get("/_history"), paged("/_history?_count=3")],
    (Place.TYPE, "POST"): [
        send("POST", "/Patient", patient()),
        # B's meets this one; A's does not.
        send("POST", "/Patient", patient(value="only-b"), if_none_exist="identifier=only-b"),
        send("POST", "/Patient", patient(value="so-1"), if_none_exist="identifier=so-1"),
        send("POST", "/CodeSystem", {"resourceType": "CodeSystem", "status": "draft",
                                     "content": "complete"}),
        send("POST", "/SearchParameter", {"resourceType": "SearchParameter", "status": "draft",
             "url": "urn:x", "name": "x", "description": "x", "code": "x", "base": ["Patient"],
             "type": "string", "expression": "Patient.name.text"}),
    ],
    (Place.INSTANCE, "PUT"): [
        send("PUT", "/Patient/a-p2", patient("a-p2", "so-2", active=True)),
        send("PUT", "/Patient/a-new", patient("a-new", "so-new")),
        # That an id is taken cannot be hidden; everything else is as if it were free.
        send("PUT", "/Patient/b-p1", patient("b-p1"), if_match='W/"1"'),
        send("PUT", "/Practitioner/dr", {"resourceType": "Practitioner", "id": "dr"}),
        send("PUT", "/Organization/org-a", {"resourceType": "Organization", "id": "org-a",
                                            "name": "Trạm a mới"}),
    ],
    (Place.TYPE, "PUT"): [
        send("PUT", "/Patient?identifier=only-b", patient(value="only-a")),
        send("PUT", "/Patient?identifier=only-a", patient(value="only-a", active=False)),
    ],
    (Place.INSTANCE, "PATCH"): [
        send("PATCH", "/Patient/a-p1", NOTE, content_type=PATCH),
        send("PATCH", "/Patient/b-p1", NOTE, content_type=PATCH),
        send("PATCH", "/Patient/b-p1", NOTE, content_type=PATCH, if_match='W/"1"'),
    ],
    (Place.TYPE, "PATCH"): [
        send("PATCH", "/Patient?identifier=so-1", NOTE, content_type=PATCH),
        send("PATCH", "/Patient?identifier=only-b", NOTE, content_type=PATCH),
    ],
    (Place.INSTANCE, "DELETE"): [
        send("DELETE", "/Observation/b-o1"),
        send("DELETE", "/Observation/b-o1", if_match='W/"1"'),
        send("DELETE", "/Observation/a-o3"),
        send("DELETE", "/Observation/none"),
        get("/Observation/a-o3", "/Observation/a-o3/_history", "/Observation/b-gone",
            "/Observation/b-gone/_history", "/Observation/_history"),
    ],
    (Place.TYPE, "DELETE"): [
        send("DELETE", "/Patient?identifier=only-b"),
        send("DELETE", "/Patient?identifier=only-a"),
    ],
    (Place.BASE, "POST"): [
        send("POST", "/", bundle(
            "batch", *(entry("GET", target[1:]) for target in SEARCHES[:30]),
            entry("GET", "Patient/b-p1"), entry("DELETE", "Observation/b-o2"),
            entry("PUT", "Patient?identifier=only-b", patient(value="batch-a")),
        )),
        send("POST", "/", bundle(
            "transaction",
            entry("POST", "Condition", {"resourceType": "Condition", "subject": {
                "reference": "Patient?identifier=urn:so|so-1"}}),
            entry("GET", "Observation?patient=Patient/a-p1"),
        )),
        send("POST", "/", bundle(
            "transaction",
            entry("POST", "Condition", {"resourceType": "Condition", "subject": {
                "reference": "Patient?identifier=only-b"}}),
        )),
        send("POST", "/", bundle(
            "transaction", entry("PATCH", "Patient/b-p1", {"resourceType": "Parameters"}))),
    ],
}  # fmt: skip

# Every operation there is, by name; what its row says of levels is asked at each of them.
OPERATIONS: Mapping[str, Sequence[Ask]] = {
    "export": [
        exported("/$export"),
        exported("/$export?_type=Patient,Observation&_typeFilter=Observation%3Fcode%3D8310-5"),
        exported("/Patient/$export"),
        exported("/Group/a-g1/$export"),
        exported("/Group/b-g1/$export"),
        exported("/Group/b-of-a-g1/$export"),
        exported("/$export?_since=2020-01-01T00:00:00Z"),
    ],
    "export-status": [get("/$export-status?job=none")],
    "export-file": [get("/$export-file?job=none&file=Patient.1.ndjson")],
    "import": [send("POST", "/$import", {"input": []}, prefer="respond-async")],
    "import-status": [get("/$import-status?job=none")],
    "import-file": [get("/$import-file?job=none&file=x")],
    "everything": [
        *(
            paged(f"/{one}/$everything?_count=2")
            for one in (
                "Patient/a-p1",
                "Encounter/a-e1",
                "Patient/b-p1",
                "Patient/none",
                "Encounter/b-of-a-e1",
            )
        ),
        get("/Patient/$everything", "/Patient/a-p1/$everything?_type=Observation,Provenance"),
    ],
    "summary": [
        get(
            "/Patient/a-p1/$summary",
            "/Patient/b-p1/$summary",
            "/Patient/$summary?identifier=urn:so|so-1",
            "/Patient/$summary?identifier=urn:so|only-b",
        )
    ],
    "match": [
        matched(name=[{"text": text}], **more)
        for text in ("Nguyễn Văn Thử 2", "Nguyễn")
        for more in ({}, {"birthDate": "1990-01-02"}, {"birthDate": "1990"})
    ],
    "ihe-pix": [
        get(
            "/Patient/$ihe-pix?sourceIdentifier=urn:so|so-1",
            "/Patient/$ihe-pix?sourceIdentifier=urn:so|only-b",
            "/Patient/$ihe-pix?sourceIdentifier=urn:b|1",
            "/Patient/$ihe-pix?sourceIdentifier=urn:so|so-1&targetSystem=urn:b",
        ),
        get(
            *(
                f"/Patient/$ihe-pix?sourceIdentifier=http://127.0.0.1:8080/fhir|Patient/{id}"
                for id in ("a-p1", "b-p1", "none")
            )
        ),
    ],
    "document": [
        get(
            "/Composition/a-doc/$document",
            "/Composition/b-doc/$document",
            "/Composition/b-of-a-doc/$document",
            "/Composition/none/$document",
        )
    ],
    "graphql": [
        get(
            "/Patient/a-p1/$graphql?query={id,name{family}}",
            "/Patient/b-p1/$graphql?query={id}",
            "/$graphql?query={PatientList(name:%22nguyen%22){id}}",
            "/$graphql?query={Patient(id:%22b-p1%22){id}}",
            "/$graphql?query={ObservationList(code:%228310-5%22){id,subject{resource{"
            "...on%20Patient{id,name{family}}}}}}",
            "/$graphql?query={ObservationConnection(_count:1){count,edges{resource{id}}}}",
            "/Patient/a-p1/$graphql?query={id,ObservationList(_reference:patient){id}}",
        ),
    ],
    "merge": [
        *(
            send("POST", "/Patient/$merge", merging("a-p1", id, preview=is_preview))
            for id in ("b-p1", "c-p1", "none", "a-p2")
            for is_preview in (True, False)
        ),
        get("/Observation?patient=a-p2", "/Observation?patient=a-p2&_links=exact"),
    ],
    "links": [get("/Patient/a-p1/$links", "/Patient/a-p2/$links", "/Patient/b-p1/$links")],
    "unmerge": [
        *(
            send("POST", "/Patient/$unmerge", merging("a-p1", id))
            for id in ("b-p1", "none", "a-p2", "a-p2")
        ),
        get("/Observation?patient=a-p2", "/Patient/a-p1/$links"),
    ],
    "meta": [get("/Patient/a-p1/$meta", "/Patient/b-p1/$meta", "/Patient/$meta", "/$meta")],
    "meta-add": [send("POST", f"/Patient/{id}/$meta-add", TAG) for id in ("a-p1", "b-p1", "none")],
    "meta-delete": [
        send("POST", f"/Patient/{id}/$meta-delete", TAG) for id in ("a-p1", "b-p1", "none")
    ],
    "validate": [
        send("POST", "/Patient/$validate", patient("b-p1")),
        *(send("POST", f"/Patient/{id}/$validate", patient(id)) for id in ("a-p1", "b-p1")),
        get("/Patient/a-p1/$validate", "/Patient/b-p1/$validate"),
    ],
    "run": [send("POST", "/ViewDefinition/$run?_format=csv", VIEW)],
    "viewdefinition-run": [
        send("POST", "/ViewDefinition/$run", VIEW),
        send("POST", "/ViewDefinition/$viewdefinition-run", VIEW),
        send("POST", "/$viewdefinition-run", VIEW),
    ],
    "status": [get("/Subscription/$status", "/Subscription/b-s/$status")],
    "events": [get("/Subscription/b-s/$events", "/Subscription/none/$events")],
    "secret": [get("/Subscription/b-s/$secret"), send("POST", "/Subscription/b-s/$secret")],
    "standing": [
        get(
            "/Practitioner/dr/$standing",
            "/Practitioner/none/$standing",
            "/Practitioner/$standing?licence=000123/HNO-GPHN&at=2026-01-01",
            "/PractitionerRole/b-r/$standing",
        )
    ],
    "successors": [
        get("/Organization/org-a/$successors", "/Organization/org-b/$successors?on=2025-07-01")
    ],
    "get-ws-binding-token": [get("/Subscription/b-s/$get-ws-binding-token")],
    "reindex-status": [get("/$reindex-status", "/SearchParameter/b-x/$reindex-status")],
    "reindex-stop": [send("POST", "/SearchParameter/b-x/$reindex-stop")],
    "reindex-resume": [send("POST", "/SearchParameter/b-x/$reindex-resume")],
    **{
        name: [get(f"/{kind}/${name}?url=urn:b", f"/{kind}/b-x/${name}", f"/{kind}/${name}")]
        for kind, name in (
            ("CodeSystem", "lookup"),
            ("CodeSystem", "validate-code"),
            ("CodeSystem", "subsumes"),
            ("ValueSet", "expand"),
            ("ConceptMap", "translate"),
        )
    },
}
_OPERATING = (Place.SYSTEM_OPERATION, Place.TYPE_OPERATION, Place.INSTANCE_OPERATION)


def test_every_interaction_and_operation_is_asked_below(worlds: Worlds) -> None:
    api = worlds.alone.api
    routed = {(row.place, row.method) for row in api.routes.rows if row.place not in _OPERATING}
    assert routed == set(INTERACTIONS)
    assert {row.name for row in api.operations} == set(OPERATIONS)


def test_whoever_is_shown_who_looked_reads_words_for_every_operation(worlds: Worlds) -> None:
    assert {f"${row.name}" for row in worlds.alone.api.operations} <= set(DEEDS)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(ask, id=f"{key}-{number}".replace("Place.", ""))
        for key, asks in [*INTERACTIONS.items(), *OPERATIONS.items()]
        for number, ask in enumerate(asks)
    ],
)
def test_an_answer_is_the_same_with_others_beside(worlds: Worlds, ask: Ask) -> None:
    worlds.agree(ask)


def test_no_answer_names_what_others_hold(worlds: Worlds) -> None:
    replies = [
        reply
        for key, asks in INTERACTIONS.items()
        if key[1] == "GET"
        for ask in asks
        for reply in ask(worlds.shared)
        if reply.status == 200
    ]
    assert len(replies) > 100
    for reply in replies:
        for marked in (b'"id":"b-', b'"id": "b-', b'"id":"c-', b'"id": "c-', b"s-p1", b"s-of-a"):
            assert marked not in reply.body, reply.body[:300]


def test_no_state_secret_leaves_by_any_way_out_whoever_asks(
    worlds: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    class Operator(World):
        """Who has no token: nothing is kept from it but labels."""

        def ask(self, who: str, *asked: Any, **headers: str) -> Reply:
            return World.ask(self, "", *asked, **headers)

    shared = worlds.shared
    operator = Operator(shared.node, shared.bulk, shared.api, shared.tokens, shared.clock)
    shared.plant("a", {**patient("s-told", "only-told"), "name": [{"text": "Tuyệt Mật Sao"}]})
    reads = [ask for key, asks in INTERACTIONS.items() if key[1] == "GET" for ask in asks]
    ways = ("export", "everything", "summary", "match", "ihe-pix", "document", "graphql", "meta",
            "run", "viewdefinition-run", "links", "validate")  # fmt: skip
    operations = [ask for name in ways for ask in OPERATIONS[name]]
    of_one = exported("/Patient/$export?patient=Patient/s-p1"), exported("/Group/s-g1/$export")
    named = [*of_one, get(
        "/Patient/s-p1", "/Patient/s-p1/_history", "/Patient/s-p1/_history/1", "/Patient?_id=s-p1",
        "/Patient?identifier=only-s&_total=accurate", "/Observation?patient=Patient/s-p1",
        "/Patient/s-p1/$everything", "/Patient/s-p1/$summary", "/Patient/s-p1/Observation",
        "/Patient?name=tuyet", "/Composition/s-doc/$document", "/Observation/_history?_count=500",
        "/$graphql?query={Patient(id:%22s-p1%22){id}}", "/Patient?name:contains=uyet",
    )]  # fmt: skip
    caplog.set_level("DEBUG")
    told = [reply for ask in (*reads, *operations, *named) for reply in ask(operator)]
    assert len(told) > 200
    asked = ("s-p1", "s-doc", "s-g1", "only-s", "tuyet")
    for reply in told:
        text = reply.body.decode()
        for way in ("self", "next"):  # a Bundle says what it was asked
            text = re.sub(rf'{{"relation":"{way}","url":"[^"]*"}}', "", text)
        assert not re.search(r'"s-[a-z]', text), text[:400]
        assert "Tuyệt Mật" not in text
        assert not re.search(r"(Patient|Observation|Encounter)/s-", text), text[:400]
    for secret in ("Tuyệt Mật", "s-told", *asked[:3]):
        assert secret not in caplog.text


# At random: others write in the shared node between any two questions.

_VALUE = {
    "Patient": ("name=nguyen", "identifier=so-1", "_id=b-p1,a-p1", "birthdate=lt1995",
                "_has:Observation:patient:date=ge2026", "gender=male"),
    "Observation": ("code=8310-5", "date=ge2026-03-02", "value-quantity=ge37", "status=final",
                    "patient.name=nguyen", "subject=Patient/b-p1", "encounter.status=finished"),
    "Encounter": ("status=finished", "date=2026", "_has:Observation:encounter:code=8310-5"),
}  # fmt: skip
_SHAPE = ("_total=accurate", "_summary=count", "_sort=-_id", "_sort=_lastUpdated", "_count=1",
          "_count=2", "_include=*", "_revinclude=*", "_total=estimate")  # fmt: skip
questions = st.sampled_from(sorted(_VALUE)).flatmap(
    lambda kind: st.tuples(
        st.lists(st.sampled_from(_VALUE[kind]), max_size=2, unique=True),
        st.lists(st.sampled_from(_SHAPE), max_size=2, unique=True),
    ).map(lambda parts: f"/{kind}?{'&'.join([*parts[0], *parts[1]])}")
)
histories = st.sampled_from(["/_history?_count=2", "/Observation/_history?_count=2",
                             "/Patient/a-p1/_history"])  # fmt: skip
writes = st.tuples(
    st.sampled_from(OTHERS),
    st.sampled_from(["PUT", "DELETE"]),
    st.integers(0, len(look_alike("b")) - 1),
    st.booleans(),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(writes, max_size=3), st.one_of(questions, histories))
def test_what_others_write_changes_no_answer(
    worlds: Worlds, written: list[tuple[str, str, int, bool]], question: str
) -> None:
    for who, method, place, is_about_a in written:
        held = look_alike(who, "a" if is_about_a else "")
        resource = held[place % len(held)]
        target = f"/{resource['resourceType']}/{resource['id']}"
        body = {**resource, "language": "vi"} if method == "PUT" else None
        reply = worlds.shared.ask(who, method, target, body)
        assert reply.status in (200, 201, 204, 403)
    worlds.agree(paged(question))
