"""fhirpy, as it comes, against a node over HTTP: its synchronous and its asynchronous client."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.support.asgi import run

SYSTEM = "urn:trucyte:fhirpy"


@pytest.fixture
def client(node_url: str) -> SyncFHIRClient:
    return SyncFHIRClient(node_url)


@pytest.fixture
def mark() -> str:
    """A word that only this test's people bear."""
    return "H" + uuid.uuid4().hex[:12]


def person(client: Any, mark: str, given: str = "Lan", **more: Any) -> Any:
    """A synthetic patient, not saved yet."""
    named = {"name": [{"family": mark, "given": [given]}]}
    identified = {"identifier": [{"system": SYSTEM, "value": f"{mark}-{given}"}]}
    return client.resource("Patient", **named, **identified, **more)


def heart_rate(client: Any, patient: Any, value: int, **more: Any) -> Any:
    coding = {"system": "http://loinc.org", "code": "8867-4"}
    return client.resource(
        "Observation",
        status="final",
        code={"coding": [coding]},
        subject=patient.to_reference(),
        effectiveDateTime=f"2026-03-{value - 59:02}",
        valueQuantity={"value": value, "unit": "/min"},
        **more,
    )


def test_a_resource_is_created_read_and_changed(client: SyncFHIRClient, mark: str) -> None:
    patient = person(client, mark, gender="female")
    patient.save()
    assert patient.id
    assert patient["meta"]["versionId"] == "1"
    patient["birthDate"] = "1971-02-03"
    patient.save()
    read = client.reference("Patient", patient.id).to_resource()
    assert read["meta"]["versionId"] == "2"
    assert read["birthDate"] == "1971-02-03"
    assert read.serialize() == patient.serialize()


def test_a_resource_is_created_under_an_id_of_the_client(client: SyncFHIRClient, mark: str) -> None:
    patient = person(client, mark, id=mark)
    patient.save()
    assert client.get("Patient", mark)["name"][0]["family"] == mark


def test_a_patch_changes_what_it_names_alone(client: SyncFHIRClient, mark: str) -> None:
    patient = person(client, mark, gender="female", active=True)
    patient.save()
    patient.patch(gender="other")
    assert (patient["gender"], patient["active"]) == ("other", True)
    client.patch("Patient", patient.id, active=None)
    read = client.reference("Patient", patient.id).to_resource()
    assert (read["gender"], read.get("active")) == ("other", None)
    assert read["name"][0]["family"] == mark


def test_refreshing_what_has_not_changed_keeps_it(client: SyncFHIRClient, mark: str) -> None:
    patient = person(client, mark)
    patient.save()
    before = patient.serialize()
    assert patient.refresh().serialize() == before
    client.patch("Patient", patient.id, gender="male")
    assert patient.refresh()["gender"] == "male"


def test_what_is_deleted_is_gone_and_known(client: SyncFHIRClient, mark: str) -> None:
    patient = person(client, mark)
    patient.save()
    patient.delete()
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", patient.id).to_resource()
    assert client.resources("Patient").search(family=mark).fetch() == []


def test_history_is_read_by_execute(client: SyncFHIRClient, mark: str) -> None:
    patient = person(client, mark)
    patient.save()
    patient.patch(gender="male")
    patient.delete()
    history = client.execute(f"Patient/{patient.id}/_history", method="get")
    methods = [entry["request"]["method"] for entry in history["entry"]]
    assert history["type"] == "history"
    assert methods[0] == "DELETE"
    assert len(methods) == 3


def test_pages_are_followed_to_the_end_each_found_once(client: SyncFHIRClient, mark: str) -> None:
    for number in range(7):
        person(client, mark, f"G{number}").save()
    found = client.resources("Patient").search(family=mark).limit(2).fetch_all()
    assert {one["name"][0]["given"][0] for one in found} == {f"G{n}" for n in range(7)}
    assert len(found) == 7


def test_results_come_in_the_order_asked_for(client: SyncFHIRClient, mark: str) -> None:
    for given in ("B", "C", "A"):
        person(client, mark, given).save()
    people = client.resources("Patient").search(family=mark)
    up = [one["name"][0]["given"][0] for one in people.sort("given").fetch_all()]
    down = [one["name"][0]["given"][0] for one in people.sort("-given").limit(1).fetch_all()]
    assert (up, down) == (["A", "B", "C"], ["C", "B", "A"])


def test_searches_follow_chains_and_include_what_they_meet(
    client: SyncFHIRClient, mark: str
) -> None:
    patient = person(client, mark)
    patient.save()
    for value in (60, 70, 80):
        heart_rate(client, patient, value).save()
    chained = client.resources("Observation").search(patient__Patient__family=mark)
    assert len(chained.fetch_all()) == 3
    assert len(chained.search(date__ge="2026-03-11", code="8867-4").fetch_all()) == 2
    bundle = chained.include("Observation", "subject").fetch_raw()
    modes = sorted(entry["search"]["mode"] for entry in bundle["entry"])
    assert modes == ["include", "match", "match", "match"]
    back = client.resources("Patient").has("Observation", "patient", code="8867-4")
    assert [one.id for one in back.search(family=mark).fetch_all()] == [patient.id]
    revinclude = (
        client.resources("Patient").search(_id=patient.id).revinclude("Observation", "patient")
    )
    assert len(revinclude.fetch_raw()["entry"]) == 4


