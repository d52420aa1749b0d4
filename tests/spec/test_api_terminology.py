"""The terminology operations over HTTP: by address and by body, of a type and of one resource.

R4 terminology-service; OperationDefinition CodeSystem-lookup, ValueSet-expand and the others.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.api import Client, api_of, problem
from tests.support.terminology import ALL, SYSTEM, TREE, code_system, open_lists, value_set
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.web.api.operations.terminology import terminology_operations

MAP = {
    "resourceType": "ConceptMap",
    "id": "m",
    "url": "https://example.org/ConceptMap/m",
    "status": "active",
    "group": [
        {
            "source": SYSTEM,
            "target": "urn:other",
            "element": [{"code": "A1", "target": [{"code": "x", "equivalence": "equal"}]}],
        }
    ],
}
STORED = {
    "resourceType": "ValueSet",
    "id": "stored",
    "url": "https://example.org/ValueSet/stored",
    "version": "3",
    "status": "active",
    "expansion": {
        "timestamp": "2026-01-01",
        "contains": [{"system": SYSTEM, "code": "A1", "display": "Thương hàn"}],
    },
}
Q = quote(SYSTEM, safe="")


@pytest.fixture
def client(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Client]:
    with open_lists(database, tmp_path, clock, definitions) as lists:
        whole = {"include": [{"system": SYSTEM}]}
        lists.put(code_system(TREE), value_set(whole), MAP, STORED)
        rows = terminology_operations(lambda: lists.terminology, lists.node.records)
        yield Client(
            api_of(
                lists.node, clock, definitions, operations=rows, systems=lists.terminology.systems
            )
        )


def parameters(**values: Any) -> bytes:
    entries = []
    for name, value in values.items():
        key = "resource" if isinstance(value, dict) and "resourceType" in value else None
        key = key or {str: "valueString", dict: "valueCoding", bool: "valueBoolean"}[type(value)]
        entries.append({"name": name, key: value})
    return json.dumps({"resourceType": "Parameters", "parameter": entries}).encode()


def said(reply: Any, name: str) -> Any:
    """Return the value of a parameter of the answer."""
    assert reply.status == 200, reply.body
    found = next(one for one in reply.json["parameter"] if one["name"] == name)
    return next(value for key, value in found.items() if key.startswith("value"))


def test_lookup_by_address_and_by_body(client: Client) -> None:
    reply = client.get(f"/fhir/CodeSystem/$lookup?system={Q}&code=A1")
    assert said(reply, "display") == "Thương hàn"
    coding = {"system": SYSTEM, "code": "A1"}
    posted = client("POST", "/fhir/CodeSystem/$lookup", parameters(coding=coding))
    assert posted.json == reply.json


def test_what_is_not_there_is_404_and_what_is_wrong_400(client: Client) -> None:
    assert problem(client.get(f"/fhir/CodeSystem/$lookup?system={Q}&code=Z")) == (
        404,
        "code-unknown",
    )
    assert problem(client.get("/fhir/CodeSystem/$lookup?system=urn:no&code=Z")) == (
        404,
        "code-system-unknown",
    )
    assert problem(client.get(f"/fhir/CodeSystem/$lookup?system={Q}")) == (
        400,
        "operation-parameter",
    )
    assert problem(client.get("/fhir/ValueSet/$expand?url=urn:no")) == (404, "value-set-unknown")
    assert problem(client.get("/fhir/CodeSystem/$lookup?made-up=1")) == (400, "operation-parameter")
    twice = client("POST", f"/fhir/CodeSystem/$lookup?system={Q}", parameters(system=SYSTEM))
    assert problem(twice) == (400, "operation-parameter")
    other = client("POST", "/fhir/CodeSystem/$lookup", b'{"resourceType":"Patient"}')
    assert problem(other) == (400, "operation-body")
    assert client("POST", "/fhir/CodeSystem/$lookup", b"{").status == 400


def test_lookup_is_not_called_on_an_instance(client: Client) -> None:
    assert problem(client.get("/fhir/CodeSystem/benh/$lookup?code=A1")) == (
        404,
        "operation-unknown",
    )


@pytest.mark.parametrize(
    "place", [f"CodeSystem/$subsumes?system={Q}&", "CodeSystem/benh/$subsumes?"]
)
def test_subsumes(client: Client, place: str) -> None:
    reply = client.get(f"/fhir/{place}codeA=A&codeB=A2.1")
    assert said(reply, "outcome") == "subsumes"


@pytest.mark.parametrize(
    "place",
    [
        f"CodeSystem/$validate-code?url={Q}",
        "CodeSystem/benh/$validate-code?",
        f"ValueSet/$validate-code?url={quote(ALL, safe='')}&system={Q}",
        f"ValueSet/benh/$validate-code?system={Q}",
    ],
)
def test_codes_are_checked(client: Client, place: str) -> None:
    assert said(client.get(f"/fhir/{place}&code=B1"), "result") is True
    assert said(client.get(f"/fhir/{place}&code=B9"), "result") is False


def codes(reply: Any) -> list[str]:
    assert reply.status == 200, reply.body
    return [one["code"] for one in reply.json["expansion"].get("contains", ())]


def test_expand_of_a_type_of_one_and_of_a_body(client: Client) -> None:
    every = ["A", "A1", "A2", "A2.1", "B", "B1", "B2"]
    assert codes(client.get(f"/fhir/ValueSet/$expand?url={quote(ALL, safe='')}")) == every
    assert codes(client.get("/fhir/ValueSet/benh/$expand")) == every
    assert codes(client.get("/fhir/ValueSet/benh/$expand?filter=soi%20than")) == ["B1"]
    assert codes(client.get("/fhir/ValueSet/benh/$expand?offset=1&count=2")) == ["A1", "A2"]
    body = json.dumps(value_set({"include": [{"system": SYSTEM, "concept": [{"code": "B"}]}]}))
    assert codes(client("POST", "/fhir/ValueSet/$expand", body.encode())) == ["B"]
    assert codes(
        client("POST", "/fhir/ValueSet/$expand", parameters(valueSet=json.loads(body)))
    ) == ["B"]
    assert codes(client.get("/fhir/ValueSet/stored/$expand")) == ["A1"]


def test_an_instance_takes_no_other_name(client: Client) -> None:
    reply = client.get("/fhir/ValueSet/benh/$expand?url=urn:other")
    assert problem(reply) == (400, "operation-parameter")
    assert problem(client.get("/fhir/ValueSet/none/$expand")) == (404, "not-found")


@pytest.mark.parametrize(
    "place",
    [
        "ConceptMap/$translate?",
        f"ConceptMap/$translate?url={quote(MAP['url'], safe='')}&",
        "ConceptMap/m/$translate?",
    ],
)
def test_translate(client: Client, place: str) -> None:
    reply = client.get(f"/fhir/{place}system={Q}&code=A1")
    assert said(reply, "result") is True


def test_answers_come_as_xml_too(client: Client) -> None:
    reply = client.get("/fhir/ValueSet/benh/$expand?_format=xml")
    assert reply.status == 200
    assert reply.body.startswith(b"<ValueSet") or b"<ValueSet" in reply.body[:100]


def test_the_statements_name_what_is_there(client: Client, definitions: Definitions) -> None:
    statement = client.get("/fhir/metadata?mode=terminology").json
    assert Validator(definitions).check(statement) == []
    assert statement["codeSystem"] == [
        {"uri": SYSTEM, "version": [{"code": "1", "isDefault": True}], "subsumption": True}
    ]
    assert "filter" in [one["name"] for one in statement["expansion"]["parameter"]]
    rest = client.get("/fhir/metadata").json["rest"][0]
    by_type = {
        one["type"]: {op["name"] for op in one["operation"]}
        for one in rest["resource"]
        if "operation" in one
    }
    assert by_type == {
        "CodeSystem": {"lookup", "validate-code", "subsumes"},
        "ValueSet": {"expand", "validate-code"},
        "ConceptMap": {"translate"},
    }
