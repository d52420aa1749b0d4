"""Who has no licence in force signs nothing through the API."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Client, api_of, problem
from tests.support.records import Node, change_of, open_node
from tests.support.registers import licence, practitioner, prescription, state
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.validate import Validator
from trucyte.intake.interactions import Interactions
from trucyte.journal.behalf import Behalf
from trucyte.records import Hasher, person_reference
from trucyte.shared.identity.registers.licence import NUMBERS
from trucyte.shared.identity.registers.reader import Registers, register_id
from trucyte.shared.identity.registers.signing import Signing
from trucyte.shared.identity.registers.standing import Why

KEY = b"a key of tests, of no other use."
NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


class World:
    """A node with registers, and a client of its API."""

    def __init__(self, node: Node, clock: FixedClock, definitions: Definitions) -> None:
        self.node, self.clock, self.definitions = node, clock, definitions
        self.registers = self.registers_of()
        self.client = self.client_of(self.registers)

    def registers_of(self, *, accepts_unknown: bool = True) -> Registers:
        return Registers(
            self.node.database,
            self.node.journal,
            self.node.records,
            KEY,
            self.clock,
            accepts_unknown=accepts_unknown,
        )

    def client_of(self, registers: Registers) -> Client:
        interactions = Interactions(
            self.node.journal,
            self.node.records,
            Validator(self.definitions),
            person=Hasher(KEY).person,
            person_of=person_reference,
            clock=self.clock,
            paths=Paths(self.definitions),
            signed=Signing(registers, self.node.full, self.clock).check,
        )
        return Client(api_of(self.node, self.clock, self.definitions, interactions=interactions))

    def post(self, resource: dict[str, Any]) -> tuple[int, str]:
        target = f"/fhir/{resource['resourceType']}"
        reply = self.client("POST", target, json.dumps(resource).encode())
        return (reply.status, "") if reply.status < 400 else problem(reply)

    def why(self, who: str = "Practitioner/dr") -> Why:
        return self.registers.standing(self.node.full, who, at=self.clock.now()).why

    def of(self, account: str, resource: dict[str, Any]) -> None:
        """Accept a resource as written by an account of an organisation."""
        source = Behalf(self.node.database).standing(account, f"Organization/{account}")
        self.node.journal.commit([replace(change_of(resource), source=source)])


@pytest.fixture
def world(database: Database, tmp_path: Path, definitions: Definitions) -> Iterator[World]:
    needs_definitions()
    clock = FixedClock(NOW)
    with open_node(database, tmp_path, clock, definitions) as node:
        yield World(node, clock, definitions)


def put(world: World, *states: dict[str, Any], end: str = "") -> None:
    world.node.put(practitioner("dr", licence("000123/HNO-GPHN", "2021-05-01", end, *states)))


def test_a_doctor_in_force_prescribes(world: World) -> None:
    put(world)
    assert world.post(prescription()) == (201, "")


@pytest.mark.parametrize(
    ("states", "end", "code"),
    [
        ((state("revoked", "2026-11-01"),), "", "signer-licence-revoked"),
        ((state("suspended", "2026-11-01", "2026-12-01"),), "", "signer-licence-suspended"),
        ((state("replaced", "2026-11-01"),), "", "signer-licence-replaced"),
        ((), "2026-04-30", "signer-licence-expired"),
        ((state("a new word"),), "", "signer-licence-suspended"),
        ((state("revoked"),), "", "signer-licence-revoked"),
    ],
)
def test_a_prescription_of_one_who_may_not_is_refused_with_the_reason(
    world: World, states: tuple[dict[str, Any], ...], end: str, code: str
) -> None:
    put(world, *states, end=end)
    assert world.post(prescription()) == (403, code)
    assert world.post(prescription(authoredOn="2026-11-21", status="draft")) == (201, "")


def test_the_refusal_names_the_place_in_both_languages(world: World) -> None:
    put(world, state("revoked", "2026-11-01"))
    body = json.dumps(prescription()).encode()
    for language, word in (("vi", "thu hồi"), ("en", "revoked")):
        reply = world.client("POST", "/fhir/MedicationRequest", body, accept_language=language)
        (issue,) = reply.json["issue"]
        assert word in issue["details"]["text"]
        assert issue["expression"] == ["MedicationRequest.requester"]
        assert "000123" not in reply.body.decode()


def test_a_revocation_stops_the_very_next_signature_and_its_end_lets_sign_again(
    world: World,
) -> None:
    put(world)
    assert world.post(prescription()) == (201, "")
    put(world, state("revoked", "2026-11-22T09:00:00+07:00"))
    assert world.post(prescription()) == (403, "signer-licence-revoked")
    put(world, state("revoked", "2026-11-22T09:00:00+07:00", "2026-11-22T09:10:00+07:00"))
    assert world.post(prescription()) == (201, "")


def test_a_revocation_that_another_process_wrote_is_seen_at_once(world: World) -> None:
    put(world)
    other = world.client_of(world.registers_of())
    assert world.why() is Why.IN_FORCE
    put(world, state("revoked", "2026-01-01"))
    reply = other("POST", "/fhir/MedicationRequest", json.dumps(prescription()).encode())
    assert reply.status == 403
    assert world.why() is Why.REVOKED


def test_time_alone_ends_a_licence_that_is_remembered(world: World) -> None:
    put(world, end="2026-11-22")
    assert world.why() is Why.IN_FORCE
    world.clock.advance(timedelta(hours=22))
    assert world.why() is Why.EXPIRED


def test_an_older_date_does_not_help_who_was_revoked_since(world: World) -> None:
    put(world, state("revoked", "2026-11-01"))
    note = {
        "resourceType": "Composition", "status": "final", "type": {"text": "Ra viện"},
        "date": "2026-10-01", "title": "Giấy ra viện", "author": [{"display": "x"}],
        "attester": [{"mode": "legal", "time": "2026-10-01",
                      "party": {"reference": "Practitioner/dr"}}],
    }  # fmt: skip
    assert world.post(note) == (403, "signer-licence-lost-since")
    assert world.post(prescription(authoredOn="2026-10-01")) == (403, "signer-licence-revoked")
    put(world, end="2026-10-31")
    assert world.post(note) == (201, "")  # it merely ran out, and was in force then
    note["attester"][0]["time"] = "2026-11-02"
    assert world.post(note) == (403, "signer-licence-expired")


def provenance(signer: dict[str, Any], when: str) -> dict[str, Any]:
    return {
        "resourceType": "Provenance", "target": [{"reference": "Composition/c"}],
        "recorded": when, "agent": [{"who": {"display": "x"}}],
        "signature": [{"type": [{"system": "urn:iso-astm:E1762-95:2013",
                                 "code": "1.2.840.10065.1.12.1.1"}],
                       "when": when, "who": signer, "data": "AAAA"}],
    }  # fmt: skip


ORDER = {"resourceType": "ServiceRequest", "status": "active", "intent": "order",
         "subject": {"display": "x"}, "requester": {"reference": "Practitioner/dr"}}  # fmt: skip
REPORT = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"},
          "issued": "2026-11-22T08:00:00+07:00",
          "resultsInterpreter": [{"display": "x"}, {"reference": "PractitionerRole/r"}],
          }  # fmt: skip
PAPER = {"resourceType": "DocumentReference", "status": "current", "content": [
    {"attachment": {"title": "x"}}], "authenticator": {"reference": "Practitioner/dr"}}  # fmt: skip
WHEN = "2026-11-22T08:00:00+07:00"
BY_NUMBER = {"type": "Practitioner",
             "identifier": {"system": NUMBERS, "value": "000123/hno-gphn"}}  # fmt: skip
INSIDE = prescription("#d", contained=[practitioner("d", licence("000123/HNO-GPHN"))])


@pytest.mark.parametrize(
    "signed",
    [
        ORDER,
        REPORT,
        PAPER,
        provenance({"reference": "Practitioner/dr"}, WHEN),
        provenance(BY_NUMBER, WHEN),
        INSIDE,
    ],
    ids=["order", "report", "paper", "signature", "number", "contained"],
)
def test_every_way_to_sign_is_asked(world: World, signed: dict[str, Any]) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r",
            "practitioner": {"reference": "Practitioner/dr"}}  # fmt: skip
    world.node.put(role)
    put(world)
    assert world.post(signed)[0] == 201
    put(world, state("revoked", "2026-11-01"))
    assert world.post(signed)[0] == 403


def test_who_signs_in_a_transaction_is_asked_and_nothing_of_it_is_left(world: World) -> None:
    put(world, state("revoked", "2026-11-01"))
    entries = [
        {"resource": {"resourceType": "Basic", "code": {"text": "x"}},
         "request": {"method": "POST", "url": "Basic"}},
        {"resource": prescription(), "request": {"method": "POST", "url": "MedicationRequest"}},
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    reply = world.client("POST", "/fhir/", json.dumps(bundle).encode())
    assert problem(reply) == (403, "signer-licence-revoked")
    assert world.node.search("Basic") == []


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_a_signer_that_comes_along_is_held_to_the_register(world: World, kind: str) -> None:
    number = "000779/HCM-GPHN"
    revoked = licence(number, "2020-01-01", "", state("revoked", "2026-01-01"))
    entry = practitioner(register_id(KEY, number), revoked)
    world.node.put(entry)
    come = practitioner("new", licence(number))
    role = {"resourceType": "PractitionerRole", "id": "role",
            "practitioner": {"reference": "Practitioner/new"}}  # fmt: skip
    forged = {**practitioner(entry["id"], licence("000001/XX-GPHN", "2026-02-01"))}
    for signer in ("Practitioner/new", "PractitionerRole/role", f"Practitioner/{entry['id']}"):
        puts = [come, role] if signer.endswith(("new", "role")) else [forged]
        entries: list[dict[str, Any]] = []
        for one in puts:
            request = {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}
            refused = {"ifMatch": 'W/"9"'} if one is forged else {}
            entries.append({"resource": one, "request": {**request, **refused}})
        entries.append({"resource": prescription(signer),
                        "request": {"method": "POST", "url": "MedicationRequest"}})  # fmt: skip
        bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
        reply = world.client("POST", "/fhir/", as_json(bundle))
        if kind == "batch":
            assert reply.json["entry"][-1]["response"]["status"] == "403"
        else:
            assert reply.status in (403, 412)
        assert world.node.search("MedicationRequest") == []


def test_a_signer_under_a_link_of_the_transaction_is_found(world: World) -> None:
    lost = practitioner("x", licence("000780/HCM-GPHN", "2020-01-01", "",
                                     state("revoked", "2026-01-01")))  # fmt: skip
    del lost["id"]
    link, other = "urn:uuid:0f9d1a52-7d1d-4d0c-9c66-000000000001", (
        "urn:uuid:0f9d1a52-7d1d-4d0c-9c66-000000000002")  # fmt: skip
    role = {"resourceType": "PractitionerRole", "practitioner": {"reference": link}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": link, "resource": lost,
         "request": {"method": "POST", "url": "Practitioner"}},
        {"fullUrl": other, "resource": role,
         "request": {"method": "POST", "url": "PractitionerRole"}},
        {"resource": prescription(other),
         "request": {"method": "POST", "url": "MedicationRequest"}}]}  # fmt: skip
    assert world.client("POST", "/fhir/", as_json(bundle)).status == 403


def test_what_was_accepted_can_still_be_labelled_and_cancelled(world: World) -> None:
    put(world)
    held = prescription(id="rx")
    world.node.put(held)
    put(world, state("revoked", "2026-11-01"))
    client = world.client
    labelled = {**held, "meta": {"tag": [{"system": "urn:t", "code": "t"}]}}
    assert client("PUT", "/fhir/MedicationRequest/rx", as_json(labelled)).status == 200
    dose = {**labelled, "dosageInstruction": [{"text": "Gấp đôi"}]}
    assert client("PUT", "/fhir/MedicationRequest/rx", as_json(dose)).status == 403
    patch = as_json([{"op": "replace", "path": "/status", "value": "cancelled"}])
    reply = client("PATCH", "/fhir/MedicationRequest/rx", patch,
                   content_type="application/json-patch+json")  # fmt: skip
    assert reply.status == 200


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_who_is_unknown_signs_unless_the_operator_refuses(world: World) -> None:
    strict = world.client_of(world.registers_of(accepts_unknown=False))
    world.node.put(practitioner("bare", qualification=[{"code": {"text": "Cử nhân"}}]))
    for who in ("Practitioner/nobody", "Practitioner/bare"):
        assert world.post(prescription(who)) == (201, "")
        reply = strict("POST", "/fhir/MedicationRequest", as_json(prescription(who)))
        assert problem(reply) == (403, "signer-unknown")
    assert world.post(prescription("Organization/o")) == (201, "")


def test_the_register_wins_over_what_a_sender_says_of_its_own_doctor(world: World) -> None:
    number = "000777/HCM-GPHN"
    world.of("a", practitioner("theirs", licence(number)))
    assert world.why("Practitioner/theirs") is Why.IN_FORCE
    entry = practitioner(
        register_id(KEY, number), licence(number, "2020-01-01", "", state("revoked", "2026-01-01"))
    )
    # A look-alike that another sender wrote is not the register.
    world.of(
        "b",
        practitioner("spite", licence(number, "2020-01-01", "", state("revoked", "2026-01-01"))),
    )
    assert world.why("Practitioner/theirs") is Why.IN_FORCE
    world.node.put(entry)
    assert world.why("Practitioner/theirs") is Why.REVOKED
    assert world.post(prescription("Practitioner/theirs")) == (403, "signer-licence-revoked")


def test_a_register_kept_under_other_ids_is_found_by_its_number(world: World) -> None:
    number = "000778/HCM-GPHN"
    world.of("a", practitioner("theirs", licence(number)))
    world.node.put(practitioner("feed-1", licence(number, "2020-01-01", "2025-12-31")))
    assert world.why("Practitioner/theirs") is Why.EXPIRED


def test_places_come_from_roles_with_their_days(world: World) -> None:
    put(world)
    role = {"resourceType": "PractitionerRole", "id": "r", "period": {"start": "2026-01-01"},
            "practitioner": {"reference": "Practitioner/dr"},
            "organization": {"reference": "Organization/o"}}  # fmt: skip
    world.node.put(role)

    def at(place: str) -> Why:
        registers, access = world.registers, world.node.full
        return registers.standing(access, "Practitioner/dr", at=NOW, place=place).why

    assert at("Organization/o") is Why.IN_FORCE
    assert at("Organization/p") is Why.OUT_OF_PLACE
    world.node.put({**role, "period": {"start": "2026-01-01", "end": "2026-06-30"}})
    assert at("Organization/o") is Why.OUT_OF_PLACE


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_many_acts_together_ask_once_for_each_signer(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(world)
    read: list[str] = []
    facts = Registers.facts

    def counted(self: Registers, access: Any, who: Any, *more: Any) -> Any:
        read.append(who["reference"])
        return facts(self, access, who, *more)

    monkeypatch.setattr(Registers, "facts", counted)
    request = {"method": "POST", "url": "MedicationRequest"}
    signers = ["Practitioner/dr", "Practitioner/nobody"]
    entries = [{"resource": prescription(who), "request": request} for who in signers * 20]
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
    with caplog.at_level("INFO"):
        assert world.client("POST", "/fhir/", as_json(bundle)).status == 200
    assert read == signers
    told = [one for one in caplog.records if "signer-untold" in one.getMessage()]
    assert len(told) <= 1  # one line of a decision, not one of each act
    assert len(world.node.search("MedicationRequest")) == 40


def test_a_revocation_holds_with_the_next_transaction(world: World) -> None:
    put(world)
    request = {"method": "POST", "url": "MedicationRequest"}
    entries = [{"resource": prescription(), "request": request}] * 2
    bundle = as_json({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert world.client("POST", "/fhir/", bundle).status == 200
    put(world, state("revoked", "2026-11-22"))
    assert world.client("POST", "/fhir/", bundle).status == 403
