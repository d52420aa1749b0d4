"""Where inputs begin: official examples where the suites are there, and made ones.

A seed opens doors that chance would not find; so there is one of every resource type
and of every kind of expression, each small.
"""

import os
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from tests.support.fhirpath import PATIENT
from tests.support.profiles import profile
from trucyte.fhir.parse import parse

ROOT = Path(__file__).parents[2]
SUITES = ROOT / os.environ.get("TRUCYTE_SUITES", "../shared/suites")
_SIZE_MAX = 6000

Json = dict[str, Any]
OBSERVATION: Json = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'},
    "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5", "display": "Sốt"}]},
    "subject": {"reference": "Patient/1", "identifier": {"system": "urn:a", "value": "1"}},
    "effectiveDateTime": "2026-02-15T08:00:00+07:00",
    "valueQuantity": {"value": 38, "system": "http://unitsofmeasure.org", "code": "Cel"},
    "component": [{"code": {"text": "b"}, "valueRange": {"low": {"value": 1}}}],
}
BUNDLE: Json = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": "http://a.vn/Patient/1", "resource": {"resourceType": "Patient", "id": "1"}},
        {"fullUrl": "http://a.vn/Observation/o1", "resource": OBSERVATION},
    ],
}
VALUE_SET: Json = {
    "resourceType": "ValueSet",
    "url": "http://test.vn/ValueSet/v",
    "status": "active",
    "compose": {
        "include": [
            {"system": "http://test.vn/CodeSystem/c",
             "filter": [{"property": "concept", "op": "is-a", "value": "A"}]},
            {"system": "http://test.vn/CodeSystem/c", "concept": [{"code": "B", "display": "b"}]},
            {"valueSet": ["http://hl7.org/fhir/ValueSet/administrative-gender"]},
        ],
        "exclude": [
            {"system": "http://test.vn/CodeSystem/c",
             "filter": [{"property": "code", "op": "regex", "value": "A[0-9]*"}]},
        ],
    },
}  # fmt: skip
CODE_SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "url": "http://test.vn/CodeSystem/c",
    "status": "active",
    "content": "complete",
    "concept": [
        {"code": "A", "display": "a", "concept": [
            {"code": "A1", "property": [{"code": "weight", "valueInteger": 3}]},
            {"code": "A2", "property": [{"code": "parent", "valueCode": "B"}]}]},
        {"code": "B", "designation": [{"language": "en", "value": "b"}]},
    ],
}  # fmt: skip
QUESTIONNAIRE: Json = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "questionnaire": "#q",
    "contained": [
        {"resourceType": "Questionnaire", "id": "q", "status": "active", "item": [
            {"linkId": "1", "type": "group", "item": [
                {"linkId": "1.1", "type": "choice", "required": True,
                 "answerOption": [{"valueCoding": {"code": "x"}}]},
                {"linkId": "1.2", "type": "decimal", "enableWhen": [
                    {"question": "1.1", "operator": "=", "answerCoding": {"code": "x"}}]}]}]},
    ],
    "item": [{"linkId": "1", "item": [{"linkId": "1.1", "answer": [{"valueCoding": {"code": "x"}}]},
                                      {"linkId": "1.2", "answer": [{"valueDecimal": 1}]}]}],
}  # fmt: skip
_SLICING = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
_RULE = {"key": "t-1", "severity": "error", "human": "h", "expression": "name.exists()"}
_PATTERN = {"coding": [{"code": "a"}]}
PROFILES: tuple[Json, ...] = (
    profile(
        "x", "Patient",
        {"path": "", "constraint": [_RULE]},
        {"path": "identifier", "slicing": _SLICING, "min": 1},
        {"path": "identifier", "sliceName": "a", "min": 1, "max": "1"},
        {"path": "identifier.system", "fixedUri": "urn:a"},
        {"path": "gender", "binding": {"strength": "required",
                                       "valueSet": "http://test.vn/ValueSet/v"}},
        {"path": "extension", "slicing": {"discriminator": [{"type": "value", "path": "url"}],
                                          "rules": "closed"}},
        {"path": "extension", "sliceName": "e", "type": [
            {"code": "Extension", "profile": ["http://test.vn/StructureDefinition/e"]}]},
        {"path": "name.family", "maxLength": 3},
    ),
    profile(
        "x", "Observation",
        {"path": "code", "patternCodeableConcept": _PATTERN},
        {"path": "value[x]", "type": [{"code": "Quantity"}], "min": 1},
        {"path": "valueQuantity.value", "minValueDecimal": 1, "maxValueDecimal": 9},
        {"path": "component", "slicing": {"discriminator": [{"type": "pattern", "path": "code"}],
                                          "rules": "open", "ordered": True}},
        {"path": "component", "sliceName": "c", "max": "1"},
        {"path": "component.code", "patternCodeableConcept": _PATTERN},
        {"path": "subject", "type": [{"code": "Reference", "targetProfile": [
            "http://hl7.org/fhir/StructureDefinition/Patient"]}]},
    ),
    profile(
        "e", "Extension",
        {"path": "", "min": 1},
        {"path": "url", "fixedUri": "http://test.vn/StructureDefinition/e"},
        {"path": "value[x]", "type": [{"code": "string"}, {"code": "Coding"}]},
        context=[{"type": "element", "expression": "Patient"}],
    ),
    profile(
        "x", "Bundle",
        {"path": "entry", "slicing": {"discriminator": [{"type": "profile", "path": "resource"}],
                                      "rules": "open"}},
        {"path": "entry", "sliceName": "p", "min": 1},
        {"path": "entry.resource", "type": [{"code": "Patient", "profile": [
            "http://hl7.org/fhir/StructureDefinition/Patient"]}]},
        {"path": "entry.link", "contentReference": "#Bundle.link"},
    ),
)  # fmt: skip
MADE: tuple[Json, ...] = (PATIENT, OBSERVATION, BUNDLE, VALUE_SET, CODE_SYSTEM, QUESTIONNAIRE)


