"""A search is read strictly: what is not understood is refused by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.records.results.lines import reading
from trucyte.records.search.query import Query, read_query


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def extractor(definitions: Definitions) -> Extractor:
    return Extractor(definitions)


def read(extractor: Extractor, type: str, *pairs: tuple[str, str]) -> Query:
    return read_query(type, pairs, extractor)


REFUSED = [
    ("Patient", "colour", "red", "search-parameter-unknown"),
    ("Patient", "code", "x", "search-parameter-unknown"),
    ("Patient", "", "x", "search-parameter-unknown"),
    ("Patient", "name; drop table", "x", "search-parameter-unknown"),
    ("Patient", "_text", "!", "search-value"),
    ("Patient", "_text:exact", "x", "search-modifier"),
    ("Patient", "_content", "a b c d e f g h i j k l m n o p q", "search-value"),
    ("Patient", "_query", "x", "search-parameter-unsupported"),
    ("Patient", "_list", "$current-allergies", "search-parameter-unsupported"),
    ("Patient", "_list", ",", "search-value"),
    ("Patient", "_has:Observation:patient", "x", "search-value"),
    ("Patient", "_has:Observation:patient:", "x", "search-value"),
    ("Patient", "_has:Nobody:patient:code", "x", "search-value"),
    ("Patient", "_has:Observation:code:code", "x", "search-value"),
    ("Patient", "_has:Observation:patient:colour", "x", "search-parameter-unknown"),
    ("Observation", "patient.", "x", "search-parameter-unknown"),
    ("Observation", "code.name", "x", "search-value"),
    ("Observation", "patient.colour", "x", "search-parameter-unknown"),
    ("Observation", "subject.colour", "x", "search-parameter-unknown"),
    ("Observation", "subject:Encounter.status", "x", "search-modifier"),
    ("Observation", "patient:Group.name", "x", "search-modifier"),
    ("Observation", "subject:Patient.name:sounds", "x", "search-modifier"),
    ("Observation", "subject:Patient.birthdate", "x", "search-value"),
    ("Observation", "patient." + "link." * 200 + "name", "x", "search-chain-long"),
    ("Location", "partof." * 200 + "name", "x", "search-chain-long"),
    ("Provenance", "target.target.target._id", "x", "search-chain-wide"),
    ("Patient", "_has:Observation:patient:" * 30 + "code", "x", "search-chain-long"),
    ("Observation", "code:in", "urn:vs", "search-codes-unknown"),
    ("Observation", "code:below", "a", "search-codes-unknown"),
    ("Observation", "status:equals", "a", "search-modifier"),
    ("Patient", "name:equals", "a", "search-modifier"),
    ("Patient", "name:ends", "a", "search-modifier"),
    ("Patient", "_source:below", "urn:a", "search-modifier"),
    ("Patient", "_id:exact", "a", "search-modifier"),
    ("Location", "partof:below", "Location/1", "search-modifier"),
    ("Location", "near", "91|2", "search-value"),
    ("Location", "near", "1|2|-1", "search-value"),
    ("Location", "near", "1|2|1|kg", "search-value"),
    ("Location", "near", "nan|2", "search-value"),
    ("Location", "near", "1", "search-value"),
    ("Location", "near", "1|2|1|km|x", "search-value"),
    ("Location", "near", "1_0|2", "search-value"),
    ("Location", "near:exact", "1|2", "search-modifier"),
    ("Patient", "name:sounds", "x", "search-modifier"),
    ("Patient", "gender:exact", "male", "search-modifier"),
    ("Observation", "subject:Nobody", "1", "search-modifier"),
    ("Observation", "code-value-quantity:missing", "true", "search-modifier"),
    ("Patient", "name", "", "search-value"),
    ("Patient", "name", " ", "search-value"),
    ("Patient", "name", "a,,b", "search-value"),
    ("Patient", "name", "a\0b", "search-value"),
    ("Patient", "birthdate", "yesterday", "search-value"),
    ("Patient", "birthdate", "2024-02-30", "search-value"),
    ("Patient", "birthdate", "xx2024", "search-value"),
    ("Patient", "birthdate", "gt", "search-value"),
    ("Patient", "birthdate:missing", "perhaps", "search-value"),
    ("Patient", "identifier", "|", "search-value"),
    ("Patient", "identifier", "a|b|c", "search-value"),
    ("Patient", "identifier:of-type", "a|b", "search-value"),
    ("Patient", "_count", "-1", "search-value"),
    ("Patient", "_count", "many", "search-value"),
    ("Patient", "_count", "٣", "search-value"),
    ("Patient", "_sort", "shoe", "search-value"),
    ("Patient", "_total", "roughly", "search-value"),
    ("Observation", "value-quantity", "much", "search-value"),
    ("Observation", "value-quantity", "5|mg", "search-value"),
    ("Observation", "value-quantity", "1e9999", "search-value"),
    ("Observation", "value-quantity", "NaN", "search-value"),
    ("Observation", "value-quantity", "9" * 100, "search-value"),
    ("Observation", "code-value-quantity", "a", "search-value"),
    ("Observation", "code-value-quantity", "a$b$c", "search-value"),
    ("Observation", "code", ",".join("abc" for _ in range(501)), "search-too-large"),
]


@pytest.mark.parametrize(("type", "name", "value", "code"), REFUSED)
def test_what_is_not_understood_is_refused(
    extractor: Extractor, type: str, name: str, value: str, code: str
) -> None:
    with pytest.raises(Problem) as raised:
        read(extractor, type, (name, value))
    assert raised.value.code == code
    if name.replace(":", "").replace("-", "").replace("_", "").isalnum() and code not in (
        "search-too-large",
        "search-chain-long",
    ):
        assert name in raised.value.message
    assert "drop" not in raised.value.message
    if len(value) > 3:
        assert value not in raised.value.message, "a value may be personal"


def test_many_conditions_are_refused(extractor: Extractor) -> None:
    with pytest.raises(Problem) as raised:
        read(extractor, "Observation", *[("code", "a")] * 51)
    assert raised.value.kind is Kind.TOO_LARGE


def test_escaped_marks_are_part_of_the_value(node: Node) -> None:
    node.put(
        {
            "resourceType": "Patient",
            "id": "p",
            "identifier": [{"system": "urn:a|b", "value": "x,y$z\\w"}],
        }
    )
    assert node.search("Patient", ("identifier", r"urn:a\|b|x\,y\$z\\w")) == ["p"]
    assert node.search("Patient", ("identifier", r"x\,y\$z\\w")) == ["p"]
    assert node.search("Patient", ("identifier", "x,y$z")) == []


def test_a_plus_sign_that_became_a_space_is_still_an_offset(node: Node) -> None:
    node.put(
        {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "code": {"text": "x"},
            "effectiveDateTime": "2024-02-29T08:00:00+07:00",
        }
    )
    assert node.search("Observation", ("date", "2024-02-29T08:00:00 07:00")) == ["o"]


def test_approximately_is_a_tenth_of_the_time_since(node: Node) -> None:
    """The clock stands at 2026-11-22."""
    for id, day in (("near", "2024-01-01"), ("far", "2020-01-01")):
        node.put({"resourceType": "Patient", "id": id, "birthDate": day})
    assert node.search("Patient", ("birthdate", "ap2024-03")) == ["near"]


def test_a_count_of_zero_only_counts(node: Node) -> None:
    node.put(*({"resourceType": "Patient", "id": f"p{n}"} for n in range(3)))
    page = node.records.search(node.full, "Patient", [("_count", "0")])
    assert (page.entries, page.next, page.total) == ((), None, 3)


def test_a_search_that_takes_too_long_is_stopped_with_advice(
    node: Node,
) -> None:
    with pytest.raises(Problem) as raised, reading(node.database) as cursor:
        cursor.execute("set statement_timeout = 20")
        try:
            cursor.execute("select pg_sleep(5)")
        finally:
            cursor.execute("reset statement_timeout")
    assert raised.value.code == "search-too-slow"
    assert node.search("Patient") == []


# Every text is either refused with a Problem or answered; never a defect, never SQL.
NAMES = ["code", "code:text", "code:not", "subject", "patient", "date", "value-quantity",
         "value-string", "value-string:contains", "_id", "code-value-quantity", "identifier",
         "_lastUpdated", "subject:identifier", "combo-code-value-quantity"]  # fmt: skip


def test_whatever_is_asked_is_answered_or_refused(node: Node) -> None:
    node.put({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}})

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(NAMES),
        st.text(max_size=12)
        | st.text("|$,\\'\"%_-.:/#eq0129", max_size=12)
        | st.builds(
            "{}{}".format, st.sampled_from(["eq", "ap", ""]), st.text("0129-", max_size=10)
        ),
    )
    def ask(name: str, value: str) -> None:
        try:
            assert set(node.search("Observation", (name, value))) <= {"o"}
        except Problem as problem:
            assert problem.kind in (Kind.BAD_INPUT, Kind.UNSUPPORTED)

    ask()
