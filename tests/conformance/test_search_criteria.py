"""What R4 3.1.1 lets a search ask, one example each, answered from a small node."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import KEY, RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records import Records
from trucyte.records.search import links

SET = "urn:set:infections"


class FewCodes:
    """Two levels of one small code system, and one value set of it."""

    def codings(self, value_set: str | Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        if value_set == SET:
            return [("urn:icd", "A01"), ("urn:icd", "A02")]
        if isinstance(value_set, str):
            raise AssertionError(value_set)
        if "id" in value_set:
            return [("urn:icd", "B01")]
        rule = value_set["compose"]["include"][0]["filter"][0]
        below = {"A": ["A", "A01", "A02"], "A01": ["A01"]}
        above = {"A": ["A"], "A01": ["A", "A01"]}
        found = below if rule["op"] == "is-a" else above
        return [("urn:icd", code) for code in found[rule["value"]]]


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.records = Records(
            opened.database, opened.journal, opened.index, clock, KEY, codes=FewCodes()
        )
        yield opened


def condition(id: str, code: str | None, **more: object) -> dict:
    made: dict = {"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p"}}
    if code is not None:
        made["code"] = {"coding": [{"system": "urn:icd", "code": code, "display": f"Bệnh {code}"}]}
    return made | more


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("code:in", SET, ["a1", "a2"]),
        ("code:not-in", SET, ["a", "b1", "none"]),
        ("code:in", "ValueSet/local", ["b1"]),
        ("code:below", "urn:icd|A", ["a", "a1", "a2"]),
        ("code:above", "urn:icd|A01", ["a", "a1"]),
        ("code:not", "urn:icd|A01", ["a", "a2", "b1", "none"]),
        ("code:text", "BENH A0", ["a1", "a2"]),
        ("code:missing", "true", ["none"]),
        ("_id:missing", "true", []),
        ("_id:missing", "false", ["a", "a1", "a2", "b1", "none"]),
        ("_lastUpdated:missing", "true", []),
        ("subject:Patient._id", "p", ["a", "a1", "a2", "b1", "none"]),
        ("_filter", "code in urn:set:infections", ["a1", "a2"]),
        ("_filter", "code ni urn:set:infections and code pr true", ["a", "b1"]),
        ("_filter", "code sb urn:icd|A", ["a", "a1", "a2"]),
        ("_filter", "code ss urn:icd|A01", ["a", "a1"]),
        ("_filter", "code ne A01", ["a", "a2", "b1"]),
    ],
)
def test_codes_by_value_set_and_hierarchy(
    node: Node, name: str, value: str, expected: list[str]
) -> None:
    node.put(
        {"resourceType": "ValueSet", "id": "local", "status": "active"},
        {"resourceType": "Patient", "id": "p"},
        condition("a", "A"),
        condition("a1", "A01"),
        condition("a2", "A02"),
        condition("none", None),
    )
    node.put(condition("b1", "B01"))
    assert sorted(node.search("Condition", (name, value))) == expected
    assert node.total("Condition", (name, value)) == len(expected)


def test_a_value_set_that_is_hidden_or_absent_is_refused(node: Node) -> None:
    node.put({"resourceType": "ValueSet", "id": "v", "status": "active", "meta": RESTRICTED})
    for id, access, kind in (("v", node.plain, Kind.FORBIDDEN), ("w", node.full, Kind.NOT_FOUND)):
        with pytest.raises(Problem) as raised:
            node.search("Condition", ("code:in", f"ValueSet/{id}"), access=access)
        assert raised.value.kind is kind


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("url:below", "http://a.vn/fhir", ["list", "root", "versioned"]),
        ("url:below", "http://a.vn/fhir/", ["list", "root", "versioned"]),
        ("url:below", "http://a.vn/fhir/ValueSet", ["list", "versioned"]),
        ("url:below", "http://a.vn/fhir/Value", []),
        ("url:above", "http://a.vn/fhir/ValueSet/x/y", ["list", "root"]),
        ("url", "http://a.vn/fhir", ["root"]),
        ("url:missing", "true", ["bare"]),
    ],
)
def test_uris_are_paths(node: Node, name: str, value: str, expected: list[str]) -> None:
    urls = {
        "root": "http://a.vn/fhir",
        "list": "http://a.vn/fhir/ValueSet/x",
        "versioned": "http://a.vn/fhir/ValueSet/z",
        "other": "http://a.vn/fhirs",
    }
    node.put({"resourceType": "ValueSet", "id": "bare", "status": "active"})
    for id, url in urls.items():
        node.put({"resourceType": "ValueSet", "id": id, "status": "active", "url": url})
    assert sorted(node.search("ValueSet", (name, value))) == expected


NAMES = [
    ("name", "dao", ["d1", "d2"]),
    ("name", "ĐÀO", ["d1", "d2"]),
    ("name", "Đa\u0300o", ["d1", "d2"]),  # decomposed
    ("name:exact", "Đào", ["d1"]),
    ("name:exact", "đào", []),
    ("name:contains", "HI DA", ["d1"]),
    ("_filter", 'name eq "ĐAO"', ["d1", "d2"]),
    ("_filter", 'family ew "UYEN"', ["d1"]),
    ("_filter", 'name co "ị đ"', ["d1"]),
    ("_filter", 'name sw "nguyen" and not (given eq "x")', ["d1"]),
    ("_filter", 'name ne "dao"', ["k"]),
    ("_filter", "birthdate po 1990-01", ["d1"]),
    ("_filter", "birthdate lt 1990 or gender eq female", ["d2", "k"]),
    ("_text", "suy THAN", ["k"]),
    ("_text", "thận suy", ["k"]),
    ("_text", "nguyen", []),
    ("_content", "nguyễn", ["d1"]),
    ("_content", "suy nguyen,dao nguyen", ["d1"]),
    ("_list", "ward", ["d1", "k"]),
    ("_list", "List/ward,none", ["d1", "k"]),
    ("_list", "none", []),
]


@pytest.mark.parametrize(("name", "value", "expected"), NAMES)
def test_names_and_text_with_and_without_marks(
    node: Node, name: str, value: str, expected: list[str]
) -> None:
    people = {
        "d1": {
            "name": [{"family": "Nguyễn", "given": ["Thị Đào"]}, {"text": "Đào"}],
            "birthDate": "1990-01-31",
        },
        "d2": {"name": [{"text": "Dao"}], "birthDate": "1980-05"},
        "k": {
            "name": [{"text": "Kiều"}],
            "gender": "female",
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">Suy<b>thận</b> &amp; gan</div>',
            },
        },
    }
    for id, elements in people.items():
        node.put({"resourceType": "Patient", "id": id} | elements)
    entries = [
        {"item": {"reference": "Patient/d1"}},
        {"item": {"reference": "Patient/d2"}, "deleted": True},
        {"item": {"reference": "Patient/k"}},
        {"item": {"reference": "Group/d2"}},
    ]
    node.put({"resourceType": "List", "id": "ward", "status": "current", "mode": "changes",
              "entry": entries})  # fmt: skip
    assert sorted(node.search("Patient", (name, value))) == expected
    assert node.total("Patient", (name, value)) == len(expected)


def test_a_hidden_list_has_no_members(node: Node) -> None:
    node.put({"resourceType": "Patient", "id": "p"})
    node.put({"resourceType": "List", "id": "l", "status": "current", "mode": "working",
              "entry": [{"item": {"reference": "Patient/p"}}], "meta": RESTRICTED})  # fmt: skip
    assert node.search("Patient", ("_list", "l"), access=node.full) == ["p"]
    assert node.search("Patient", ("_list", "l"), access=node.plain) == []


def test_words_are_looked_for_in_a_bounded_number_of_resources(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "WORDS_ROWS_MAX", 3)
    node.put(*({"resourceType": "Patient", "id": f"p{n}", "name": [{"text": "An"}]}
               for n in range(5)))  # fmt: skip
    with pytest.raises(Problem) as raised:
        node.search("Patient", ("_content", "an"))
    assert raised.value.code == "search-broad"
    assert node.search("Patient", ("_content", "an"), ("_id", "p1,p2")) == ["p2", "p1"]


def test_handled_leniently_a_search_names_what_it_left_out(node: Node) -> None:
    node.put({"resourceType": "Patient", "id": "p", "gender": "male"})
    node.put({"resourceType": "Patient", "id": "q", "gender": "male"})
    pairs = [("colour", "red"), ("_query", "x"), ("gender", "male"), ("a b", "x"), ("_count", "1")]
    page = node.records.search(node.full, "Patient", pairs, lenient=True)
    assert page.ignored == ("colour", "_query", "(unreadable)")
    assert page.next is not None
    assert [r.id for r in node.records.next_page(node.full, page.next).entries] == ["p"]
    with pytest.raises(Problem):
        node.records.search(node.full, "Patient", pairs)
    with pytest.raises(Problem):
        node.records.search(node.full, "Patient", [("gender:sounds", "x")], lenient=True)


@pytest.mark.parametrize("most", [100, 0])
def test_pages_of_a_chain_stay_while_its_far_end_changes(
    node: Node, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    for name in ("TARGETS_MAX", "PERSONS_MAX", "REFERRING_MAX"):
        monkeypatch.setattr(links, name, most)
    node.put({"resourceType": "Patient", "id": "p", "gender": "male"})
    node.put(*(condition(f"c{n}", "A") for n in range(6)))
    for asked in (
        [("subject:Patient.gender", "male")],
        [("patient.gender", "male")],
        [("_filter", "patient.gender eq male and not (patient.gender eq other)")],
        [("subject:Patient.gender", "male"), ("code", "A")],
    ):
        node.put({"resourceType": "Patient", "id": "p", "gender": "male"})
        page = node.records.search(node.full, "Condition", [*asked, ("_count", "4")])
        assert len(page.entries) == 4
        assert page.next is not None
        node.put({"resourceType": "Patient", "id": "p", "gender": "female"})
        assert len(node.records.next_page(node.full, page.next).entries) == 2, asked


def test_very_many_alternatives_are_refused(node: Node) -> None:
    for name in ("code", "patient.identifier", "_has:Provenance:target:_id"):
        with pytest.raises(Problem) as raised:
            node.search("Condition", (name, ",".join(map(str, range(10_000)))))
        assert raised.value.kind is Kind.TOO_LARGE


def test_alternatives_are_bounded_in_all(node: Node) -> None:
    names = ",".join(f"n{n}" for n in range(500))
    with pytest.raises(Problem) as raised:
        node.search("Patient", *[("name", names)] * 50)
    assert raised.value.kind is Kind.TOO_LARGE
    assert node.search("Patient", ("name", names), ("name", names)) == []


def test_far_ends_have_one_time_together(node: Node) -> None:
    finder = node.records._finder
    read = finder.read(node.full, "Condition", [("subject:Patient.name", "x")], ())
    with node.database.connection() as connection, connection.cursor() as cursor:
        found = finder.links(cursor, node.full, 0, None)
        found.seconds_max = -1
        with pytest.raises(Problem) as raised:
            found.conditions("Condition").build(read["Condition"].criteria)
    assert raised.value.code == "search-too-slow"


def test_links_in_circles_end(node: Node) -> None:
    for id, above in (("a", "b"), ("b", "a"), ("c", "c")):
        node.put({"resourceType": "Location", "id": id, "name": id.upper(),
                  "partOf": {"reference": f"Location/{above}"}})  # fmt: skip
    assert node.search("Location", ("partof." * 10 + "name", "c")) == ["c"]
    assert node.search("Location", ("partof." * 9 + "name", "a")) == ["b"]
    assert node.search("Location", ("_has:Location:partof:" * 10 + "_id", "a")) == ["a"]
