"""What a search gives: orders, totals, what comes along, several types, compartments."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.records import RESTRICTED, Node, ids, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records import Page

SOON = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def patient(id: str, **more: object) -> dict:
    return {"resourceType": "Patient", "id": id, **more}


def observation(id: str, subject: str = "p", **more: object) -> dict:
    made = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "urn:c", "code": "hb"}]},
        "subject": {"reference": f"Patient/{subject}"},
    }
    return made | more


def organization(id: str, part_of: str | None = None, **more: object) -> dict:
    made = {"resourceType": "Organization", "id": id, "name": f"Khoa {id}"}
    if part_of:
        made["partOf"] = {"reference": f"Organization/{part_of}"}
    return made | more


PEOPLE = [
    patient("a", birthDate="1980", gender="male", name=[{"family": "Bùi"}],
            identifier=[{"value": "3"}], managingOrganization={"reference": "Organization/y"}),
    patient("b", birthDate="1970", gender="female", name=[{"family": "An"}, {"family": "Vũ"}],
            identifier=[{"value": "1"}], managingOrganization={"reference": "Organization/x"}),
    patient("c", gender="male", name=[{"family": "Cao"}], identifier=[{"value": "2"}]),
    patient("d", birthDate="1990"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", "dcba"), ("_id", "abcd"), ("-_id", "dcba"),
        ("_lastUpdated", "abcd"), ("-_lastUpdated", "dcba"),
        ("birthdate", "badc"), ("-birthdate", "dabc"),
        ("gender", "bcad"), ("-gender", "cabd"), ("gender,_id", "bacd"), ("gender,-_id", "bcad"),
        ("name", "bacd"), ("-name", "bcad"), ("-name,_lastUpdated", "bcad"),
        ("identifier", "bcad"), ("-identifier", "acbd"),
        ("organization", "badc"), ("-organization,_id", "abcd"), ("active,_id", "abcd"),
    ],
)  # fmt: skip
def test_any_parameter_sorts_with_absent_values_last(node: Node, sort: str, expected: str) -> None:
    node.put(*PEOPLE)
    for size in ("1", "2", "50"):
        assert node.search("Patient", ("_sort", sort), ("_count", size)) == list(expected)


@pytest.mark.parametrize("near", [2, 3, 5])
def test_a_short_walk_gives_the_order_of_all(
    node: Node, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr("trucyte.records.search.steps.WALKED_ROWS", near)
    days = [3, 1, 2, 2, 5, 1, None, 4, 1]
    for number, day in enumerate(days):
        more = {"issued": f"2024-01-0{day}T00:00:00Z"} if day else {}
        more |= {"effectiveDateTime": f"2024-01-0{day}"} if day else {}
        component = [
            {"code": {"text": "x"}, "valueQuantity": {"value": v}} for v in (day, 9) if day and v
        ]
        node.put(observation(f"o{number}", component=component, **more))
    upwards = ["o8", "o5", "o1", "o3", "o2", "o0", "o7", "o4", "o6"]
    downwards = ["o4", "o7", "o0", "o3", "o2", "o8", "o5", "o1", "o6"]
    for size in ("1", "3", "50"):
        asked = (("code", "hb"), ("_count", size))
        assert node.search("Observation", ("_sort", "date"), *asked) == upwards
        assert node.search("Observation", ("_sort", "component-value-quantity"), *asked) == upwards
        assert node.search("Observation", ("_sort", "-date"), *asked) == downwards


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        (("_sort", "shoe"), "search-value"), (("_sort", "code-value-quantity"),
                                              "search-parameter-unsupported"),
        (("_sort", ",".join(["_id"] * 9)), "search-too-large"),
        (("_contained", "true"), "search-parameter-unsupported"),
        (("_containedType", "contained"), "search-parameter-unsupported"),
        (("_include", "Observation"), "search-value"), (("_include", "Shoe:x"), "search-value"),
        (("_include", "Observation:code"), "search-value"),
        (("_include", "Observation:subject:Shoe"), "search-value"),
        (("_include", "Observation:shoe"), "search-parameter-unknown"),
        (("_include:shoe", "Observation:subject"), "search-parameter-unsupported"),
        (("_total", "many"), "search-value"), (("_count", "x"), "search-value"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_met_is_refused(node: Node, pair: tuple[str, str], code: str) -> None:
    with pytest.raises(Problem) as raised:
        node.search("Observation", pair)
    assert raised.value.code == code


def test_an_order_that_only_bodies_tell_is_bounded(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.records.results.by_body.ROWS_MAX", 3)
    node.put(*PEOPLE)
    assert node.search("Patient", ("_sort", "identifier"), ("gender", "male")) == ["c", "a"]
    with pytest.raises(Problem) as raised:
        node.search("Patient", ("_sort", "identifier"))
    assert raised.value.kind is Kind.TOO_LARGE


def along(page: Page) -> list[str]:
    return [f"{entry.type}/{entry.id}" for entry in page.included]


CIRCLE = [organization("x", "y"), organization("y", "z"), organization("z", "x")]


def test_what_is_referred_to_comes_along_once_and_is_not_counted(node: Node) -> None:
    node.put(patient("p"), *(observation(f"o{n}") for n in range(3)))
    page = node.records.search(
        node.full, "Observation", [("_include", "Observation:subject"), ("_total", "accurate")]
    )
    assert (len(page.entries), along(page), page.total) == (3, ["Patient/p"], 3)
    page = node.records.search(node.full, "Observation", [("_include", "Observation:patient")])
    assert along(page) == ["Patient/p"]
    nobody = [("_include", "Observation:subject:Group")]
    assert along(node.records.search(node.full, "Observation", nobody)) == []
    other = [("_include", "Encounter:subject"), ("_include", "Observation:encounter")]
    assert along(node.records.search(node.full, "Observation", other)) == []


def test_circles_of_references_end(node: Node) -> None:
    node.put(*PEOPLE, *CIRCLE)
    includes = [("_include", "*"), ("_include:iterate", "Organization:partof")]
    page = node.records.search(node.full, "Patient", [("_id", "a"), *includes])
    assert along(page) == ["Organization/y", "Organization/z", "Organization/x"]
    back = [("_revinclude:recurse", "Organization:partof")]
    page = node.records.search(node.full, "Organization", [("_id", "x"), *back])
    assert along(page) == ["Organization/z", "Organization/y"]


def test_those_that_refer_come_along(node: Node) -> None:
    node.put(patient("p"), patient("q"), observation("o"), observation("r", "q"))
    for value in ("Observation:subject", "Observation:patient:Patient", "Observation:*", "*"):
        page = node.records.search(node.full, "Patient", [("_id", "p"), ("_revinclude", value)])
        assert along(page) == ["Observation/o"], value
    wrong = [("_id", "p"), ("_revinclude", "Observation:encounter")]
    assert along(node.records.search(node.full, "Patient", wrong)) == []


def test_what_comes_along_is_bounded_and_says_so(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.records.results.include.INCLUDED_MAX", 3)
    node.put(patient("p"), *(observation(f"o{n}") for n in range(5)))
    page = node.records.search(node.full, "Patient", [("_revinclude", "Observation:subject")])
    assert (len(page.included), page.is_cut) == (3, True)
    monkeypatch.setattr("trucyte.records.results.include.TOKENS_MAX", 3)
    with pytest.raises(Problem) as raised:
        node.records.search(node.full, "Patient", [("_revinclude", "*")])
    assert raised.value.code == "include-wide"


def test_what_is_restricted_neither_comes_along_nor_leads_on(node: Node) -> None:
    node.put(*PEOPLE, CIRCLE[0], organization("y", "z", meta=RESTRICTED), CIRCLE[2])
    asked = [("_id", "a"), ("_include", "*"), ("_include:iterate", "*")]
    assert along(node.records.search(node.plain, "Patient", asked)) == []
    assert len(node.records.search(node.full, "Patient", asked).included) == 3
    back = [("_id", "z"), ("_revinclude:iterate", "Organization:partof")]
    assert along(node.records.search(node.plain, "Organization", back)) == []


def test_several_types_are_searched_by_what_they_share(node: Node) -> None:
    tagged = {"tag": [{"code": "t"}]}
    node.put(patient("p", meta=tagged), observation("o", meta=tagged), organization("x"))

    def found(*pairs: tuple[str, str]) -> list[str]:
        return sorted(ids(node.records.search(node.full, None, pairs)))

    assert found(("_tag", "t")) == ["o", "p"]
    assert found(("_type", "Patient,Organization")) == ["p", "x"]
    assert found(("_type", "Patient,Organization"), ("_sort", "-_id")) == ["p", "x"]
    page = node.records.search(node.full, None, [("_summary", "count")])
    assert page.total == 3
    first = node.records.search(node.full, None, [("_count", "2")])
    assert first.next is not None
    assert len(node.records.next_page(node.full, first.next).entries) == 1
    for pairs in ([("gender", "male")], [("_type", "Shoe")], [("_sort", "birthdate")]):
        with pytest.raises(Problem):
            found(*pairs)


def test_a_compartment_holds_what_belongs_to_its_centre(node: Node) -> None:
    node.put(patient("p"), patient("q"), observation("o"), observation("r", "q"))

    def found(type_name: str | None, *pairs: tuple[str, str]) -> list[str]:
        place = ("Patient", "p")
        return ids(node.records.search(node.full, type_name, pairs, compartment=place))

    assert found("Observation") == ["o"]
    assert found("Patient") == ["p"]
    assert found(None) == ["o", "p"]
    assert found(None, ("_type", "Observation,Organization")) == ["o"]
    for place, type_name in ((("Patient", "p"), "Organization"), (("Organization", "p"), None)):
        with pytest.raises(Problem) as raised:
            node.records.search(node.full, type_name, [], compartment=place)
        assert raised.value.code == "compartment-unknown"


def test_an_estimate_never_comes_from_what_is_restricted(node: Node) -> None:
    node.put(*(observation(f"o{n}", meta=RESTRICTED if n % 2 else {}) for n in range(90)))
    asked = [("_total", "estimate")]
    assert node.records.search(node.plain, "Observation", asked).total == 45
    assert node.records.search(node.full, "Observation", asked).total is not None
    assert node.records.search(node.full, "Observation", [("_count", "5000")]).count == 1000


def test_a_plan_shows_no_value_and_no_estimate_of_what_is_hidden(node: Node) -> None:
    node.put(*PEOPLE)
    asked = [("name", "Bùi"), ("identifier:not", "3"), ("_has:Observation:patient:code", "hb"),
             ("_filter", "not (gender eq male)"), ("_sort", "identifier,gender")]  # fmt: skip
    for access in (node.plain, node.full):
        text = json.dumps(node.records.explain(access, "Patient", asked), ensure_ascii=False)
        assert not {"bui", "Bùi", '"3"', "male"} & set(text.replace("%", '"').split('"'))
        assert ("Plan Rows" in text) == access.sees_restricted
    told = node.records.explain(node.full, None, [("_content", "x"), ("_type", "Patient")])
    assert told["slow"] == ["words are looked for in bodies"]


# Histories


def test_a_history_can_begin_at_a_time_and_be_as_of_one(node: Node) -> None:
    times = []
    for gender in ("male", "female", "other"):
        node.put(patient("p", gender=gender), observation(gender))
        times.append(node.clock.now())
        node.clock.advance(timedelta(hours=1))
    hour = timedelta(hours=1)
    for one in ((), ("Patient",), ("Patient", "p")):

        def versions(one: tuple[str, ...] = one, **more: object) -> list[int]:
            page = node.records.history(node.plain, *one, **more)
            return [e.version for e in page.entries if e.type == "Patient"]

        assert versions() == [3, 2, 1]
        assert versions(oldest_first=True) == [1, 2, 3]
        assert versions(since=times[1]) == [3, 2]
        assert versions(since=times[1], oldest_first=True) == [2, 3]
        assert versions(since=SOON) == []
        assert versions(at=(times[1], times[1] + hour / 2)) == [2]
        assert versions(at=(times[1] + hour / 2, times[2] + hour / 2)) == [3, 2]
        assert versions(at=(times[0] - 2 * hour, times[0] - hour)) == []


@pytest.mark.parametrize("one", [(), ("Patient",), ("Patient", "p")])
@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_of_a_history_do_not_shift(
    node: Node, one: tuple[str, ...], oldest_first: bool
) -> None:
    for _ in range(5):
        node.put(patient("p"))
    page = node.records.history(node.plain, *one, count=2, oldest_first=oldest_first)
    found = [e.version for e in page.entries]
    while page.next:
        node.put(patient("p"))
        page = node.records.history(node.plain, *one, page=page.next)
        found += [e.version for e in page.entries]
    assert found == ([1, 2, 3, 4, 5] if oldest_first else [5, 4, 3, 2, 1])


def test_a_token_of_a_search_is_none_of_a_history_nor_of_another_epoch(node: Node) -> None:
    node.put(*PEOPLE)
    token = node.records.search(node.full, "Patient", [("_count", "1")]).next
    for call in (node.records.history, node.records.everything):
        with pytest.raises(Problem) as raised:
            call(node.full, "Patient", "p", page=token)
        assert raised.value.code == "page-token"
    history = node.records.history(node.full, "Patient", count=1).next
    record = node.records.everything(node.full, "Patient", "a", count=1)
    assert record.next is None
    node.journal.start_epoch()
    with pytest.raises(Problem) as raised:
        node.records.history(node.full, page=history)
    assert raised.value.kind is Kind.GONE


# Whole records


def record(node: Node, access: object = None, **more: object) -> list[str]:
    used = access or node.full
    page = node.records.everything(used, "Patient", "p", **more)
    found = ids(page) + [entry.id for entry in page.included]
    while page.next:
        page = node.records.everything(used, "Patient", "p", page=page.next)
        found += ids(page)
    return found


def test_a_record_is_the_compartment_and_what_it_points_to(node: Node) -> None:
    visit = {"resourceType": "Encounter", "id": "e", "status": "finished",
             "class": {"code": "AMB"}, "subject": {"reference": "Patient/p"},
             "serviceProvider": {"reference": "Organization/x"},
             "period": {"start": "2024-05-01", "end": "2024-05-02"}}  # fmt: skip
    node.put(
        *CIRCLE, patient("p"), patient("q"), visit, observation("r", "q"),
        observation("o", effectiveDateTime="2020-01-01", encounter={"reference": "Encounter/e"}),
        observation("s", meta=RESTRICTED),
    )  # fmt: skip
    assert record(node) == ["s", "o", "e", "p", "x", "y", "z"]
    assert record(node, node.plain) == ["o", "e", "p", "x", "y", "z"]
    assert record(node, types=["Observation"]) == ["s", "o"]
    assert record(node, since=SOON) == []
    day = datetime(2022, 1, 1, tzinfo=UTC)
    assert record(node, start=day, types=["Observation", "Encounter"]) == ["s", "e"]
    assert record(node, end=day, types=["Observation", "Encounter"]) == ["s", "o"]
    page = node.records.everything(node.full, "Encounter", "e")
    assert (ids(page), page.included[0].type) == (["o", "e"], "Organization")
    assert "p" in [entry.id for entry in page.included]


def test_pages_of_a_record_do_not_shift(node: Node) -> None:
    node.put(patient("p"), *(observation(f"o{n}") for n in range(5)))
    page = node.records.everything(node.full, "Patient", "p", count=2)
    found = ids(page)
    while page.next:
        node.put(observation("new"), observation("o1"), patient("p", gender="male"))
        token = page.next
        page = node.records.everything(node.full, "Patient", "p", page=token)
        found += ids(page)
    assert found == ["o4", "o3", "o2", "o1", "o0", "p"]
    node.journal.start_epoch()
    with pytest.raises(Problem) as raised:
        node.records.everything(node.full, "Patient", "p", page=token)
    assert raised.value.kind is Kind.GONE


def test_a_record_that_is_not_there_gone_or_hidden_is_refused(node: Node) -> None:
    node.put(patient("p", meta=RESTRICTED), patient("gone"))
    node.delete("Patient", "gone")
    for id, kind in (("p", Kind.FORBIDDEN), ("gone", Kind.GONE), ("no", Kind.NOT_FOUND)):
        with pytest.raises(Problem) as raised:
            node.records.everything(node.plain, "Patient", id)
        assert raised.value.kind is kind
