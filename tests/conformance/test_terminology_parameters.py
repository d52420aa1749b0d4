"""R4's terminology operations, from Parameters to Parameters, as their definitions say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminology import ALL, SYSTEM, TREE, Lists, code_system, open_lists, value_set
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.terminology.operations.answer import ANSWERS, KNOWN
from trucyte.shared.terminology.operations.given import read_given, read_query

OTHER = "https://example.org/CodeSystem/other"
MAP = "https://example.org/ConceptMap/m"
ABSTRACT = {"property": [{"code": "notSelectable", "valueBoolean": True}]}
RETIRED = {"property": [{"code": "status", "valueCode": "retired"}]}
CONCEPT_MAP = {
    "resourceType": "ConceptMap", "id": "m", "url": MAP, "status": "active",
    "sourceUri": ALL, "targetUri": "urn:x:target",
    "group": [{"source": SYSTEM, "target": OTHER, "element": [
        {"code": "A1", "target": [{"code": "T", "equivalence": "equivalent"}]}]}],
}  # fmt: skip


@pytest.fixture
def lists(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Lists]:
    with open_lists(database, tmp_path, clock, definitions) as opened:
        extra = [{"code": "C", "display": "Nhóm", **ABSTRACT}, {"code": "D", **RETIRED}]
        opened.put(
            code_system([*TREE, *extra]),
            value_set({"include": [{"system": SYSTEM}]}),
            CONCEPT_MAP,
        )
        yield opened


def entry(name: str, **value: Any) -> dict[str, Any]:
    return {"name": name, **value}


def text(name: str, value: str) -> dict[str, Any]:
    return entry(name, valueString=value)


def coding(name: str, code: str, system: str = SYSTEM, **more: str) -> dict[str, Any]:
    return entry(name, valueCoding={"system": system, "code": code, **more})


def ask(lists: Lists, type: str, operation: str, *entries: dict[str, Any]) -> dict[str, Any]:
    parameters = {"resourceType": "Parameters", "parameter": list(entries)}
    given = read_given(parameters, KNOWN[type, operation])
    return ANSWERS[type, operation](lists.terminology, given)


def simple(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the simple values of Parameters by name."""
    return {
        one["name"]: value
        for one in resource["parameter"]
        for key, value in one.items()
        if key.startswith("value")
    }


def test_every_parameter_of_the_definitions_is_answered_or_refused_by_name(
    definitions: Definitions,
) -> None:
    # R4's lists of `in` parameters.
    assert set(KNOWN["CodeSystem", "lookup"]) == {
        "code",
        "system",
        "version",
        "coding",
        "date",
        "displayLanguage",
        "property",
    }
    assert set(KNOWN["CodeSystem", "validate-code"]) == {
        "url",
        "codeSystem",
        "code",
        "version",
        "display",
        "coding",
        "codeableConcept",
        "date",
        "abstract",
        "displayLanguage",
    }
    assert set(KNOWN["ValueSet", "validate-code"]) == {
        "url",
        "context",
        "valueSet",
        "valueSetVersion",
        "code",
        "system",
        "systemVersion",
        "display",
        "coding",
        "codeableConcept",
        "date",
        "abstract",
        "displayLanguage",
    }
    assert set(KNOWN["ConceptMap", "translate"]) == {
        "url",
        "conceptMap",
        "conceptMapVersion",
        "code",
        "system",
        "version",
        "source",
        "coding",
        "codeableConcept",
        "target",
        "targetsystem",
        "dependency",
        "reverse",
    }
    assert len(KNOWN["ValueSet", "expand"]) == 21
    assert KNOWN.keys() == ANSWERS.keys()  # fmt: skip


def test_lookup_gives_the_properties_asked_for_and_the_words_of_a_language(lists: Lists) -> None:
    whole = ask(lists, "CodeSystem", "lookup", coding("coding", "B1"))
    assert simple(whole) == {"name": "Bệnh", "version": "1", "display": "Sỏi thận"}
    assert "designation" in [one["name"] for one in whole["parameter"]]
    english = ask(
        lists,
        "CodeSystem",
        "lookup",
        text("system", SYSTEM),
        text("code", "B1"),
        entry("displayLanguage", valueCode="en-GB"),
        text("property", "parent"),
    )
    assert simple(english)["display"] == "Kidney stone"
    assert [one["part"][0]["valueCode"] for one in english["parameter"] if "part" in one] == [
        "parent"]  # fmt: skip


