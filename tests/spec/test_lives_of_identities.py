"""Lives of identities through the API: born, unknown, numbered late, dead by mistake."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Client, api_of, interactions_of, problem
from tests.support.identity import CLERK, links_of
from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.deaths import DeathNotice, Deaths
from trucyte.shared.identity.life import STAGE, Change, Event, Stage, event_of, moved, stage_of
from trucyte.shared.identity.links.links import Links
from trucyte.web.api.operations.documents import everything_operations
from trucyte.web.api.operations.merging import merge_operations

CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
PASSPORT = "http://example.org/sid/passport"
ONE, TWO = "079085000001", "079085000002"


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def links(node: Node) -> Links:
    return links_of(node)


@pytest.fixture
def client(node: Node, links: Links, definitions: Definitions) -> Client:
    rows = [
        *merge_operations(links, node.records),
        *everything_operations(node.records.everything),
    ]
    writes = interactions_of(node, node.clock, definitions)
    return Client(api_of(node, node.clock, definitions, interactions=writes, operations=rows))


def number(value: str, **more: Any) -> dict[str, Any]:
    return {"system": CCCD, "value": value, **more}


def put(client: Client, kind: str, id: str, **more: Any) -> dict[str, Any]:
    resource = {"resourceType": kind, "id": id, **more}
    reply = client("PUT", f"/fhir/{kind}/{id}", json.dumps(resource, ensure_ascii=False).encode())
    assert reply.status in (200, 201), reply.body
    return resource


def result(client: Client, id: str, whose: str) -> None:
    put(client, "Observation", id, status="final", code={"text": "x"},
        subject={"reference": f"Patient/{whose}"})  # fmt: skip


def found(client: Client, target: str) -> list[str]:
    reply = client.get(f"/fhir/{target}")
    assert reply.status == 200, reply.body
    return sorted(entry["resource"]["id"] for entry in reply.json.get("entry", ()))


def merge(client: Client, source: str, target: str, operation: str = "merge", **more: bool) -> Any:
    parts: list[dict] = [
        {"name": "source-patient", "valueReference": {"reference": f"Patient/{source}"}},
        {"name": "target-patient", "valueReference": {"reference": f"Patient/{target}"}},
        *({"name": name, "valueBoolean": value} for name, value in more.items()),
    ]
    body = json.dumps({"resourceType": "Parameters", "parameter": parts}).encode()
    return client("POST", f"/fhir/Patient/${operation}", body)


def event(client: Client, before: dict, **after: Any) -> tuple[Event | None, Any]:
    """Put the next version; say what happened and where that leads."""
    known = {k: v for k, v in before.items() if k not in ("resourceType", "id")}
    given = {k: v for k, v in {**known, **after}.items() if v is not None}
    now = put(client, "Patient", before["id"], **given)
    change = Change(before, now)
    said = event_of(change)
    return said, None if said is None else moved(change, said)


def test_a_newborn_is_tied_to_its_mother_and_never_merged_with_her(
    client: Client, node: Node, links: Links
) -> None:
    put(client, "Patient", "mother", identifier=[number(ONE)], name=[{"text": "Trần Thị Mẫu"}])
    child = put(client, "Patient", "child", birthDate="2026-11-20",
                name=[{"use": "temp", "text": "CON BÀ TRẦN THỊ MẪU"}])  # fmt: skip
    mother = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                          "code": "MTH"}]}  # fmt: skip
    put(client, "RelatedPerson", "carer", patient={"reference": "Patient/child"},
        relationship=[mother], identifier=[number(ONE)])  # fmt: skip
    links.keep_apart(node.full, "Patient/mother", "Patient/child")
    put(client, "Patient", "double", identifier=[number(ONE)])
    assert merge(client, "double", "mother").status == 200
    assert problem(merge(client, "child", "double")) == (409, "link-contradicts")
    assert found(client, "RelatedPerson?patient=child&relationship=MTH") == ["carer"]
    # Later it has a name, and then a number of its own; it is the same record throughout.
    named = [{"use": "official", "text": "Nguyễn Văn Con"}]
    assert event(client, child, name=named) == (Event.NAMED, Stage.UNNUMBERED)
    child = {**child, "name": named}
    assert event(client, child, identifier=[number(TWO)]) == (Event.NUMBERED, Stage.NUMBERED)
    assert len(client.get("/fhir/Patient/child/_history").json["entry"]) == 3


def test_an_unknown_patient_who_is_identified_has_what_happened_before(client: Client) -> None:
    unknown = put(client, "Patient", "who", gender="male",
                  extension=[{"url": STAGE, "valueCode": "unknown"}])  # fmt: skip
    assert stage_of(unknown) is Stage.UNKNOWN
    result(client, "urgent", "who")
    put(client, "Patient", "known", identifier=[number(ONE)])
    result(client, "earlier", "known")
    assert merge(client, "who", "known").status == 200
    assert found(client, "Observation?patient=known") == ["earlier", "urgent"]
    # It was somebody else.
    assert merge(client, "who", "known", "unmerge", different=True).status == 200
    assert found(client, "Observation?patient=known") == ["earlier"]
    assert found(client, "Observation?patient=who") == ["urgent"]
    named = [{"text": "Lê Văn Mẫu"}]
    assert event(client, unknown, name=named, extension=None) == (Event.NAMED, Stage.UNNUMBERED)


def test_a_number_issued_later_and_one_that_changes_keep_the_record(client: Client) -> None:
    first = put(client, "Patient", "p", name=[{"text": "Phạm Văn Mẫu"}])
    result(client, "before", "p")
    assert event(client, first, identifier=[number(ONE)]) == (Event.NUMBERED, Stage.NUMBERED)
    second = {**first, "identifier": [number(ONE)]}
    old = number(ONE, use="old", period={"end": "2026-11-01"})
    changed = event(client, second, identifier=[number(TWO), old])
    assert changed == (Event.NUMBER_CHANGED, Stage.NUMBERED)
    # By the earlier number it is found still.
    for value in (ONE, TWO):
        assert found(client, f"Observation?patient.identifier={CCCD}|{value}") == ["before"]


def test_a_foreigner_who_is_given_a_personal_number_is_one_person(client: Client) -> None:
    passport = {"system": PASSPORT, "value": "N0000001", "use": "usual"}
    put(client, "Patient", "guest", identifier=[passport], name=[{"text": "Jane Sample"}])
    result(client, "vaccine", "guest")
    put(client, "Patient", "resident", identifier=[number(ONE)], name=[{"text": "Jane Sample"}])
    assert merge(client, "guest", "resident").status == 200
    assert found(client, f"Observation?patient.identifier={CCCD}|{ONE}") == ["vaccine"]
    assert found(client, f"Observation?patient.identifier={PASSPORT}|N0000001") == ["vaccine"]


def test_two_patients_may_bear_one_number_and_are_two_until_someone_decides(
    client: Client, links: Links
) -> None:
    for one in ("x", "y"):
        put(client, "Patient", one, identifier=[number(ONE)])
        result(client, f"o{one}", one)
    assert found(client, f"Patient?identifier={CCCD}|{ONE}") == ["x", "y"]
    assert found(client, "Observation?patient=x") == ["ox"]
    assert links.state("Patient/x", "Patient/y") is None  # a pair for the worklist, no merge


def test_consents_pointers_and_prescriptions_follow_both_ways(client: Client) -> None:
    put(client, "Patient", "p")
    put(client, "Patient", "q")
    for one in ("p", "q"):
        whose = {"reference": f"Patient/{one}"}
        scope = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope",
                             "code": "patient-privacy"}]}  # fmt: skip
        put(client, "Consent", f"c{one}", status="active", scope=scope, patient=whose,
            category=[{"text": "x"}], policyRule={"text": "x"})  # fmt: skip
        put(client, "DocumentReference", f"d{one}", status="current", subject=whose,
            content=[{"attachment": {"title": "x"}}])  # fmt: skip
        put(client, "MedicationRequest", f"m{one}", status="active", intent="order",
            subject=whose, medicationCodeableConcept={"text": "x"})  # fmt: skip
    kinds = {"Consent": "c", "DocumentReference": "d", "MedicationRequest": "m"}

    def all_of(id: str) -> dict[str, list[str]]:
        return {kind: found(client, f"{kind}?patient={id}") for kind in kinds}

    apart = {one: {kind: [f"{mark}{one}"] for kind, mark in kinds.items()} for one in "pq"}
    together = {kind: [f"{mark}p", f"{mark}q"] for kind, mark in kinds.items()}
    assert {one: all_of(one) for one in "pq"} == apart
    merge(client, "p", "q")
    assert {one: all_of(one) for one in "pq"} == {"p": together, "q": together}
    merge(client, "p", "q", "unmerge")
    assert {one: all_of(one) for one in "pq"} == apart


def listening(node: Node, links: Links, service: str) -> tuple[list[DeathNotice], Callable]:
    told: list[DeathNotice] = []
    return told, lambda: Deaths(node.journal, links, service).catch_up(told.append)


def test_a_death_and_that_it_was_false_are_told_to_who_follows(
    client: Client, node: Node, links: Links
) -> None:
    alive = put(client, "Patient", "p", identifier=[number(ONE)])
    put(client, "Patient", "q")
    merge(client, "q", "p")
    told, follow = listening(node, links, "appointments")
    assert follow() == 0
    died = event(client, alive, deceasedDateTime="2026-11-20")
    assert died == (Event.DIED, Stage.DEAD)
    assert (follow(), follow()) == (1, 0)
    assert (told[0].event, told[0].patient, told[0].died_on) == (
        Event.DIED, "Patient/p", "2026-11-20",
    )  # fmt: skip
    assert told[0].members == ("Patient/p", "Patient/q")
    dead = {**alive, "deceasedDateTime": "2026-11-20"}
    # Another version of the dead is no news.
    event(client, dead, gender="male")
    assert follow() == 0
    back = event(client, dead, deceasedDateTime=None, deceasedBoolean=False)
    assert back == (Event.DEATH_REVERSED, Stage.NUMBERED)
    assert follow() == 1
    assert told[-1].event is Event.DEATH_REVERSED
    # A service that comes later learns all of it, in order.
    late, follow_late = listening(node, links, "prescriptions")
    assert follow_late() == 2
    assert [one.event for one in late] == [Event.DIED, Event.DEATH_REVERSED]


def test_a_service_that_fails_is_told_again(client: Client, node: Node, links: Links) -> None:
    put(client, "Patient", "p", deceasedBoolean=True)
    deaths = Deaths(node.journal, links, "appointments")

    def fail(notice: DeathNotice) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        deaths.catch_up(fail)
    told: list[DeathNotice] = []
    assert deaths.catch_up(told.append) == 1


SENSITIVE = {"meta": RESTRICTED, "address": [{"text": "Số 1 đường Kín"}]}


def test_a_sensitive_person_is_not_found_counted_or_reached(client: Client, links: Links) -> None:
    put(client, "Patient", "open", identifier=[number(TWO)], name=[{"text": "Bùi Thị Mẫu"}])
    put(client, "Patient", "shut", identifier=[number(ONE)], name=[{"text": "Bùi Thị Mẫu"}],
        **SENSITIVE)  # fmt: skip
    result(client, "o", "shut")
    assert found(client, "Patient?name=bui") == ["open"]
    assert found(client, f"Patient?identifier={CCCD}|{ONE}") == []
    assert client.get("/fhir/Patient?_summary=count").json["total"] == 1
    assert found(client, "Patient?_id=shut") == []
    assert found(client, f"Observation?patient.identifier={CCCD}|{ONE}") == []
    assert found(client, "Observation?_id=o&_include=Observation:subject") == ["o"]
    assert found(client, "Patient?_has:Observation:patient:_id=o") == []
    assert client.get("/fhir/Patient/shut").status == 403
    assert client.get("/fhir/Patient/shut/$everything").status == 403
    assert merge(client, "shut", "open").status == 403


def test_a_link_leads_nobody_to_a_sensitive_person(
    client: Client, node: Node, links: Links
) -> None:
    put(client, "Patient", "open", identifier=[number(TWO)])
    put(client, "Patient", "shut", **SENSITIVE)
    result(client, "hidden", "shut")
    node.put({"resourceType": "Observation", "id": "hidden", "status": "final", "meta": RESTRICTED,
              "code": {"text": "x"}, "subject": {"reference": "Patient/shut"}})  # fmt: skip
    links.link(node.full, "Patient/open", "Patient/shut", CLERK)
    assert found(client, "Patient/open/$everything") == ["open"]
    assert found(client, "Patient/open/*") == ["open"]
    assert found(client, "Observation?patient=open") == []
    assert node.search("Observation", ("patient", "open")) == ["hidden"]