@cache
def examples() -> tuple[bytes, ...]:
    """Return the smallest official example of each resource type; none without the suites."""
    archive = SUITES / "r4-examples.tar.xz"
    if not archive.exists():
        return ()
    smallest: dict[str, bytes] = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            if not member.name.endswith(".json") or member.size > _SIZE_MAX:
                continue
            file = opened.extractfile(member)
            body = file.read() if file is not None else b"{}"
            kind = str(parse(body).get("resourceType"))
            if kind not in smallest or len(body) < len(smallest[kind]):
                smallest[kind] = body
    return tuple(smallest.values())


def resources() -> Iterator[Json]:
    """Yield made resources and official ones."""
    yield from MADE
    yield from map(parse, examples())


@cache
def expressions() -> tuple[str, ...]:
    """Return the expressions of the official suite, or some of our own without it."""
    suite = SUITES / "fhirpath-r4" / "tests-fhir-r4.xml"
    if not suite.exists():
        return _EXPRESSIONS
    found = (one.text or "" for one in etree.parse(suite).iter("expression"))
    return (*_EXPRESSIONS, *dict.fromkeys(text.strip() for text in found))


def views() -> Iterator[tuple[Json, list[Json]]]:
    """Yield views with resources they read."""
    columns = [
        {"name": "id", "path": "getResourceKey()"},
        {"name": "n", "path": "name.given", "collection": True},
        {"name": "d", "path": "birthDate", "type": "date"},
    ]
    yield {"resource": "Patient", "select": [{"column": columns}]}, [PATIENT]
    folder = SUITES / "sql-on-fhir"
    for path in sorted(folder.glob("*.json")) if folder.exists() else ():
        suite = parse(path.read_bytes())
        for case in suite["tests"]:
            yield case["view"], suite["resources"][:2]


_EXPRESSIONS = (
    "name.given.first()",
    "name.where(use = 'official').family | name.given",
    "birthDate + 3 months <= today()",
    "1 'mg' + 2 'g' ~ 2001 'mg'",
    "name.given.matches('^[A-Z]+(a|b)*$').all($this)",
    "(1 | 2 | 3).aggregate($total + $this, 0) div 2",
    "repeat(extension).value.ofType(string).select(upper())",
    "'abc'.replaceMatches('b', '$0x').substring(1, 2).toInteger()",
    "iif(active, descendants().count(), {}) > %resource.id.length()",
    "@2015-02-04T14:34:28.123+09:00.lowBoundary(6)",
    "defineVariable('a', name).select(%a.family.join(','))",
)