def test_subsumes_takes_codes_or_codings(lists: Lists) -> None:
    codes = (text("codeA", "A"), text("codeB", "A2.1"), text("system", SYSTEM))
    assert simple(ask(lists, "CodeSystem", "subsumes", *codes)) == {"outcome": "subsumes"}
    codings = (coding("codingA", "A2.1"), coding("codingB", "A"))
    assert simple(ask(lists, "CodeSystem", "subsumes", *codings)) == {"outcome": "subsumed-by"}


@pytest.mark.parametrize(
    ("entries", "result"),
    [
        ([text("url", SYSTEM), text("code", "A1")], True),
        ([text("url", SYSTEM), text("code", "Z")], False),
        ([text("url", SYSTEM), text("code", "C")], True),
        ([text("url", SYSTEM), text("code", "C"), entry("abstract", valueBoolean=False)], False),
        ([text("url", SYSTEM), text("code", "A1"), text("display", "Sốt rét")], False),
        ([coding("coding", "A1", display="thương  HÀN")], True),
        ([text("url", SYSTEM), coding("coding", "A1", system="urn:x")], False),
        ([entry("codeableConcept", valueCodeableConcept={"coding": [
            {"system": SYSTEM, "code": "Z"}, {"system": SYSTEM, "code": "A1"}]})], True),
        ([text("url", SYSTEM), entry("codeableConcept", valueCodeableConcept={})], False),
    ],
)  # fmt: skip
def test_validate_code_of_a_code_system(
    lists: Lists, entries: list[dict[str, Any]], result: bool
) -> None:
    assert simple(ask(lists, "CodeSystem", "validate-code", *entries))["result"] is result


def test_validate_code_of_a_value_set_by_url_or_as_a_resource(lists: Lists) -> None:
    def result(*entries: dict[str, Any]) -> dict[str, Any]:
        return simple(ask(lists, "ValueSet", "validate-code", *entries))

    assert result(text("url", ALL), coding("coding", "B1")) == {
        "result": True, "display": "Sỏi thận"}  # fmt: skip
    language = entry("displayLanguage", valueCode="en")
    assert result(text("url", ALL), coding("coding", "B1"), language)["display"] == "Kidney stone"
    own = entry("valueSet", resource=value_set(
        {"include": [{"system": SYSTEM, "concept": [{"code": "A1"}]}]}, name="own"))  # fmt: skip
    assert result(own, coding("coding", "A1"))["result"] is True
    assert result(own, coding("coding", "B1"))["result"] is False


