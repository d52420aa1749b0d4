"""Reading follows links, both ways and at once; access still decides row by row."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.identity import CLERK, links_of, observation, patient
from tests.support.records import KEY, RESTRICTED, Node, ids, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import SearchValues
from trucyte.national.record.operations import Documents
from trucyte.records import person_key
from trucyte.records.persons.following import with_circles
from trucyte.records.walk import Selection, Span, Walker
from trucyte.shared.audit import Trail
from trucyte.shared.identity.links.links import Links

A, B, C = "Patient/a", "Patient/b", "Patient/c"
OF_A, OF_B = ["Observation/oa"], ["Observation/ob"]


def about(kind: str, id: str, whose: str, **more: Any) -> dict:
    return (
        {"resourceType": kind, "id": id, **more}
        | {"status": more.get("status", "active")}
        | {"subject" if kind != "Consent" else "patient": {"reference": f"Patient/{whose}"}}
    )


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        for one, number in (("a", "1"), ("b", "2"), ("c", "3")):
            opened.put(
                patient(one, identifier=[{"system": "urn:n", "value": number}], birthDate="1990"),
                observation(f"o{one}", one, effectiveDateTime=f"2026-01-0{number}"),
                about("Encounter", f"e{one}", one, status="finished"),
                about("Consent", f"consent-{one}", one),
                about("DocumentReference", f"d{one}", one, status="current"),
                about("MedicationRequest", f"m{one}", one, intent="order"),
                {"resourceType": "Observation", "id": f"v{one}", "status": "final",
                 "code": {"text": "x"}, "encounter": {"reference": f"Encounter/e{one}"}},
            )  # fmt: skip
        yield opened


@pytest.fixture
def links(node: Node) -> Links:
    return links_of(node)


# How records of a person are asked for, given the id of one of its Patients; of the answer
# what matters is whose it is.
ASKED: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "by patient": ("Observation", [("patient", "Patient/{0}")]),
    "by bare id": ("Observation", [("patient", "{0}")]),
    "by subject and type": ("Observation", [("subject:Patient", "{0}")]),
    "with another condition": ("Observation", [("patient", "{0}"), ("code", "8310-5")]),
    "sorted": ("Observation", [("patient", "{0}"), ("_sort", "-date")]),
    "with a total": ("Observation", [("patient", "{0}"), ("_total", "accurate")]),
    "with includes": ("Observation", [("patient", "{0}"), ("_include", "Observation:subject")]),
    "by a chain": ("Observation", [("patient.identifier", "urn:n|{1}")]),
    "by a chain of two": ("Observation", [("encounter.patient.identifier", "urn:n|{1}")]),
    "by a reference behind a chain": ("Observation", [("encounter.patient", "Patient/{0}")]),
    "by a filter": ("Observation", [("_filter", 'patient eq "Patient/{0}"')]),
    "consents": ("Consent", [("patient", "{0}")]),
    "pointers": ("DocumentReference", [("patient", "{0}")]),
    "prescriptions": ("MedicationRequest", [("patient", "{0}")]),
    "encounters": ("Encounter", [("subject", "Patient/{0}")]),
    "people who have": ("Patient", [("_has:Observation:patient:_id", "o{0}")]),
}


def owners(found: list[str]) -> set[str]:
    return {id_[-1] for id_ in found}


@pytest.mark.parametrize("name", ASKED)
def test_records_of_every_member_come_for_any_member_until_unlinked(
    node: Node, links: Links, name: str
) -> None:
    type_name, pairs = ASKED[name]

    def asked(id_: str) -> set[str]:
        number = str("abc".index(id_) + 1)
        return owners(node.search(type_name, *((k, v.format(id_, number)) for k, v in pairs)))

    assert asked("a") == {"a"}
    links.link(node.full, A, B, CLERK)
    assert (asked("a"), asked("b"), asked("c")) == ({"a", "b"}, {"a", "b"}, {"c"})
    links.link(node.full, B, C, CLERK)
    assert asked("a") == asked("c") == {"a", "b", "c"}
    links.unlink(node.full, A, B, CLERK)
    assert (asked("a"), asked("b")) == ({"a"}, {"b", "c"})


@pytest.mark.parametrize("name", ASKED)
def test_exact_searches_follow_no_links(node: Node, links: Links, name: str) -> None:
    links.link(node.full, A, B, CLERK)
    type_name, pairs = ASKED[name]
    exact = [(k, v.format("a", "1")) for k, v in pairs] + [("_links", "exact")]
    assert owners(node.search(type_name, *exact)) == {"a"}


def test_many_far_ends_follow_links_too(node: Node, links: Links, monkeypatch: Any) -> None:
    for name in ("PERSONS_MAX", "TARGETS_MAX", "REFERRING_MAX"):
        monkeypatch.setattr(f"trucyte.records.search.links.{name}", 0)
    links.link(node.full, A, B, CLERK)
    for kind, pair in (
        ("Observation", ("patient.identifier", "urn:n|1")),
        ("Observation", ("encounter.patient.identifier", "urn:n|1")),
        ("Patient", ("_has:Observation:patient:_id", "oa")),
        ("Patient", ("_has:Encounter:subject:_id", "ea")),
    ):
        assert owners(node.search(kind, pair)) == {"a", "b"}, pair
        assert owners(node.search(kind, pair, ("_links", "exact"))) == {"a"}, pair


def test_counts_follow_links(node: Node, links: Links) -> None:
    links.link(node.full, A, B, CLERK)
    assert node.total("Observation", ("patient", "b")) == 2
    assert node.total("Observation", ("patient", "b"), ("_links", "exact")) == 1
    page = node.records.search(
        node.full, "Observation", [("patient", "a"), ("_total", "accurate"), ("_count", "1")]
    )
    assert (page.total, len(page.entries), page.next is not None) == (2, 1, True)


def test_compartments_hold_the_records_of_all(node: Node, links: Links) -> None:
    def within(type_name: str | None, id_: str, *more: tuple[str, str]) -> set[str]:
        page = node.records.search(
            node.full, type_name, [("_count", "100"), *more], compartment=("Patient", id_)
        )
        return {f"{one.type}/{one.id}" for one in page.entries}

    links.link(node.full, A, B, CLERK)
    assert within("Observation", "b") == {*OF_A, *OF_B}
    assert within("Patient", "b") == {A, B}
    assert within(None, "a") >= {A, B, *OF_A, *OF_B, "Consent/consent-b"}
    assert within("Observation", "b", ("_links", "exact")) == set(OF_B)
    assert within("Patient", "b", ("_links", "exact")) == {B}
    links.unlink(node.full, A, B, CLERK)
    assert within(None, "a") == within(None, "a", ("_links", "exact"))


def test_everything_is_of_all_page_by_page(node: Node, links: Links) -> None:
    def everything(id_: str, **more: Any) -> list[str]:
        page = node.records.everything(node.full, "Patient", id_, count=2, **more)
        found = ids(page)
        while page.next:
            page = node.records.everything(node.full, "Patient", id_, page=page.next)
            found += ids(page)
        return sorted(found)

    alone, other = everything("a"), everything("b")
    links.link(node.full, A, B, CLERK)
    assert everything("a") == everything("b") == sorted(alone + other)
    assert everything("a", is_exact=True) == alone
    links.unlink(node.full, A, B, CLERK)
    assert everything("a") == alone


def test_a_link_that_is_broken_between_two_pages_holds_on_the_second(
    node: Node, links: Links
) -> None:
    links.link(node.full, A, B, CLERK)
    first = node.records.search(node.full, "Observation", [("patient", "a"), ("_count", "1")])
    assert ids(first) == ["ob"]  # the newest first
    links.unlink(node.full, A, B, CLERK)
    assert first.next is not None
    assert ids(node.records.next_page(node.full, first.next)) == ["oa"]


def test_what_comes_along_backwards_is_of_all(node: Node, links: Links) -> None:
    links.link(node.full, A, B, CLERK)
    pairs = [("_id", "a"), ("_revinclude", "Observation:patient")]
    page = node.records.search(node.full, "Patient", pairs)
    assert (ids(page), sorted(one.id for one in page.included)) == (["a"], ["oa", "ob"])
    page = node.records.search(node.full, "Patient", [*pairs, ("_links", "exact")])
    assert [one.id for one in page.included] == ["oa"]


def test_patients_and_linkages_are_asked_for_as_they_are_said(node: Node, links: Links) -> None:
    made = links.link(node.full, A, B, CLERK)
    links.link(node.full, B, C, CLERK)
    assert node.search("Patient", ("_id", "a")) == ["a"]
    assert node.search("Patient", ("identifier", "urn:n|1")) == ["a"]
    assert node.search("Linkage", ("item", A)) == [made.id]


def test_a_persons_page_tells_the_story_of_all(node: Node, links: Links) -> None:
    def story(id_: str) -> set[str]:
        entries = node.records.timeline(node.full, person_key(KEY, f"Patient/{id_}"))
        return owners([entry.id for entry in entries])

    links.link(node.full, A, B, CLERK)
    assert story("a") == story("b") == {"a", "b"}
    links.unlink(node.full, A, B, CLERK)
    assert story("b") == {"b"}


def test_a_summary_is_of_all(node: Node, links: Links, clock: FixedClock) -> None:
    node.put({"resourceType": "AllergyIntolerance", "id": "allergy-b", "code": {"text": "x"},
              "clinicalStatus": {"coding": [{"code": "active", "system":
              "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"}]},
              "patient": {"reference": B}})  # fmt: skip
    documents = Documents(node.records, clock, "Nút Mẫu")

    def holds(id_: str) -> bool:
        return b"AllergyIntolerance/allergy-b" in documents.summary(node.full, id_, "http://x")

    assert not holds("a")
    links.link(node.full, A, B, CLERK)
    assert holds("a")
    links.unlink(node.full, A, B, CLERK)
    assert not holds("a")


def test_an_export_of_a_person_is_of_all(node: Node, links: Links) -> None:
    walker = Walker(node.database, node.journal, node.index)

    def exported(id_: str) -> set[str]:
        selection = Selection(persons=(person_key(KEY, f"Patient/{id_}"),), of_patients=True)
        at = walker.position().seq
        chunks = walker.lines(node.full, selection, Span(1, at), snapshot=at, now=0)
        return owners([json.loads(line.body)["id"] for chunk in chunks for line in chunk])

    links.link(node.full, A, B, CLERK)
    assert exported("a") == exported("b") == {"a", "b"}
    assert exported("c") == {"c"}
    before = walker.position().seq
    node.delete("Observation", "ob")
    selection = Selection(persons=(person_key(KEY, A),))
    gone = walker.deleted(node.full, selection, Span(before, walker.position().seq))
    assert [one.id for one in gone] == ["ob"]
    links.unlink(node.full, A, B, CLERK)
    assert exported("a") == {"a"}


def test_the_trail_of_a_person_is_of_all(node: Node, links: Links, clock: FixedClock) -> None:
    trail = Trail(node.database, node.journal.keyring, clock)
    try:
        keys = {one: person_key(KEY, one) for one in (A, B, C)}
        for who in ("x", "y", "z"):
            trail.shown(
                replace(node.full, caller=who), [keys[A if who == "x" else B]], "read Patient"
            )
        trail.shown(replace(node.full, caller="both"), [keys[A], keys[B]], "search Patient")

        def looked(reference: str) -> list[str]:
            found = trail.of_person(node.full, keys[reference])
            return [entry.deed.caller for entry in found.entries]

        assert (looked(A), looked(B)) == (["both", "x"], ["both", "z", "y"])
        links.link(node.full, A, B, CLERK)
        assert looked(A) == looked(B) == ["both", "z", "y", "x"]
        links.unlink(node.full, A, B, CLERK)
        assert looked(A) == ["both", "x"]
    finally:
        trail.close()


def test_access_decides_row_by_row(node: Node, links: Links) -> None:
    node.put(observation("hidden-b", "b", meta=RESTRICTED))
    links.link(node.full, A, B, CLERK)
    assert owners(node.search("Observation", ("patient", "a"))) == {"a", "b"}
    assert "hidden-b" not in node.search("Observation", ("patient", "a"), access=node.plain)
    nobody = replace(node.plain, sees_organisations=frozenset({"Organization/none"}))
    assert node.search("Observation", ("patient", "a"), access=nobody) == []


def test_what_is_shown_of_a_linked_person_is_in_the_trail_of_whose_it_was(
    node: Node, links: Links
) -> None:
    links.link(node.full, A, B, CLERK)
    node.trail.shown_to.clear()
    node.search("Observation", ("patient", "a"))
    ((_, persons, _),) = node.trail.shown_to
    assert set(persons) == {person_key(KEY, A), person_key(KEY, B)}


def test_conditions_of_writes_mean_the_patient_they_name(node: Node, links: Links) -> None:
    links.link(node.full, A, B, CLERK)
    for pairs in ([("patient", A)], [("patient.identifier", "urn:n|1")]):
        found = node.records.expectation(node.full, "Observation", pairs, limit=5)
        assert {id_ for _, _, id_ in found.expected} == {"oa"}


def test_a_search_of_a_person_without_links_is_one_statement(
    node: Node, links: Links, monkeypatch: Any
) -> None:
    links.link(node.full, B, C, CLERK)
    asked: list[int] = []
    own = type(node.records._finder).statement

    def counted(finder: Any, search: Any) -> Any:
        asked.append(1)
        return own(finder, search)

    monkeypatch.setattr(type(node.records._finder), "statement", counted)
    assert node.search("Observation", ("patient", "a")) == ["oa"]
    assert len(asked) == 1
    assert len(node.search("Observation", ("patient", "b"))) == 2
    assert len(asked) == 3


def test_values_of_a_version_name_the_whole_circle() -> None:
    values = SearchValues(references=[(3, "Patient", "a", None, None, None),
                                      (4, "Group", "a", None, None, None)])  # fmt: skip
    with_circles(values, {"a": ("a", "b")})
    assert [one[2] for one in values.references if one[0] == 3] == ["a", "b"]
    assert [one[2] for one in values.references if one[0] == 4] == ["a"]
