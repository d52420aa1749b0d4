"""`Patient/$match` over HTTP: R4 Patient-match as IHE PDQm has it (ITI-119, 2:3.119)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Client, api_of, problem
from tests.support.people import CCCD, PHONE, People, open_people, patient
from tests.support.records import RESTRICTED, VERY_RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.links import LinkState
from trucyte.web.api.operations.identity import HITS_MAX, INSTANTIATES, identity_operations

NUMBER = "079085000123"
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
WHY = "https://trucyte.vn/fhir/StructureDefinition/match-explanation"


@pytest.fixture
def people(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[People]:
    with open_people(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def client(people: People, clock: FixedClock, definitions: Definitions) -> Client:
    operations = identity_operations(people.matcher, people.links, people.node.records)
    return Client(
        api_of(people.node, clock, definitions, operations=operations, instantiates=INSTANTIATES)
    )


def parameters(resource: dict[str, Any], **more: Any) -> bytes:
    listed: list[dict[str, Any]] = [{"name": "resource", "resource": resource}]
    for name, value in more.items():
        kind = "valueBoolean" if isinstance(value, bool) else "valueInteger"
        listed.append({"name": name, kind: value})
    return json.dumps({"resourceType": "Parameters", "parameter": listed}).encode()


def asked(**more: Any) -> dict[str, Any]:
    made = patient("x", **more)
    del made["id"]
    return made


def match(client: Client, resource: dict[str, Any], **more: Any) -> Any:
    reply = client("POST", "/fhir/Patient/$match", parameters(resource, **more))
    assert reply.status == 200, reply.body
    return reply.json


def matched(bundle: Any) -> list[Any]:
    return [one for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]


def grade(entry: Any) -> str:
    (found,) = [one["valueCode"] for one in entry["search"]["extension"] if one["url"] == GRADE]
    return str(found)


def remarks(bundle: Any) -> list[str]:
    return [
        one["resource"]["issue"][0]["details"]["coding"][0]["code"]
        for one in bundle.get("entry", ())
        if one["search"]["mode"] == "outcome"
    ]


def test_case_1_one_person_is_found_with_score_grade_and_reasons(
    people: People, client: Client
) -> None:
    people.put(patient("a", number=NUMBER, phone=PHONE))
    bundle = match(client, asked(number=NUMBER))
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 1)
    (entry,) = bundle["entry"]
    assert entry["fullUrl"].endswith("/fhir/Patient/a")
    assert entry["resource"]["id"] == "a"
    assert 0.99 < entry["search"]["score"] <= 1
    assert grade(entry) == "certain"
    reasons = [one["valueString"] for one in entry["search"]["extension"] if one["url"] == WHY]
    assert reasons[0] == "Chắc chắn là một người."
    assert any("Số định danh" in reason for reason in reasons)


def test_case_2_several_are_ordered_from_most_to_least_likely(
    people: People, client: Client
) -> None:
    people.put(patient("far", phone=PHONE, number="079085000999"), patient("near", number=NUMBER))
    found = matched(match(client, asked(number=NUMBER, phone=PHONE)))
    assert [one["resource"]["id"] for one in found] == ["near", "far"]
    assert grade(found[0]) == "certain"
    assert grade(found[1]) in ("probable", "possible")
    assert found[0]["search"]["score"] >= found[1]["search"]["score"]


def test_case_3_only_what_is_certain_is_returned_where_that_is_asked(
    people: People, client: Client
) -> None:
    people.put(patient("a", number=NUMBER), patient("b", phone=PHONE, number="079085000999"))
    bundle = match(client, asked(number=NUMBER, phone=PHONE), onlyCertainMatches=True)
    assert [one["resource"]["id"] for one in bundle["entry"]] == ["a"]


def test_case_4_nothing_is_returned_where_nothing_is_certain(
    people: People, client: Client
) -> None:
    people.put(patient("b", phone=PHONE, number="079085000999"))
    bundle = match(client, asked(number=NUMBER, phone=PHONE), onlyCertainMatches=True)
    assert "entry" not in bundle


def test_case_5_several_certain_are_returned_only_where_they_are_linked(
    people: People, client: Client
) -> None:
    people.put(patient("a", number=NUMBER), patient("b", number=NUMBER))
    assert "entry" not in match(client, asked(number=NUMBER), onlyCertainMatches=True)
    people.links.known["Patient/a", "Patient/b"] = LinkState.LINKED
    bundle = match(client, asked(number=NUMBER), onlyCertainMatches=True)
    assert [one["resource"]["id"] for one in bundle["entry"]] == ["a", "b"]


def test_case_6_no_more_are_returned_than_count(people: People, client: Client) -> None:
    people.put(*(patient(f"p{n}", number=NUMBER) for n in range(4)))
    assert len(matched(match(client, asked(number=NUMBER), count=2))) == 2


def test_case_7_of_nobody_the_bundle_is_empty(people: People, client: Client) -> None:
    bundle = match(client, asked(number=NUMBER))
    assert bundle["total"] == 0
    assert matched(bundle) == []


def test_case_9_what_cannot_be_asked_is_an_error_with_its_reason(client: Client) -> None:
    nobody = {"resourceType": "Patient", "gender": "male"}
    for body, status, code in (
        (parameters(nobody), 400, "match-too-little"),
        (parameters({"resourceType": "Observation"}), 400, "operation-parameter"),
        (parameters(asked(), count=0), 400, "operation-parameter"),
        (b'{"resourceType":"Parameters"}', 400, "operation-parameter"),
        (b"", 400, "operation-parameter"),
    ):
        reply = client("POST", "/fhir/Patient/$match", body)
        assert problem(reply) == (status, code), reply.body


def test_case_10_what_was_left_out_is_said_beside_the_matches(
    people: People, client: Client
) -> None:
    people.put(
        patient("a", number=NUMBER),
        *(patient(f"q{n}", f"Lê Thị Số {n}", f"1990-01-{n % 28 + 1:02}", number=NUMBER)
          for n in range(101)),
    )  # fmt: skip
    bundle = match(client, asked(number=NUMBER))
    assert [one["resource"]["id"] for one in matched(bundle)] == ["a"]
    assert remarks(bundle) == ["match-crowded"]


def test_a_bare_patient_may_be_posted(people: People, client: Client) -> None:
    people.put(patient("a", number=NUMBER))
    reply = client("POST", "/fhir/Patient/$match", json.dumps(asked(number=NUMBER)).encode())
    assert [one["resource"]["id"] for one in reply.json["entry"]] == ["a"]


def test_xml_is_taken_and_given(people: People, client: Client) -> None:
    people.put(patient("a", number=NUMBER))
    body = (
        f'<Patient xmlns="http://hl7.org/fhir"><identifier><system value="{CCCD}"/>'
        f'<value value="{NUMBER}"/></identifier><name><text value="Nguyễn Văn Hùng"/></name>'
        '<birthDate value="1985-03-02"/></Patient>'
    )
    xml = "application/fhir+xml"
    reply = client("POST", "/fhir/Patient/$match", body.encode(), content_type=xml, accept=xml)
    assert reply.status == 200
    assert b'<valueCode value="certain"/>' in reply.body


def test_reasons_are_in_the_callers_language(people: People, client: Client) -> None:
    people.put(patient("a", number=NUMBER))
    reply = client(
        "POST", "/fhir/Patient/$match", parameters(asked(number=NUMBER)), accept_language="en"
    )
    assert "Certainly one person." in reply.body.decode()


def test_more_than_fifty_likely_people_are_refused_clearly(people: People, client: Client) -> None:
    people.put(*(patient(f"p{n:02}", number=f"0790850{n:05}") for n in range(HITS_MAX + 1)))
    reply = client("POST", "/fhir/Patient/$match", parameters(asked(phone=PHONE)))
    assert problem(reply) == (422, "too-many-matches")
    assert "50" in reply.json["issue"][0]["diagnostics"]


def test_who_is_known_by_crowded_keys_alone_is_too_many(people: People, client: Client) -> None:
    people.put(*(patient(f"p{n:03}") for n in range(101)))
    reply = client("POST", "/fhir/Patient/$match", parameters(asked()))
    assert problem(reply) == (422, "too-many-matches")


def test_a_twin_is_shown_as_unsure_or_as_certainly_not_and_never_as_certain(
    people: People, client: Client
) -> None:
    people.put(patient("twin", "Nguyễn Văn Hưng", "2015-03-02", phone=PHONE))
    found = matched(match(client, asked(birth="2015-03-02", phone=PHONE)))
    assert [grade(one) for one in found] in (["probable"], ["possible"], ["certainly-not"])


@pytest.mark.parametrize("label", [RESTRICTED, VERY_RESTRICTED])
def test_who_is_restricted_is_not_found_nor_counted(
    people: People, client: Client, label: dict[str, Any]
) -> None:
    people.put(patient("a", number=NUMBER, meta=label))
    bundle = match(client, asked(number=NUMBER))
    assert (bundle["total"], matched(bundle)) == (0, [])


def test_a_stranger_born_on_the_same_day_is_not_shown(people: People, client: Client) -> None:
    people.put(patient("a", number=NUMBER), patient("b", "Nguyễn Quốc Dũng", number="079085000555"))
    found = matched(match(client, asked(number=NUMBER)))
    assert [one["resource"]["id"] for one in found] == ["a"]
    assert len(people.node.trail.shown_to[-1][1]) == 1


def test_whom_only_a_rule_tells_apart_is_shown_as_certainly_not(
    people: People, client: Client
) -> None:
    home = [{"line": ["12 Lê Lợi"], "district": "Phường Mẫu", "state": "Tỉnh Mẫu"}]
    people.put(patient("twin", "Tôn Thất Quang", "2015-03-02", phone=PHONE, address=home))
    asked_for = asked(name="Tôn Thất Dũng", birth="2015-03-02", phone=PHONE, address=home)
    (entry,) = matched(match(client, asked_for))
    assert (grade(entry), entry["search"]["score"]) == ("certainly-not", 0)


def test_the_trail_says_who_was_shown(people: People, client: Client) -> None:
    people.put(patient("a", number=NUMBER), patient("b", "Lê Thị Hoa", "1990-01-05"))
    match(client, asked(number=NUMBER))
    (entry,) = people.rows("select person from identity.person where id = 'a'")
    assert people.node.trail.shown_to[-1] == ("clerk", entry, "match Patient")


def test_an_index_in_the_making_says_so(people: People, client: Client) -> None:
    people.put(patient("a", number=NUMBER))
    people.rows("update identity.form set is_whole = false returning 1")
    assert remarks(match(client, asked(number=NUMBER))) == ["match-not-whole"]


def test_match_is_posted_to_the_type_alone(client: Client) -> None:
    assert client.get("/fhir/Patient/$match").status == 405
    assert client("POST", "/fhir/Patient/a/$match", parameters(asked())).status == 404
    assert client("POST", "/fhir/Person/$match", parameters(asked())).status == 404


def test_the_statement_promises_what_is_answered(client: Client) -> None:
    statement = client.get("/fhir/metadata").json
    assert statement["instantiates"] == list(INSTANTIATES)
    (shown,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    named = {one["name"]: one["definition"] for one in shown["operation"]}
    assert named["match"] == "http://hl7.org/fhir/OperationDefinition/Patient-match"
    assert named["ihe-pix"].endswith("/PIXm/OperationDefinition/IHE.PIXm.pix")


# What PDQm's Supplier has to search by (IHE.PDQm.PatientDemographicsSupplier).
ASKED = (
    "_lastUpdated", "_id", "active", "family", "given", "identifier", "telecom", "birthdate",
    "address", "address-city", "address-country", "address-postalcode", "address-state",
    "gender", "mothersMaidenName",
)  # fmt: skip


def test_iti_78_every_parameter_that_is_asked_for_can_be_searched(
    people: People, client: Client
) -> None:
    statement = client.get("/fhir/metadata").json
    (shown,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    assert set(ASKED) <= {one["name"] for one in shown["searchParam"]}
    mother = {
        "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
        "valueString": "Lê Thị Mẫu",
    }
    people.put(patient("a", extension=[mother]), patient("b"))
    found = client.get("/fhir/Patient?mothersMaidenName=L%C3%AA").json
    assert [one["resource"]["id"] for one in found["entry"]] == ["a"]
