"""Whose resources are: told by the journal's sources, kept over versions, found again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.records import Node, change_of, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.journal import behalf as behalf_module
from trucyte.journal.behalf import Behalf, OrganisationAmbiguous, organisation_number
from trucyte.journal.change import Change, Operation
from trucyte.records import Access, owners
from trucyte.records.owners import DEFINITIONS, OPEN, REGISTERS, May
from trucyte.records.shown import ResourceGone, ResourceNotFound

A, B = "Organization/a", "Organization/b"


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def behalf(node: Node) -> Behalf:
    return Behalf(node.database)


def of(node: Node, organisation: str) -> Access:
    return replace(
        node.full, organisation=organisation, sees_organisations=frozenset({organisation})
    )


def patient(id: str = "p", **more: object) -> dict:
    return {"resourceType": "Patient", "id": id, **more}


def write(node: Node, source: int, resource: dict, row: int = 0) -> None:
    node.journal.commit([replace(change_of(resource), source=source, row=row)])


def end(node: Node, id: str, source: int = 0) -> None:
    node.journal.commit([Change("Patient", id, Operation.DELETE, b"", 0, 0, source=source)])


def column(node: Node) -> list[list[int]]:
    with node.database.connection() as connection:
        rows = connection.execute("select organisations from records.entry order by seq")
        return [row[0] for row in rows]


def may(node: Node, organisation: str, id: str = "p", type: str = "Patient") -> May | None:
    return node.records.standing(of(node, organisation), [(type, id)]).of.get((type, id))


def test_the_lists_of_what_is_of_nobody_name_types_there_are() -> None:
    assert set(RESOURCE_TYPES) >= OPEN == REGISTERS | DEFINITIONS


def test_a_number_is_never_the_one_that_stands_for_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert organisation_number(A) != organisation_number(B)

    class Zeroes:
        def digest(self) -> bytes:
            return bytes(32)

    monkeypatch.setattr(behalf_module.hashlib, "sha256", lambda _: Zeroes())
    assert organisation_number(A) == 1


def test_two_organisations_with_one_number_cannot_both_be(
    behalf: Behalf, monkeypatch: pytest.MonkeyPatch
) -> None:
    behalf.tell(1, A)
    monkeypatch.setattr(behalf_module, "organisation_number", lambda _: organisation_number(A))
    with pytest.raises(OrganisationAmbiguous):
        behalf.tell(2, B)
    assert behalf.of(2) is None


def test_an_account_has_one_standing_source_for_an_organisation(
    node: Node, behalf: Behalf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behalf_module, "_REMEMBERED_MAX", 1)
    first = behalf.standing("his", A)
    assert first < 0
    assert len({first, behalf.standing("his", B), behalf.standing("lis", A)}) == 3
    assert behalf.standing("his", A) == first == Behalf(node.database).standing("his", A)
    assert behalf.standing("his", "") == 0
    assert behalf.of(first) == (A, True)


def test_what_was_told_of_a_source_stays(behalf: Behalf) -> None:
    behalf.tell(7, A)
    behalf.tell(7, B)
    assert behalf.of(7) == (A, False)
    assert behalf.of(8) is None


def test_a_version_is_of_whom_its_source_or_its_row_speaks_for(node: Node, behalf: Behalf) -> None:
    behalf.tell(7, A)
    behalf.tell(7, B, row=2)
    write(node, 7, patient("p"), row=1)
    write(node, 7, patient("q"), row=2)
    write(node, 0, patient("r"))
    write(node, 9, patient("s"))
    write(node, 7, {"resourceType": "Practitioner", "id": "dr"}, row=1)
    a, b = organisation_number(A), organisation_number(B)
    assert column(node) == [[a], [b], [], [], [0]]


def test_owners_add_up_over_versions_and_deletions(node: Node, behalf: Behalf) -> None:
    behalf.tell(1, A)
    behalf.tell(2, B)
    both = sorted(map(organisation_number, (A, B)))
    write(node, 1, patient())
    write(node, 0, patient(active=True))
    assert column(node) == [[organisation_number(A)]]
    # Two versions of one commit, of which the index keeps the last.
    node.journal.commit_many(
        [[replace(change_of(patient(active=n)), source=2)] for n in (False, True)]
    )
    assert column(node) == [both]
    end(node, "p")
    assert column(node) == []
    write(node, 0, patient(gender="male"))
    assert column(node) == [both]


def test_a_rebuild_finds_the_same_owners(node: Node, behalf: Behalf) -> None:
    behalf.tell(1, A)
    behalf.tell(2, B)
    for source, active in ((1, True), (2, False), (0, True)):
        write(node, source, patient(active=active))
    write(node, 2, patient("q"))
    end(node, "q")
    write(node, 0, patient("q", active=True))
    before = column(node)
    assert node.journal.compare() is None
    node.journal.rebuild()
    assert column(node) == before


def test_what_is_deleted_is_gone_for_its_owners_and_was_never_there_for_others(
    node: Node, behalf: Behalf
) -> None:
    behalf.tell(1, A)
    write(node, 1, patient())
    end(node, "p")
    with pytest.raises(ResourceGone):
        node.records.read(of(node, A), "Patient", "p")
    with pytest.raises(ResourceNotFound):
        node.records.read(of(node, B), "Patient", "p")
    assert (may(node, A), may(node, B), may(node, A, "none")) == (May.CHANGE, May.NOTHING, None)


def test_what_is_of_nobody_is_changed_by_who_made_it_and_by_itself(
    node: Node, behalf: Behalf
) -> None:
    behalf.tell(1, A)
    write(node, 1, {"resourceType": "Practitioner", "id": "dr"})
    write(node, 0, {"resourceType": "Organization", "id": "b"})
    assert may(node, A, "dr", "Practitioner") is May.CHANGE
    assert may(node, B, "dr", "Practitioner") is May.SEE
    assert may(node, A, "b", "Organization") is May.SEE
    assert may(node, B, "b", "Organization") is May.CHANGE


def test_definitions_are_for_operators_and_nothing_is_for_an_account_of_nobody(node: Node) -> None:
    key = ("CodeSystem", "x")
    assert node.records.standing(node.full, [key]).may_change(key)
    assert not node.records.standing(of(node, A), [key]).may_change(key)
    assert node.records.standing(of(node, A), [("Patient", "new")]).may_change(("Patient", "new"))
    nobody = replace(node.full, sees_organisations=frozenset())
    assert not node.records.standing(nobody, []).may_change(("Patient", "new"))


def test_a_history_of_one_among_many_has_whole_pages(
    node: Node, behalf: Behalf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trucyte.records.results import history
    from trucyte.records.shown import SearchTooSlow

    monkeypatch.setattr(history, "LINES_MAX", 3)
    behalf.tell(1, A)
    behalf.tell(2, B)
    for number in range(4):
        write(node, 1, patient(f"a{number}"))
        for other in range(4):
            write(node, 2, patient(f"b{number}-{other}"))
    page = node.records.history(of(node, A), "Patient", count=3)
    assert [entry.id for entry in page.entries] == ["a3", "a2", "a1"]
    page = node.records.history(of(node, A), page=page.next)
    assert ([entry.id for entry in page.entries], page.next) == (["a0"], None)
    monkeypatch.setattr(history, "WALKS_MAX", 2)
    with pytest.raises(SearchTooSlow):
        node.records.history(of(node, A), "Patient", count=3)


def test_a_timeline_holds_what_is_of_those_seen(node: Node, behalf: Behalf) -> None:
    behalf.tell(1, A)
    write(node, 1, patient())
    (person,) = {line.entry.person for line in node.journal.follow(0, 10)}
    assert len(node.records.timeline(of(node, A), person)) == 1
    assert node.records.timeline(of(node, B), person) == ()


def test_nothing_is_asked_where_nothing_is_new(node: Node) -> None:
    with node.database.connection() as connection, connection.cursor() as cursor:
        assert owners.owners_of(cursor, []) == {}