def expansion(lists: Lists, *entries: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = ask(lists, "ValueSet", "expand", text("url", ALL), *entries)
    return dict(found["expansion"])


def codes(contains: list[dict[str, Any]]) -> list[str]:
    return [one["code"] for one in contains]


def test_expand_pages_and_filters_and_tells_what_was_asked(lists: Lists) -> None:
    page = expansion(lists, text("filter", "SOT ret"), entry("offset", valueInteger=1),
                     entry("count", valueInteger=1))  # fmt: skip
    assert (page["total"], page["offset"], codes(page["contains"])) == (3, 1, ["A2.1"])
    asked = {one["name"] for one in page["parameter"]}
    assert {"filter", "offset", "count", "date", "excludeNested"} <= asked


def test_expand_gives_designations_languages_and_a_hierarchy_where_asked(lists: Lists) -> None:
    def b1(*entries: dict[str, Any]) -> dict[str, Any]:
        (found,) = expansion(lists, text("filter", "B1"), *entries)["contains"]
        return dict(found)

    assert "designation" not in b1()
    assert b1(entry("includeDesignations", valueBoolean=True))["designation"][0]["language"] == "en"
    assert b1(entry("displayLanguage", valueCode="en"))["display"] == "Kidney stone"
    assert "designation" in b1(text("designation", "urn:ietf:bcp:47|en"))
    assert "designation" not in b1(text("designation", "urn:ietf:bcp:47|fr"))
    nested = expansion(lists, entry("excludeNested", valueBoolean=False))["contains"]
    assert codes(nested)[:2] == ["A", "B"]
    assert codes(nested[0]["contains"])[:2] == ["A1", "A2"]


def test_expand_leaves_out_what_is_retired_or_abstract_where_asked(lists: Lists) -> None:
    assert {"C", "D"} <= set(codes(expansion(lists)["contains"]))
    active = expansion(lists, entry("activeOnly", valueBoolean=True))
    assert "D" not in codes(active["contains"])
    shown = expansion(lists, entry("excludeNotForUI", valueBoolean=True))
    assert "C" not in codes(shown["contains"])
    assert len({one["identifier"] for one in (active, shown, expansion(lists))}) == 3


def test_translate_by_a_map_by_its_sides_and_by_a_map_that_is_given(lists: Lists) -> None:
    def matches(*entries: dict[str, Any]) -> list[str]:
        answer = ask(lists, "ConceptMap", "translate", *entries)
        found = [one["part"] for one in answer["parameter"] if one["name"] == "match"]
        assert simple(answer)["result"] is bool(found)
        return [part["valueCoding"]["code"] for parts in found for part in parts
                if part["name"] == "concept"]  # fmt: skip

    assert matches(text("url", MAP), coding("coding", "A1")) == ["T"]
    assert matches(coding("coding", "A1"), text("source", ALL)) == ["T"]
    assert matches(coding("coding", "A1"), text("target", "urn:x:none")) == []
    assert matches(coding("coding", "A1"), text("targetsystem", "urn:x:none")) == []
    back = (coding("coding", "T", system=OTHER), entry("reverse", valueBoolean=True))
    assert matches(text("url", MAP), *back) == ["A1"]
    given = entry("conceptMap", resource={**CONCEPT_MAP, "url": "urn:x:given"})
    assert matches(given, coding("coding", "A1")) == ["T"]


@pytest.mark.parametrize(
    ("operation", "entries", "problem"),
    [
        ("expand", [text("context", "x")], "operation-parameter-unsupported"),
        ("expand", [text("nothing", "x")], "operation-parameter"),
        ("expand", [text("url", ALL), text("url", ALL)], "operation-parameter"),
        ("expand", [text("url", ALL), text("count", "x")], "operation-parameter"),
        ("expand", [text("url", ALL), entry("count", valueInteger=True)], "operation-parameter"),
        ("expand", [text("url", ALL), entry("count", valueInteger=-1)], "expansion-paging"),
        ("expand", [text("url", ALL), entry("date", valueDateTime="32")], "operation-parameter"),
        ("expand", [text("url", ALL), entry("date", valueDate="0001-01-01T00:00:00+14:00")],
         "operation-parameter"),
        ("expand", [text("url", "urn:x")], "value-set-unknown"),
        ("expand", [], "operation-parameter"),
        ("expand", [{"name": ["x"]}], "operation-parameter"),
        ("expand", ["x"], "operation-parameter"),
        ("validate-code", [text("url", ALL), entry("coding", valueCoding={"code": 1})],
         "operation-parameter"),
        ("validate-code", [text("url", ALL)], "operation-parameter"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_by_name(
    lists: Lists, operation: str, entries: list[Any], problem: str
) -> None:
    with pytest.raises(Problem) as refused:
        ask(lists, "ValueSet", operation, *entries)
    assert refused.value.code == problem


def test_a_query_has_simple_types_only(lists: Lists) -> None:
    known = KNOWN["ValueSet", "expand"]
    pairs = [("url", ALL), ("count", "2"), ("activeOnly", "true"), ("date", "2026-07-01T00:00:00Z")]
    given = read_query(pairs, known)
    assert (given.number("count"), given.flag("activeOnly")) == (2, True)
    assert str(given.day("date")) == "2026-07-01"
    found = ANSWERS["ValueSet", "expand"](lists.terminology, given)
    assert len(found["expansion"]["contains"]) == 2
    for name, value in [
        ("count", "²"),
        ("count", "9" * 40),
        ("activeOnly", "1"),
        ("valueSet", "{}"),
    ]:
        with pytest.raises(Problem):
            read_query([(name, value)], known)
