"""For whom a received file speaks, and whom it may write for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.intake import build
from tests.support.records import change_of
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.intake.speaking import _REMEMBERED_MAX, Speaking, organisation_of
from trucyte.intake.tools import Tools
from trucyte.intake.unreadable import OtherOrganisation
from trucyte.journal.behalf import Behalf, organisations_of

MINE = "Organization/minh"


class Asked:
    """A finder that remembers for whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def find(self, type: str, query: str, organisation: str = "") -> list[str]:
        self.asked.append((type, query, organisation))
        return ["p1"]


@pytest.fixture
def tools(database: Database, tmp_path: Path, r4_cache: bytes) -> Iterator[Tools]:
    path = tmp_path / "r4.definitions"
    path.write_bytes(r4_cache)
    made = replace(build(database.url, tmp_path, path, is_indexed=True), finder=Asked())
    yield made
    made.journal.close()
    made.database.close()


def owners(tools: Tools, *places: tuple[int, int]) -> dict[tuple[int, int], int]:
    with tools.database.connection() as connection, connection.cursor() as cursor:
        return dict(organisations_of(cursor, places))


def test_a_file_of_one_facility_is_told_of_once_as_a_whole(tools: Tools) -> None:
    speaking = Speaking(tools)
    for row in (1, 2, 3):
        speaking.visit(7, row, "79001")
    assert Behalf(tools.database).of(7) == (organisation_of(tools.ids, "79001"), False)
    with tools.database.connection() as connection:
        (count,) = connection.execute("select count(*) from journal.behalf").fetchone() or (0,)
    assert count == 1


def test_a_visit_of_another_facility_is_that_facilitys_and_no_other_row_is(tools: Tools) -> None:
    speaking = Speaking(tools)
    for row, facility in ((1, "79001"), (2, "01001"), (3, "79001")):
        speaking.visit(7, row, facility)
    found = owners(tools, (7, 1), (7, 2), (7, 3))
    assert found[7, 1] == found[7, 3] != found[7, 2]
    assert len(set(found.values())) == 2


def test_a_sender_who_logged_in_speaks_for_nobody_else(tools: Tools) -> None:
    Behalf(tools.database).tell(7, organisation_of(tools.ids, "79001"), is_sender=True)
    speaking = Speaking(tools)
    speaking.visit(7, 1, "79001")
    with pytest.raises(OtherOrganisation):
        speaking.visit(7, 2, "01001")
    assert len(set(owners(tools, (7, 1), (7, 2)).values())) == 1


def test_only_who_logged_in_is_a_sender(tools: Tools) -> None:
    Behalf(tools.database).tell(7, MINE, is_sender=True)
    Behalf(tools.database).tell(8, MINE)
    speaking = Speaking(tools)
    assert [speaking.sender(number) for number in (7, 8, 9)] == [MINE, "", ""]


def test_who_did_not_log_in_may_write_any_key(tools: Tools) -> None:
    speaking = Speaking(tools)
    speaking.check_keys(7, [("Patient", "p1"), ("ValueSet", "v")])
    Behalf(tools.database).tell(8, MINE)
    speaking.check_keys(8, [("ValueSet", "v")])


def test_a_sender_writes_no_definitions_and_nothing_of_others(tools: Tools) -> None:
    behalf = Behalf(tools.database)
    behalf.tell(7, MINE, is_sender=True)
    behalf.tell(8, "Organization/khac", is_sender=True)
    for source, id in ((7, "mine"), (8, "theirs")):
        change = change_of({"resourceType": "Patient", "id": id})
        tools.journal.commit([replace(change, source=source)])
    speaking = Speaking(tools)
    speaking.check_keys(7, [("Patient", "mine"), ("Patient", "new")])
    speaking.check_keys(7, [])
    for key in (("Patient", "theirs"), ("ValueSet", "v")):
        with pytest.raises(OtherOrganisation):
            speaking.check_keys(7, [("Patient", "mine"), key])


def test_conditions_of_a_sender_are_answered_among_what_it_may_see(tools: Tools) -> None:
    Behalf(tools.database).tell(7, MINE, is_sender=True)
    speaking = Speaking(tools)
    assert list(speaking.finder(7).find("Patient", "identifier=1")) == ["p1"]
    assert list(speaking.finder(8).find("Patient", "identifier=1")) == ["p1"]
    asked = tools.finder
    assert isinstance(asked, Asked)
    assert [organisation for _, _, organisation in asked.asked] == [MINE, ""]


def test_what_is_remembered_has_a_bound_and_forgetting_changes_nothing(tools: Tools) -> None:
    Behalf(tools.database).tell(7, MINE, is_sender=True)
    speaking = Speaking(tools)
    assert speaking.sender(7) == MINE
    speaking._known.update({-number: ("x", False) for number in range(1, _REMEMBERED_MAX)})
    Behalf(tools.database).tell(8, MINE, is_sender=True)
    assert speaking.sender(8) == MINE
    assert len(speaking._known) == 1
    assert speaking.sender(7) == MINE


def test_a_facilitys_reference_is_opaque_and_of_one_key(tools: Tools) -> None:
    one = organisation_of(b"a" * 32, "79001")
    assert one == organisation_of(b"a" * 32, "79001") != organisation_of(b"b" * 32, "79001")
    assert "79001" not in one
    assert issubclass(OtherOrganisation, Problem)
