"""fhirclient (the SMART client of Python), as it comes, against a node over HTTP."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.capabilitystatement import CapabilityStatement
from fhirclient.models.codeableconcept import CodeableConcept
from fhirclient.models.coding import Coding
from fhirclient.models.fhirdate import FHIRDate
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.humanname import HumanName
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.models.quantity import Quantity
from fhirclient.server import FHIRServer
from requests import HTTPError


@pytest.fixture
def server(node_url: str) -> FHIRServer:
    client = FHIRClient(settings={"app_id": "trucyte_tests", "api_base": node_url})
    assert client.prepare()
    return client.server


@pytest.fixture
def mark() -> str:
    """A word that only this test's people bear."""
    return "K" + uuid.uuid4().hex[:12]


@pytest.fixture
def registered(server: FHIRServer, mark: str) -> Callable[..., Patient]:
    """Create a synthetic patient and return it as the node has it."""

    def register(given: str = "Minh") -> Patient:
        patient = Patient()
        patient.name = [HumanName({"family": mark, "given": [given]})]
        patient.birthDate = FHIRDate("1980-05-06")
        answer = patient.create(server)
        return Patient.read(answer["id"], server)

    return register


def weighed(server: FHIRServer, patient: Patient, kilograms: float) -> Any:
    observation = Observation({"status": "final", "code": {"text": "weight"}})
    observation.code = CodeableConcept()
    coding = Coding({"system": "http://loinc.org", "code": "29463-7"})
    observation.code.coding = [coding]
    observation.subject = FHIRReference({"reference": f"Patient/{patient.id}"})
    observation.valueQuantity = Quantity({"value": kilograms, "unit": "kg"})
    return observation.create(server)


def test_the_statement_of_the_node_is_read_as_a_model(server: FHIRServer) -> None:
    statement = CapabilityStatement.read_from("metadata", server)
    kinds = {resource.type for resource in statement.rest[0].resource}
    assert statement.fhirVersion == "4.0.1"
    assert {"Patient", "Observation", "Encounter"} <= kinds


def test_a_model_is_created_read_changed_and_deleted(
    server: FHIRServer, registered: Callable[..., Patient], mark: str
) -> None:
    patient = registered()
    assert patient.name[0].family == mark
    assert patient.birthDate.isostring == "1980-05-06"
    patient.gender = "male"
    assert patient.update(server)["meta"]["versionId"] == "2"
    assert Patient.read(patient.id, server).gender == "male"
    patient.delete(server)
    with pytest.raises(HTTPError, match="410"):
        Patient.read(patient.id, server)


def test_a_search_gives_models_page_after_page(
    server: FHIRServer, registered: Callable[..., Patient], mark: str
) -> None:
    made = {registered(f"G{number}").id for number in range(5)}
    search = Patient.where({"family": mark, "_count": "2"})
    found = [patient.id for patient in search.perform_resources_iter(server)]
    assert len(found) == 5
    assert set(found) == made
    assert len(list(search.perform_iter(server))) == 3


def test_constructs_of_the_client_are_understood(
    server: FHIRServer, registered: Callable[..., Patient], mark: str
) -> None:
    patient = registered()
    weighed(server, patient, 61.5)
    by_code = {"subject": {"$type": "Patient", "family": mark}, "code": {"$or": ["29463-7", "x"]}}
    found = list(Observation.where(by_code).perform_resources_iter(server))
    assert [one.valueQuantity.value for one in found] == [61.5]
    missing = Patient.where({"family": {"$exact": mark}, "gender": {"$null": "true"}})
    assert [one.id for one in missing.perform_resources_iter(server)] == [patient.id]


def test_what_is_included_comes_as_models_of_its_own_kind(
    server: FHIRServer, registered: Callable[..., Patient], mark: str
) -> None:
    patient = registered()
    weighed(server, patient, 61.5)
    search = Observation.where({"patient": patient.id}).include("subject")
    kinds = sorted(one.resource_type for one in search.perform_resources_iter(server))
    assert kinds == ["Observation", "Patient"]
    back = Patient.where({"family": mark}).include("subject", Observation, reverse=True)
    kinds = sorted(one.resource_type for one in back.perform_resources_iter(server))
    assert kinds == ["Observation", "Patient"]


def test_a_reference_is_resolved_by_the_client(
    server: FHIRServer, registered: Callable[..., Patient]
) -> None:
    patient = registered()
    made = weighed(server, patient, 70)
    observation = Observation.read(made["id"], server)
    assert observation.subject.resolved(Patient).id == patient.id


def test_a_transaction_bundle_is_sent_as_a_model(server: FHIRServer, mark: str) -> None:
    entry = {
        "resource": {"resourceType": "Patient", "name": [{"family": mark}]},
        "request": {"method": "POST", "url": "Patient"},
    }
    bundle = Bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    answer = server.post_json("", bundle.as_json())
    made = Bundle(answer.json())
    assert made.type == "transaction-response"
    assert made.entry[0].response.status.startswith("201")
    assert len(list(Patient.where({"family": mark}).perform_resources_iter(server))) == 1
