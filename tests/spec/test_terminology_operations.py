"""The operations on codes, as R4's operation definitions describe them.

The names in parentheses are the operations' canonical ids (CodeSystem-lookup, ValueSet-expand …).
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminology import ALL, SYSTEM, TREE, Lists, code_system, open_lists, value_set
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.render import to_json
from trucyte.fhir.validate import Validator
from trucyte.shared.terminology.national import national_pack, system_of, value_set_of
from trucyte.shared.terminology.problems import (
    CodeSystemUnknown,
    CodeUnknown,
    ConceptMapUnknown,
    FilterUnsupported,
    PagingRefused,
    PatternRefused,
    ValueSetCircular,
    ValueSetUnknown,
)

GENDER = "http://hl7.org/fhir/administrative-gender"
WHOLE = {"include": [{"system": SYSTEM}]}


@pytest.fixture
def lists(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Lists]:
    with open_lists(database, tmp_path, clock, definitions) as opened:
        opened.put(code_system(TREE), value_set(WHOLE))
        yield opened


@pytest.fixture
def national(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Lists]:
    with open_lists(database, tmp_path, clock, definitions) as opened:
        pack = national_pack()
        opened.store.put(pack.editions, pack.others)
        yield opened


def codes(lists: Lists, compose: dict[str, Any], **asked: Any) -> list[str]:
    expanded = lists.terminology.expand(value_set(compose, "asked"), **asked)
    return [node.member.code for node in expanded.nodes]


def filtered(lists: Lists, property: str, op: str, value: str) -> list[str]:
    rule = {"property": property, "op": op, "value": value}
    return codes(lists, {"include": [{"system": SYSTEM, "filter": [rule]}]})


# CodeSystem-lookup


def test_lookup_gives_display_designations_parents_and_properties(lists: Lists) -> None:
    found = lists.terminology.lookup(SYSTEM, "B2").resource()
    said = {p["name"]: p for p in found["parameter"]}
    assert said["display"]["valueString"] == "Viêm thận do sốt rét"
    assert said["version"]["valueString"] == "1"
    properties = [
        (part["part"][0]["valueCode"], *[v for k, v in part["part"][1].items() if k != "name"])
        for part in found["parameter"]
        if part["name"] == "property"
    ]
    assert properties[:4] == [("parent", "B"), ("parent", "A2"), ("weight", 5), ("chronic", True)]


def test_lookup_of_an_unknown_code_or_system_is_a_problem(lists: Lists) -> None:
    with pytest.raises(CodeUnknown):
        lists.terminology.lookup(SYSTEM, "Z9")
    with pytest.raises(CodeSystemUnknown):
        lists.terminology.lookup("urn:x:none", "1")


def test_lookup_knows_the_systems_of_the_language(lists: Lists) -> None:
    assert lists.terminology.lookup(GENDER, "female").concept.display == "Female"


def test_lookup_of_an_ended_code_says_that_it_is_inactive(national: Lists) -> None:
    ask = national.terminology.lookup
    system = system_of("doi-tuong-kcb")
    assert ask(system, "1.9").is_inactive
    assert not ask(system, "1.9", date(2024, 1, 1)).is_inactive


def test_lookup_takes_the_other_name_of_a_system(national: Lists) -> None:
    other = "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs"
    assert national.terminology.lookup(other, "A01.0").concept.display == "Thương hàn"


# ValueSet-validate-code, CodeSystem-validate-code


@pytest.mark.parametrize(
    ("target", "code", "display", "result"),
    [
        (ALL, "A1", None, True),
        (ALL, "A1", "thương  HÀN", True),
        (ALL, "B1", "Kidney stone", True),
        (ALL, "A1", "Thuong han", False),
        (ALL, "Z", None, False),
        (SYSTEM, "B1", None, True),
        (SYSTEM, "Z", None, False),
        (GENDER, "male", None, True),
        ("http://hl7.org/fhir/ValueSet/administrative-gender", "male", "Male", True),
        ("http://hl7.org/fhir/ValueSet/administrative-gender", "nam", None, False),
    ],
)
def test_validate_code_looks_at_code_and_display(
    lists: Lists, target: str, code: str, display: str | None, result: bool
) -> None:
    found = lists.terminology.validate_code(target, code, display)
    assert found.result is result
    assert found.resource()["parameter"][0] == {"name": "result", "valueBoolean": result}


def test_validate_code_of_a_wrong_display_tells_the_right_one(lists: Lists) -> None:
    assert lists.terminology.validate_code(ALL, "A1", "Dịch tả").display == "Thương hàn"


def test_validate_code_asks_the_system_where_it_is_given(lists: Lists) -> None:
    assert lists.terminology.validate_code(ALL, "A1", system=SYSTEM).result
    assert not lists.terminology.validate_code(ALL, "A1", system="urn:x:other").result


def test_validate_code_is_as_of_a_day(national: Lists) -> None:
    ask = national.terminology.validate_code
    where = value_set_of("tinh")
    assert ask(where, "02", on=date(2025, 6, 30)).result
    assert not ask(where, "02", on=date(2025, 7, 1)).result


def test_validate_code_in_an_unknown_value_set_is_a_problem(lists: Lists) -> None:
    with pytest.raises(ValueSetUnknown):
        lists.terminology.validate_code("urn:x:none", "1")


# ValueSet-expand


def test_expand_gives_all_codes_in_the_order_of_the_list(lists: Lists) -> None:
    assert codes(lists, WHOLE) == ["A", "A1", "A2", "A2.1", "B", "B1", "B2"]


@pytest.mark.parametrize("text", ["sốt rét", "sot ret", "RÉT sốt", "  Sôt   rêt "])
def test_expand_filters_by_words_with_and_without_marks(lists: Lists, text: str) -> None:
    assert codes(lists, WHOLE, filter=text) == ["A2", "A2.1", "B2"]


def test_expand_filters_by_code_and_by_designation(lists: Lists) -> None:
    assert codes(lists, WHOLE, filter="a2.") == ["A2.1"]
    assert codes(lists, WHOLE, filter="stone") == ["B1"]


def test_expand_gives_pages_and_the_total_of_all(lists: Lists) -> None:
    page = lists.terminology.expand(ALL, offset=2, count=3)
    assert [node.member.code for node in page.nodes] == ["A2", "A2.1", "B"]
    resource = page.resource()["expansion"]
    assert (resource["total"], resource["offset"]) == (7, 2)
    assert lists.terminology.expand(ALL, count=0).resource()["expansion"]["total"] == 7


def test_expand_puts_codes_below_their_parents(lists: Lists) -> None:
    contains = lists.terminology.expand(ALL, hierarchy=True).resource()["expansion"]["contains"]
    assert [item["code"] for item in contains] == ["A", "B"]
    assert [item["code"] for item in contains[0]["contains"]] == ["A1", "A2"]
    assert [item["code"] for item in contains[0]["contains"][1]["contains"]] == ["A2.1"]


def test_expand_refuses_pages_of_a_hierarchy_and_negative_ones(lists: Lists) -> None:
    for asked in ({"hierarchy": True, "count": 2}, {"offset": -1}, {"count": 10**9}):
        with pytest.raises(PagingRefused):
            lists.terminology.expand(ALL, **asked)


@pytest.mark.parametrize(
    ("property", "op", "value", "found"),
    [
        ("concept", "is-a", "A2", ["A2", "A2.1", "B2"]),
        ("concept", "descendent-of", "A2", ["A2.1", "B2"]),
        ("concept", "is-not-a", "A", ["B", "B1"]),
        ("concept", "generalizes", "A2.1", ["A", "A2", "A2.1"]),
        ("concept", "is-a", "Z", []),
        ("weight", "=", "5", ["B2"]),
        ("chronic", "=", "true", ["B2"]),
        ("weight", "exists", "true", ["A1", "B2"]),
        ("chronic", "exists", "false", ["A", "A1", "A2", "A2.1", "B", "B1"]),
        ("weight", "in", "3,5", ["A1", "B2"]),
        ("concept", "in", "A1, B1", ["A1", "B1"]),
        ("concept", "not-in", "A,A1,A2,A2.1", ["B", "B1", "B2"]),
        ("concept", "regex", "[AB]1", ["A1", "B1"]),
        ("display", "regex", ".*thận.*", ["B", "B1", "B2"]),
        ("parent", "=", "A2", ["A2.1", "B2"]),
        ("child", "exists", "true", ["A", "A2", "B"]),
    ],
)
def test_expand_keeps_what_a_filter_keeps(
    lists: Lists, property: str, op: str, value: str, found: list[str]
) -> None:
    assert filtered(lists, property, op, value) == found


def test_expand_refuses_a_filter_it_cannot_answer(lists: Lists) -> None:
    with pytest.raises(FilterUnsupported):
        filtered(lists, "concept", "child-of", "A")
    with pytest.raises(FilterUnsupported):
        filtered(lists, "weight", "is-a", "3")


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)a", "[", "a" * 300])
def test_expand_refuses_patterns_that_are_none_or_look_around(lists: Lists, pattern: str) -> None:
    with pytest.raises(PatternRefused):
        filtered(lists, "concept", "regex", pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(x|x)*y", "a*" * 20, "(x*)*y"])
def test_expand_ends_with_patterns_that_would_explode(lists: Lists, pattern: str) -> None:
    lists.put(code_system([{"code": f"{'a' * 60}{n}x", "display": "x"} for n in range(50)]))
    assert filtered(lists, "concept", "regex", pattern) == []


def test_expand_takes_away_what_is_excluded(lists: Lists) -> None:
    rule = [{"property": "concept", "op": "is-a", "value": "A"}]
    compose = {**WHOLE, "exclude": [{"system": SYSTEM, "filter": rule}]}
    assert codes(lists, compose) == ["B", "B1"]


def test_expand_narrows_by_nested_value_sets_and_unites_includes(lists: Lists) -> None:
    listed = {"include": [{"system": SYSTEM, "concept": [{"code": "A1"}, {"code": "B1"}]}]}
    lists.put(value_set(listed, "hai"))
    two = "https://example.org/ValueSet/hai"
    rule = [{"property": "concept", "op": "is-a", "value": "A"}]
    assert codes(lists, {"include": [{"valueSet": [two]}]}) == ["A1", "B1"]
    narrowed = {"system": SYSTEM, "filter": rule, "valueSet": [two]}
    assert codes(lists, {"include": [narrowed]}) == ["A1"]
    assert codes(lists, {"include": [narrowed, {"valueSet": [two]}]}) == ["A1", "B1"]
    assert codes(lists, {"include": [{"valueSet": [two, ALL]}]}) == ["A1", "B1"]


def test_expand_keeps_listed_codes_of_a_system_that_is_not_here(lists: Lists) -> None:
    listed = {"system": "urn:x:none", "concept": [{"code": "1", "display": "Một"}]}
    assert codes(lists, {"include": [listed]}, filter="mot") == ["1"]
    with pytest.raises(CodeSystemUnknown):
        codes(lists, {"include": [{"system": "urn:x:none"}]})


def test_expand_refuses_a_value_set_that_includes_itself(lists: Lists) -> None:
    def nested(name: str) -> dict[str, Any]:
        return {"include": [{"valueSet": [f"https://example.org/ValueSet/{name}"]}]}

    lists.put(value_set(nested("b"), "a"), value_set(nested("a"), "b"))
    with pytest.raises(ValueSetCircular):
        lists.terminology.expand("https://example.org/ValueSet/a")


def test_expand_knows_the_value_sets_of_the_language_and_implicit_ones(lists: Lists) -> None:
    found = lists.terminology.expand("http://hl7.org/fhir/ValueSet/administrative-gender")
    assert {node.member.code for node in found.nodes} == {"male", "female", "other", "unknown"}
    below = lists.terminology.expand(f"{SYSTEM}?fhir_vs=isa/A2")
    assert [node.member.code for node in below.nodes] == ["A2", "A2.1", "B2"]


def test_expand_of_a_version_wants_that_version(lists: Lists) -> None:
    lists.put(value_set(WHOLE, "hai", version="2"))
    two = "https://example.org/ValueSet/hai"
    assert lists.terminology.expand(f"{two}|2").total == 7
    with pytest.raises(ValueSetUnknown):
        lists.terminology.expand(f"{two}|3")
    found = lists.terminology.expand("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1")
    assert found.total == 4


def test_expand_of_a_stored_expansion_gives_it_back(lists: Lists) -> None:
    stored = {
        "resourceType": "ValueSet", "id": "x", "url": "urn:x:stored", "status": "active",
        "expansion": {"timestamp": "2026-01-01", "contains": [
            {"system": "urn:s", "code": "1", "display": "Một"},
            {"abstract": True, "display": "Nhóm", "contains": [{"system": "urn:s", "code": "2"}]},
        ]},
    }  # fmt: skip
    lists.put(stored)
    found = lists.terminology.expand("urn:x:stored")
    assert [node.member.code for node in found.nodes] == ["1", "2"]


# CodeSystem-subsumes


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [
        ("A", "A", "equivalent"),
        ("A", "A2.1", "subsumes"),
        ("A2.1", "A", "subsumed-by"),
        ("A", "B2", "subsumes"),
        ("B", "B2", "subsumes"),
        ("A", "B", "not-subsumed"),
    ],
)
def test_subsumes_says_how_two_codes_stand(lists: Lists, a: str, b: str, outcome: str) -> None:
    found = lists.terminology.subsumes(SYSTEM, a, b)
    assert found.resource()["parameter"] == [{"name": "outcome", "valueCode": outcome}]


# ConceptMap-translate


def test_translate_goes_both_ways(national: Lists) -> None:
    ask = national.terminology.translate
    url = "https://trucyte.vn/fhir/ConceptMap/gioi-tinh-fhir"
    there = ask(url, system_of("gioi-tinh"), "2")
    assert [(m.equivalence, m.system, m.code) for m in there.matches] == [
        ("equivalent", GENDER, "female")
    ]
    back = ask(url, GENDER, "female", reverse=True)
    assert [(m.system, m.code) for m in back.matches] == [(system_of("gioi-tinh"), "2")]


def test_translate_tells_wider_from_narrower(national: Lists) -> None:
    url = "https://trucyte.vn/fhir/ConceptMap/nhom-chi-phi-697"
    there = national.terminology.translate(url, system_of("nhom-chi-phi"), "5")
    assert [(m.equivalence, m.code) for m in there.matches] == [("wider", "8")]
    back = national.terminology.translate(url, system_of("chi-phi-697"), "8", reverse=True)
    assert [(m.equivalence, m.code) for m in back.matches] == [
        ("narrower", code) for code in ("4", "5", "6")
    ]


def test_translate_without_a_mapping_is_false_and_without_a_map_a_problem(national: Lists) -> None:
    url = "https://trucyte.vn/fhir/ConceptMap/gioi-tinh-fhir"
    none = national.terminology.translate(url, system_of("gioi-tinh"), "9")
    assert none.resource()["parameter"][0] == {"name": "result", "valueBoolean": False}
    with pytest.raises(ConceptMapUnknown):
        national.terminology.translate("urn:x:none", "s", "1")


def test_translate_says_what_is_meant_for_codes_the_map_does_not_name(lists: Lists) -> None:
    group = {"source": "urn:a", "target": "urn:b", "element": [{"code": "1", "target": [
        {"equivalence": "unmatched"}]}], "unmapped": {"mode": "fixed", "code": "9"}}  # fmt: skip
    lists.put(
        {"resourceType": "ConceptMap", "id": "m", "url": "urn:x:m", "status": "active",
         "group": [group]}
    )  # fmt: skip
    assert not lists.terminology.translate("urn:x:m", "urn:a", "1").result
    assert lists.terminology.translate("urn:x:m", "urn:a", "2").matches[0].code == "9"


# Searching


@pytest.mark.parametrize("text", ["thận", "than", "THAN"])
def test_search_finds_with_and_without_marks(lists: Lists, text: str) -> None:
    assert {hit.code for hit in lists.terminology.search(SYSTEM, text)} == {"B", "B1", "B2"}


def test_search_puts_the_very_same_words_first(lists: Lists) -> None:
    lists.put(code_system([{"code": "1", "display": "Ban"}, {"code": "2", "display": "Bẩn tay"}]))
    assert [hit.code for hit in lists.terminology.search(SYSTEM, "bẩn")] == ["2", "1"]
    assert [hit.code for hit in lists.terminology.search(SYSTEM, "ban")] == ["1", "2"]


def test_search_takes_wildcards_for_what_they_are(lists: Lists) -> None:
    assert lists.terminology.search(SYSTEM, "%") == []
    assert lists.terminology.search(SYSTEM, "A_1") == []
    assert len(lists.terminology.search(SYSTEM, "", 3)) == 3


# What FHIRPath asks


def test_paths_ask_whether_a_code_is_a_member_whatever_the_day(national: Lists) -> None:
    where, system = value_set_of("tinh"), system_of("tinh")
    assert national.path.member_of(where, system, "02") is True
    assert national.path.member_of(where, None, "02") is True
    assert national.path.member_of(where, system, "xx") is False
    assert national.path.member_of("urn:x:none", system, "02") is None


def test_a_list_that_is_not_whole_never_calls_a_code_wrong(national: Lists) -> None:
    where, system = value_set_of("icd10"), system_of("icd10")
    assert national.path.member_of(where, system, "A01.0") is True
    assert national.path.member_of(where, system, "Z99.9") is None
    assert national.path.has_code(system, "Z99.9") is None
    assert national.path.has_code(system_of("tinh"), "xx") is False
    asked = national.terminology.validate_code(where, "Z99.9")
    assert (asked.result, "part of the list" in asked.message) == (False, True)


def test_the_validator_asks_what_is_known_and_what_a_code_may_be_called(lists: Lists) -> None:
    assert lists.path.knows(ALL)
    assert not lists.path.knows("urn:x:none")
    assert lists.path.has_code("urn:x:none", "1") is None
    assert lists.path.displays(SYSTEM, "B1") == {"sỏi thận", "kidney stone"}
    assert lists.path.displays(SYSTEM, "Z") == frozenset()


def test_paths_ask_for_ancestors(lists: Lists) -> None:
    assert lists.path.subsumes(SYSTEM, "A", "A2.1") is True
    assert lists.path.subsumes(SYSTEM, "A2.1", "A") is False
    assert lists.path.subsumes(SYSTEM, "A", "Z") is None


# What goes out is R4


def test_every_answer_is_valid(national: Lists, definitions: Definitions) -> None:
    ask = national.terminology
    url = "https://trucyte.vn/fhir/ConceptMap/loai-rv-disposition"
    answers = [
        ask.lookup(system_of("doi-tuong-kcb"), "1.9"),
        ask.validate_code(value_set_of("dan-toc"), "01", "Sai"),
        ask.expand(value_set_of("dan-toc"), "kho", 0, 10),
        ask.expand(value_set_of("tinh"), hierarchy=True),
        ask.subsumes(system_of("tinh"), "01", "79"),
        ask.translate(url, system_of("loai-rv"), "2"),
    ]
    checker = Validator(definitions)
    assert [checker.check(answer.resource()) for answer in answers] == [[]] * len(answers)


def test_fhirpath_is_answered_from_the_lists(lists: Lists, definitions: Definitions) -> None:
    coding = {"system": SYSTEM, "code": "A2"}
    below = {"system": SYSTEM, "code": "B2"}
    observation = {"resourceType": "Observation", "status": "final", "code": {"coding": [coding]},
                   "valueCodeableConcept": {"coding": [below]}}  # fmt: skip
    paths = Paths(definitions)
    node = paths.resource(observation)
    environment = Environment(resource=node, terminology=lists.path)

    def evaluated(expression: str) -> list[Any]:
        return to_json(paths.compile(expression).evaluate(node, environment))

    assert evaluated(f"code.memberOf('{ALL}')") == [True]
    assert evaluated("code.coding.subsumes(%resource.value.coding)") == [True]
    assert evaluated("code.coding.subsumedBy(%resource.value.coding)") == [False]
