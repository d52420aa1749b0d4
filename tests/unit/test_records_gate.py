"""Reading, and what must never be seen."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.records import RESTRICTED, VERY_RESTRICTED, Node, body, ids, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records import person_key
from trucyte.records.shown import ResourceErased


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def patient(id: str = "p", **more: object) -> dict:
    return {"resourceType": "Patient", "id": id, **more}


def observation(id: str, **more: object) -> dict:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "urn:c", "code": "hiv", "display": "Kháng thể HIV"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-02-29",
        **more,
    }


def test_what_is_accepted_can_be_read_with_its_version_and_time(node: Node) -> None:
    node.put(patient(name=[{"family": "Đỗ"}]))
    read = node.records.read(node.plain, "Patient", "p")
    assert (read.type, read.id, read.version, read.last_updated) == (
        "Patient", "p", 1, node.clock.now())  # fmt: skip
    assert body(read) == patient(
        name=[{"family": "Đỗ"}],
        meta={"versionId": "1", "lastUpdated": "2026-11-22T09:12:00.000+07:00"},
    )


def test_what_is_not_there_and_what_was_deleted_are_told_apart(node: Node) -> None:
    node.put(patient())
    node.delete("Patient", "p")
    for id, kind in (("p", Kind.GONE), ("q", Kind.NOT_FOUND)):
        with pytest.raises(Problem) as raised:
            node.records.read(node.plain, "Patient", id)
        assert raised.value.kind is kind
    assert body(node.records.read_version(node.plain, "Patient", "p", 1))["id"] == "p"
    with pytest.raises(Problem) as raised:
        node.records.read_version(node.plain, "Patient", "p", 2)
    assert raised.value.kind is Kind.GONE
    with pytest.raises(Problem) as raised:
        node.records.read_version(node.plain, "Patient", "p", 3)
    assert raised.value.kind is Kind.NOT_FOUND
    assert node.search("Patient") == []
    assert node.total("Patient") == 0


@pytest.mark.parametrize("name", ["Nobody", "patient", "", "Patient/../x", "🙂"])
def test_a_type_that_is_none_is_not_found(node: Node, name: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: node.records.read(node.full, name, "p"),
        lambda: node.records.search(node.full, name, []),
        lambda: node.records.history(node.full, name),
    ]
    for call in calls:
        with pytest.raises(Problem) as raised:
            call()
        assert raised.value.kind is Kind.NOT_FOUND


def test_a_version_that_was_read_before_stays(node: Node) -> None:
    node.put(patient(gender="male"))
    node.put(patient(gender="female"))
    assert body(node.records.read_version(node.plain, "Patient", "p", 1))["gender"] == "male"
    assert node.search("Patient", ("gender", "male")) == []
    assert node.search("Patient", ("gender", "female")) == ["p"]


def test_history_is_newest_first_and_goes_on_page_by_page(node: Node) -> None:
    for gender in ("male", "female", "other"):
        node.put(patient(gender=gender), observation(gender))
    node.delete("Patient", "p")
    for arguments in (("Patient", "p"), ("Patient",)):
        first = node.records.history(node.plain, *arguments, count=2)
        assert [(e.version, e.is_deleted) for e in first.entries] == [(4, True), (3, False)]
        rest = node.records.history(node.plain, *arguments, page=first.next)
        assert [e.version for e in rest.entries] == [2, 1]
    everything = node.records.history(node.plain)
    assert [e.seq for e in everything.entries] == list(range(7, 0, -1))


def test_history_of_a_rare_type_looks_at_a_bounded_number_of_lines(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.records.results.history.LINES_MAX", 5)
    node.put(patient(), *(observation(f"o{number}") for number in range(12)))
    found, token, pages = [], None, 0
    while True:
        page = node.records.history(node.plain, "Patient", page=token)
        found += [e.id for e in page.entries]
        pages += 1
        if page.next is None:
            break
        token = page.next
    assert found == ["p"]
    assert pages == 3


def test_every_answer_leaves_a_trail_of_whose_data_it_held(node: Node) -> None:
    node.put(patient(), observation("o"))
    person = person_key(b"a key of tests, of no other use.", "Patient/p")
    records, access, trail = node.records, node.plain, node.trail.shown_to
    records.read(access, "Patient", "p")
    records.read_version(access, "Patient", "p", 1)
    records.history(access, "Observation", "o")
    records.history(access, "Observation")
    records.search(access, "Observation", [("code", "hiv")])
    records.timeline(access, person)
    assert [entry[1] for entry in trail] == [*[(person,)] * 5, (person, person)]
    records.search(access, "Observation", [("_summary", "count")])
    assert trail[-1] == ("clerk", (), "count Observation")


def test_a_timeline_is_a_persons_and_newest_first(node: Node) -> None:
    node.put(
        patient(birthDate="1950"),
        observation("old", effectiveDateTime="2020"),
        observation("new"),
        observation("other", subject={"reference": "Patient/q"}),
    )
    person = person_key(b"a key of tests, of no other use.", "Patient/p")
    line = node.records.timeline(node.plain, person)
    assert [(e.id, e.month) for e in line] == [("new", "2024-02"), ("old", "2020-01"),
                                               ("p", "1950-01")]  # fmt: skip
    assert all(e.resource is not None and e.resource.id == e.id for e in line)


# Restricted: the same resource through every door.


@pytest.fixture(params=[RESTRICTED, VERY_RESTRICTED], ids=["R", "V"])
def secret(node: Node, request: pytest.FixtureRequest) -> dict:
    """A visit with one restricted result beside an open one."""
    made = observation("secret", meta=request.param, valueString="dương tính")
    open_one = observation("open", code={"coding": [{"system": "urn:c", "code": "hb"}]})
    node.put(patient(), made, open_one)
    return made


QUERIES: list[list[tuple[str, str]]] = [
    [],
    [("code", "hiv")],
    [("code", "urn:c|hiv")],
    [("code:text", "khang")],
    [("code:not", "hb")],
    [("subject", "Patient/p")],
    [("patient", "p"), ("code", "hiv")],
    [("_id", "secret")],
    [("date", "2024"), ("_sort", "date")],
    [("date", "2024"), ("_sort", "-date"), ("code", "hiv,hb")],
    [("value-string", "duong")],
    [("value-string:contains", "tinh")],
    [("value-string:exact", "dương tính")],
    [("_security", "R,V")],
    [("_lastUpdated", "ge2020")],
    [("category:missing", "true")],
    [("code-value-string", "hiv$duong")],
    [("_sort", "_lastUpdated")],
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: "&".join("=".join(p) for p in q) or "all")
def test_a_restricted_record_is_in_no_search_and_no_count(
    node: Node, secret: dict, query: list[tuple[str, str]]
) -> None:
    assert "secret" in node.search("Observation", *query)
    assert "secret" not in node.search("Observation", ("_count", "1"), *query, access=node.plain)
    visible = node.search("Observation", *query, access=node.plain)
    assert node.total("Observation", *query, access=node.plain) == len(visible)
    page = node.records.search(node.plain, "Observation", [*query, ("_total", "accurate")])
    assert page.total == len(visible)


def test_a_restricted_record_is_refused_by_name(node: Node, secret: dict) -> None:
    calls: list[Callable[[], object]] = [
        lambda: node.records.read(node.plain, "Observation", "secret"),
        lambda: node.records.read_version(node.plain, "Observation", "secret", 1),
        lambda: node.records.history(node.plain, "Observation", "secret"),
    ]
    for call in calls:
        with pytest.raises(Problem) as raised:
            call()
        assert (raised.value.kind, raised.value.code) == (Kind.FORBIDDEN, "restricted")
        assert "hiv" not in str(raised.value)
    assert body(node.records.read(node.full, "Observation", "secret"))["id"] == "secret"


def test_a_restricted_record_is_in_no_history(node: Node, secret: dict) -> None:
    for arguments in (("Observation",), ()):
        assert "secret" in ids_of(node, node.full, *arguments)
        assert "secret" not in ids_of(node, node.plain, *arguments)


def ids_of(node: Node, access: object, *arguments: str) -> list[str]:
    return [e.id for e in node.records.history(access, *arguments).entries]


def test_a_restricted_record_is_a_stub_on_the_timeline(node: Node, secret: dict) -> None:
    person = person_key(b"a key of tests, of no other use.", "Patient/p")
    line = {e.id: e for e in node.records.timeline(node.plain, person)}
    stub = line["secret"]
    assert (stub.type, stub.month, stub.restricted, stub.resource) == (
        "Observation", "2024-02", True, None)  # fmt: skip
    assert "tính" not in repr(stub)
    assert not line["open"].restricted
    full = {e.id: e for e in node.records.timeline(node.full, person)}
    assert full["secret"].resource is not None


def test_a_label_that_comes_later_covers_the_versions_before(node: Node) -> None:
    node.put(observation("o", valueString="dương tính"))
    node.put(observation("o", meta=RESTRICTED))
    assert "o" not in ids_of(node, node.plain, "Observation")
    for call in (
        lambda: node.records.read_version(node.plain, "Observation", "o", 1),
        lambda: node.records.history(node.plain, "Observation", "o"),
    ):
        with pytest.raises(Problem) as raised:
            call()
        assert raised.value.kind is Kind.FORBIDDEN


def test_a_label_outlives_the_resource(node: Node, secret: dict) -> None:
    node.delete("Observation", "secret")
    assert "secret" not in ids_of(node, node.plain, "Observation")
    with pytest.raises(Problem) as raised:
        node.records.read_version(node.plain, "Observation", "secret", 1)
    assert raised.value.kind is Kind.FORBIDDEN


def test_a_label_that_was_taken_back_still_covers_the_versions_that_had_it(
    node: Node, secret: dict
) -> None:
    node.put(observation("secret"))
    assert body(node.records.read(node.plain, "Observation", "secret"))["meta"]["versionId"] == "2"
    with pytest.raises(Problem) as raised:
        node.records.read_version(node.plain, "Observation", "secret", 1)
    assert raised.value.kind is Kind.FORBIDDEN
    history = node.records.history(node.plain, "Observation", "secret")
    assert [e.version for e in history.entries] == [2]


def test_nothing_of_a_restricted_record_is_in_the_index_in_clear(node: Node, secret: dict) -> None:
    """Only folded names and displays are readable there; codes and references are hashes."""
    with node.database.connection() as connection:
        row = connection.execute("select to_json(entry)::text from records.entry").fetchall()
    assert "hiv" not in json.dumps(row)


def test_a_restricted_patient_takes_no_part_in_a_page(node: Node) -> None:
    node.put(*(patient(f"p{n}", meta=RESTRICTED if n % 2 else {}) for n in range(10)))
    page = node.records.search(node.plain, "Patient", [("_count", "5")])
    assert ids(page) == ["p8", "p6", "p4", "p2", "p0"]
    assert page.next is None


WHY = {"rule": "erase-on-request", "by": "officer", "article": "Luật 91/2025/QH15, Điều 14"}


def test_what_was_erased_is_answered_as_gone_and_found_nowhere(node: Node) -> None:
    node.put(patient(), observation("o"), patient("q", name=[{"family": "Mẫu"}]))
    node.put(observation("o", status="amended"))
    assert node.total("Observation") == 1
    node.journal.erase(
        persons=[person_key(b"a key of tests, of no other use.", "Patient/p")], **WHY
    )
    for ask in (
        lambda: node.records.read(node.full, "Observation", "o"),
        lambda: node.records.read_version(node.full, "Observation", "o", 1),
        lambda: node.records.read(node.full, "Patient", "p"),
        lambda: node.records.everything(node.full, "Patient", "p"),
    ):
        with pytest.raises(ResourceErased) as caught:
            ask()
        assert (caught.value.kind, caught.value.code) == (Kind.GONE, "erased")
    assert node.search("Observation") == node.search("Patient", ("_id", "p")) == []
    assert node.search("Patient") == ["q"]
    assert node.search("Observation", ("code", "urn:c|hiv")) == []
    history = node.records.history(node.full, "Observation", "o").entries
    assert [(one.version, one.body) for one in history] == [(2, b""), (1, b"")]
    assert node.journal.compare() is None
    (entry,) = node.put(patient())  # the person comes again
    assert entry.version == 2
    assert node.search("Patient", ("_id", "p")) == ["p"]
    assert node.journal.verify().is_sound
    assert node.journal.compare() is None
