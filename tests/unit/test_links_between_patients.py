"""Links: decided once, kept as Linkages, undone without a trace in what they joined."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.identity import CLERK, links_of, observation, patient
from tests.support.records import RESTRICTED, Node, body, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.records.persons.circles import MEMBERS_MAX, GroupTooLarge, LinkContradicts
from trucyte.records.persons.linkage import LinkageRefused, LinkState, patient_at, read_statement
from trucyte.records.shown import ResourceGone, ResourceNotFound, ResourceRestricted
from trucyte.shared.identity.links.link import Decided, DecisionUnclear, NotAPair
from trucyte.shared.identity.links.links import Links, NotLinked

A, B, C = "Patient/a", "Patient/b", "Patient/c"


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(*(patient(one) for one in "abcd"), patient("shut", meta=RESTRICTED))
        yield opened


@pytest.fixture
def links(node: Node) -> Links:
    return links_of(node)


def test_two_linked_patients_are_a_group_from_either_end(node: Node, links: Links) -> None:
    assert links.group(A) == (A,)
    made = links.link(node.full, A, B, CLERK)
    assert (made.state, made.version, made.is_new) == (LinkState.LINKED, 1, True)
    assert links.groups([A, B, C]) == {A: (A, B), B: (A, B), C: (C,)}


def test_a_link_said_again_from_the_other_end_writes_nothing(node: Node, links: Links) -> None:
    made = links.link(node.full, A, B, CLERK)
    tail = node.journal.tail()
    again = links.link(node.full, B, A, CLERK)
    assert (again.id, again.version, again.is_new) == (made.id, 1, False)
    assert node.journal.tail() == tail


def test_a_broken_link_gives_each_its_own_and_can_be_made_again(node: Node, links: Links) -> None:
    links.link(node.full, A, B, CLERK)
    links.link(node.full, B, C, CLERK)
    assert links.unlink(node.full, A, B, CLERK).state is LinkState.BROKEN
    assert links.groups([A, B]) == {A: (A,), B: (B, C)}
    assert links.unlink(node.full, B, A, CLERK).is_new is False
    assert links.link(node.full, A, B, CLERK).version == 3
    assert links.group(C) == (A, B, C)


def test_what_never_was_linked_cannot_be_broken(node: Node, links: Links) -> None:
    with pytest.raises(NotLinked):
        links.unlink(node.full, A, B, CLERK)
    links.differ(node.full, A, B, CLERK)
    with pytest.raises(NotLinked):
        links.unlink(node.full, A, B, CLERK)


def test_two_known_to_differ_never_become_one_person_through_others(
    node: Node, links: Links
) -> None:
    links.keep_apart(node.full, A, C)
    links.link(node.full, A, B, CLERK)
    tail = node.journal.tail()
    with pytest.raises(LinkContradicts):
        links.link(node.full, B, C, CLERK)
    assert (links.group(A), node.journal.tail()) == ((A, B), tail)
    assert links.state(C, A) is LinkState.DIFFERENT
    links.unlink(node.full, A, B, CLERK)
    assert links.link(node.full, B, C, CLERK).is_new


def test_two_cannot_differ_while_others_link_them(node: Node, links: Links) -> None:
    links.link(node.full, A, B, CLERK)
    links.link(node.full, B, C, CLERK)
    with pytest.raises(LinkContradicts):
        links.differ(node.full, A, C, CLERK)
    assert links.differ(node.full, A, B, CLERK).state is LinkState.DIFFERENT
    assert links.groups([A, C]) == {A: (A,), C: (B, C)}


def test_a_group_has_a_bound(node: Node, links: Links) -> None:
    many = [f"m{number:03}" for number in range(MEMBERS_MAX + 1)]
    node.put(*map(patient, many))
    for one, other in pairwise(many[:MEMBERS_MAX]):
        links.link(node.full, f"Patient/{one}", f"Patient/{other}", CLERK)
    assert len(links.group("Patient/m000")) == MEMBERS_MAX
    with pytest.raises(GroupTooLarge):
        links.link(node.full, "Patient/m000", f"Patient/{many[-1]}", CLERK)
    assert links.group(f"Patient/{many[-1]}") == (f"Patient/{many[-1]}",)


def test_a_link_rewrites_neither_patients_nor_what_refers_to_them(node: Node, links: Links) -> None:
    node.put(observation("o", "b"))
    keys = [("Patient", "a"), ("Patient", "b"), ("Observation", "o")]
    before = [node.records.read(node.full, *key).body for key in keys]
    links.link(node.full, A, B, CLERK)
    links.unlink(node.full, A, B, CLERK)
    assert [node.records.read(node.full, *key).body for key in keys] == before


def test_a_link_explains_itself_and_its_history_is_its_versions(node: Node, links: Links) -> None:
    decided = Decided(
        ("same-personal-number", "model-agrees"), "2026.11",
        (("name", "same sounds"), ("birth date", "exact")), Decimal("21.50"), Decimal("0.9999"),
    )  # fmt: skip
    machine = replace(node.full, caller="identity", purpose="SYSADMIN")
    links.link(machine, A, B, decided)
    links.differ(node.full, A, B, Decided(("clerk",), note="sinh đôi"))
    first, second = links.history(node.full, B, A)
    assert (first.decided, first.state) == (decided, LinkState.LINKED)
    assert (second.decided.note, second.state) == ("sinh đôi", LinkState.DIFFERENT)
    found = node.search("Provenance", ("target", f"Linkage/{first.id}"))
    agents = [
        body(node.records.read(node.full, "Provenance", id_))["agent"][0]["who"]["identifier"]
        for id_ in found
    ]
    assert sorted(agent["value"] for agent in agents) == ["doctor", "identity"]


def test_what_is_written_is_valid_fhir(node: Node, links: Links, definitions: Definitions) -> None:
    made = links.link(node.full, A, B, Decided(("clerk",), "1", (("name", "exact"),), note="x"))
    linkage = body(node.records.read(node.full, "Linkage", made.id))
    provenance = body(
        node.records.read(node.full, "Provenance", node.search("Provenance", ("_count", "1"))[0])
    )
    for resource in (linkage, provenance):
        assert list(Validator(definitions).check(resource)) == []
    assert [item["type"] for item in linkage["item"]] == ["source", "alternate"]


@pytest.mark.parametrize(
    ("one", "other"), [(A, A), (A, "Observation/o"), ("", B), (A, "Patient/"), (A, "Patient/b/x")]
)
def test_a_pair_is_two_different_patients(node: Node, links: Links, one: str, other: str) -> None:
    with pytest.raises(NotAPair):
        links.link(node.full, one, other, CLERK)


def test_who_does_not_see_a_patient_does_not_link_it(node: Node, links: Links) -> None:
    with pytest.raises(ResourceNotFound):
        links.link(node.full, A, "Patient/none", CLERK)
    with pytest.raises(ResourceRestricted):
        links.link(node.plain, A, "Patient/shut", CLERK)
    other = replace(node.plain, sees_organisations=frozenset({"Organization/x"}))
    with pytest.raises(ResourceNotFound):
        links.link(other, A, B, CLERK)
    with pytest.raises(ResourceNotFound):
        links.link(other, "from/n2/fhir/Patient/a", "from/n2/fhir/Patient/b", CLERK)
    node.delete("Patient", "b")
    with pytest.raises(ResourceGone):
        links.link(node.full, A, B, CLERK)


def test_a_link_of_a_patient_that_was_deleted_since_can_be_broken(node: Node, links: Links) -> None:
    links.link(node.full, A, B, CLERK)
    node.delete("Patient", "b")
    assert links.unlink(node.full, A, B, CLERK).state is LinkState.BROKEN


def test_a_link_to_a_restricted_patient_is_restricted_itself(node: Node, links: Links) -> None:
    made = links.link(node.full, A, "Patient/shut", CLERK)
    assert node.search("Linkage", access=node.plain) == []
    assert node.search("Provenance", access=node.plain) == []
    assert node.search("Linkage") == [made.id]


def test_patients_of_other_nodes_are_linked_by_where_they_are_served(
    node: Node, links: Links
) -> None:
    far = "from/79001/fhir/Patient/a"
    links.link(node.full, A, far, CLERK)
    assert links.group(A) == (A, far)
    assert links.group(far) == (A, far)
    assert node.search("Observation", ("patient", A)) == []


def test_states_of_pairs_are_asked_at_once_whichever_is_named_first(
    node: Node, links: Links
) -> None:
    links.link(node.full, A, B, CLERK)
    links.differ(node.full, B, C, CLERK)
    links.unlink(node.full, A, B, CLERK)
    pairs = [(A, B), (B, A), (C, B), (A, C)]
    assert list(links.states(pairs).values()) == ["broken", "broken", "different", None]
    assert links.states([]) == {}


def test_a_preview_writes_nothing(node: Node, links: Links) -> None:
    links.link(node.full, B, C, CLERK)
    tail = node.journal.tail()
    told = links.preview(node.full, A, B)
    assert (told.state, told.members, node.journal.tail()) == (None, (A, B, C), tail)


def test_sixteen_who_say_the_same_at_once_write_it_once(node: Node, links: Links) -> None:
    with ThreadPoolExecutor(max_workers=16) as pool:
        made = list(pool.map(lambda n: links.link(node.full, *(A, B)[:: 1 - n % 2 * 2], CLERK),
                             range(16)))  # fmt: skip
    assert {link.version for link in made} == {1}
    assert sum(link.is_new for link in made) == 1
    assert links.group(A) == (A, B)


def test_a_linkage_that_is_deleted_links_nobody(node: Node, links: Links) -> None:
    made = links.link(node.full, A, B, CLERK)
    node.delete("Linkage", made.id)
    assert (links.group(A), links.state(A, B)) == ((A,), None)
    assert links.link(node.full, A, B, CLERK).version == 3
    assert links.group(A) == (A, B)


def test_a_replay_gives_the_same_circles(node: Node, links: Links) -> None:
    links.link(node.full, A, B, CLERK)
    links.link(node.full, "Patient/c", "Patient/d", CLERK)
    links.link(node.full, B, C, CLERK)
    links.unlink(node.full, A, B, CLERK)
    links.differ(node.full, A, "Patient/d", CLERK)
    assert node.journal.compare() is None
    node.journal.rebuild()
    assert links.group(B) == (B, C, "Patient/d")
    assert node.journal.compare() is None


def linkage(*items: tuple[str, str], **more: object) -> dict:
    listed = [{"type": kind, "resource": {"reference": target}} for kind, target in items]
    return {"resourceType": "Linkage", "id": "x", "item": listed, **more}


@pytest.mark.parametrize(
    "refused",
    [
        linkage(("source", A)),
        linkage(("source", A), ("source", B)),
        linkage(("source", A), ("alternate", B), ("alternate", C)),
        linkage(("source", A), ("alternate", A)),
        linkage(("source", A), ("alternate", "Observation/o")),
        linkage(("source", A), ("alternate", "Patient/b/_history/1")),
        linkage(("source", A), ("historical", B)),
    ],
)
def test_a_linkage_of_patients_that_says_nothing_clear_is_refused(refused: dict) -> None:
    with pytest.raises(LinkageRefused):
        read_statement(refused)


def test_a_linkage_has_the_id_of_its_pair(node: Node, links: Links) -> None:
    with pytest.raises(LinkageRefused):
        node.put(linkage(("source", A), ("alternate", B)))
    assert links.group(A) == (A,)
    other = linkage(("source", "Practitioner/x"), ("alternate", "Practitioner/y"))
    assert node.put(other)[0].version == 1


def test_a_linkage_of_the_standard_alone_links_while_it_is_active(node: Node, links: Links) -> None:
    id_ = links.preview(node.full, A, B).id
    said = linkage(("source", A), ("alternate", B)) | {"id": id_}
    node.put(said)
    assert links.group(B) == (A, B)
    assert links.history(node.full, A, B)[0].decided.rules == ("stated",)
    node.put(said | {"active": False})
    assert (links.group(B), links.state(A, B)) == ((B,), LinkState.BROKEN)


@pytest.mark.parametrize(
    "told", [{"rules": ()}, {"rules": ("Nguyễn Văn A",)}, {"rules": ("x",), "note": "x" * 1001}]
)
def test_a_decision_holds_names_of_rules_alone(told: dict) -> None:
    with pytest.raises(DecisionUnclear):
        Decided(**told)


def test_no_personal_text_reaches_a_linkage(node: Node, links: Links) -> None:
    node.put(patient("a", name=[{"text": "Người Được Đánh Dấu"}]))
    made = links.link(node.full, A, B, CLERK)
    assert "Người" not in json.dumps(body(node.records.read(node.full, "Linkage", made.id)))
    assert patient_at("Patient/" + "x" * 65) is None


def test_many_links_are_made_at_once_and_one_that_is_refused_fails_alone(
    node: Node, links: Links
) -> None:
    node.put(*(patient(one) for one in ("m", "n", "o", "q")))
    links.differ(node.full, "Patient/m", "Patient/o", CLERK)
    made = links.link_all(
        node.full,
        [
            ("Patient/m", "Patient/n", CLERK),
            ("Patient/n", "Patient/o", CLERK),  # contradicts
            ("Patient/m", "Patient/n", CLERK),  # said twice
            ("Patient/q", "Patient/gone", CLERK),
            ("Patient/q", "Patient/o", CLERK),
        ],
    )
    told = [one.code if isinstance(one, Problem) else one.state.value for one in made]
    assert told == ["linked", "link-contradicts", "linked", "not-found", "linked"]
    assert links.group("Patient/m") == ("Patient/m", "Patient/n")
    assert links.group("Patient/o") == ("Patient/o", "Patient/q")
    again = links.link_all(node.full, [("Patient/n", "Patient/m", CLERK)])
    assert [one.is_new for one in again if not isinstance(one, Problem)] == [False]
    assert links.link_all(node.full, []) == []