def test_counts_and_elements_are_given(client: SyncFHIRClient, mark: str) -> None:
    for given in ("A", "B"):
        person(client, mark, given, gender="male").save()
    people = client.resources("Patient").search(family=mark)
    assert people.search(_total="accurate").limit(1).fetch_raw()["total"] == 2
    cut = people.elements("gender").fetch()
    assert {tuple(sorted(one)) for one in cut} == {("gender", "id", "meta", "resourceType")}


def test_a_count_asked_for_in_the_words_of_one_server_is_given_to_the_lenient(
    node_url: str, client: SyncFHIRClient, mark: str
) -> None:
    """`count()` sends `_totalMethod`, which only Aidbox knows."""
    for given in ("A", "B"):
        person(client, mark, given).save()
    lenient = SyncFHIRClient(node_url, extra_headers={"Prefer": "handling=lenient"})
    assert lenient.resources("Patient").search(family=mark).count() == 2
    with pytest.raises(OperationOutcome, match="_totalMethod"):
        client.resources("Patient").search(family=mark).count()


def test_first_and_get_agree_with_the_search(client: SyncFHIRClient, mark: str) -> None:
    person(client, mark, "A").save()
    assert client.resources("Patient").search(family=mark).get()["name"][0]["family"] == mark
    person(client, mark, "B").save()
    with pytest.raises(MultipleResourcesFound):
        client.resources("Patient").search(family=mark).get()
    first = client.resources("Patient").search(family=mark).sort("-given").first()
    assert first["name"][0]["given"] == ["B"]


def test_conditional_update_and_patch_hit_the_one_that_fits(
    client: SyncFHIRClient, mark: str
) -> None:
    one = client.resources("Patient").search(identifier=f"{SYSTEM}|{mark}-Lan")
    made, is_new = one.update(person(client, mark))
    again, is_new_again = one.update(person(client, mark, gender="female"))
    assert (is_new, is_new_again) == (True, False)
    assert again.id == made.id
    assert one.patch(gender="other")["gender"] == "other"
    one.delete()
    assert one.fetch() == []


def test_a_transaction_links_its_entries(client: SyncFHIRClient, mark: str) -> None:
    link = f"urn:uuid:{uuid.uuid4()}"
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": mark},
        "subject": {"reference": link},
    }
    entries = [
        {
            "fullUrl": link,
            "resource": person(client, mark).serialize(),
            "request": {"method": "POST", "url": "Patient"},
        },
        {"resource": observation, "request": {"method": "POST", "url": "Observation"}},
    ]
    answer = client.resource("Bundle", type="transaction", entry=entries).save()
    assert answer["type"] == "transaction-response"
    found = client.resources("Observation").search(patient__Patient__family=mark).fetch()
    assert [one["code"]["text"] for one in found] == [mark]


def test_a_refusal_reaches_the_caller_as_an_outcome(client: SyncFHIRClient) -> None:
    with pytest.raises(OperationOutcome) as refused:
        client.resource("Patient", gender="unheard-of").save()
    assert refused.value.resource["issue"][0]["severity"] == "error"
    with pytest.raises(OperationOutcome):
        client.resources("Patient").search(unheard_of="x").fetch()


async def _created_at_once(client: AsyncFHIRClient, mark: str) -> None:
    people = [person(client, mark, f"G{number}") for number in range(20)]
    await asyncio.gather(*(one.save() for one in people))
    found = await client.resources("Patient").search(family=mark).limit(6).fetch_all()
    assert {one.id for one in found} == {one.id for one in people}


async def _walked(client: AsyncFHIRClient, mark: str) -> None:
    patient = await person(client, mark).save() or person(client, mark)
    await heart_rate(client, patient, 60).save()
    await patient.patch(gender="male")
    assert (await patient.refresh())["gender"] == "male"
    seen = [one async for one in client.resources("Observation").search(patient=patient.id)]
    assert len(seen) == 1
    assert (await seen[0]["subject"].to_resource()).id == patient.id


async def _deleted(client: AsyncFHIRClient, mark: str) -> None:
    patient = person(client, mark)
    await patient.save()
    await patient.delete()
    with pytest.raises(ResourceNotFound):
        await client.reference("Patient", patient.id).to_resource()


@pytest.mark.parametrize("walk", [_created_at_once, _walked, _deleted])
def test_the_asynchronous_client_meets_the_same_node(
    node_url: str, mark: str, walk: Callable[[AsyncFHIRClient, str], Awaitable[None]]
) -> None:
    async def walked() -> None:
        await walk(AsyncFHIRClient(node_url), mark)

    run(walked())
