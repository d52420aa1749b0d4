"""What the journal accepts of terminology is laid out whole, once, and again the same."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminology import (
    ALL,
    SYSTEM,
    TREE,
    Lists,
    code_system,
    edition,
    open_lists,
    terms,
)
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.terminology.concept import make_concept, read_concepts, written
from trucyte.shared.terminology.edition import INLINE_MAX, resources_of, whole_value_set
from trucyte.shared.terminology.problems import CodeSystemUnknown, CodeUnknown, ListInvalid

TABLES = (
    "select t::text from terminology.artefact t order by 1",
    "select t::text from terminology.concept t order by 1",
)


@pytest.fixture
def lists(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Lists]:
    with open_lists(database, tmp_path, clock, definitions) as opened:
        yield opened


def rows(lists: Lists) -> list[list[Any]]:
    with lists.node.database.connection() as connection:
        return [connection.execute(table).fetchall() for table in TABLES]


def test_a_code_system_is_found_after_it_was_accepted(lists: Lists) -> None:
    with pytest.raises(CodeSystemUnknown):
        lists.terminology.lookup(SYSTEM, "A1")
    lists.put(code_system(TREE))
    assert lists.terminology.lookup(SYSTEM, "A1").concept.display == "Thương hàn"


def test_laying_out_again_gives_the_same_rows(lists: Lists) -> None:
    lists.put(code_system(TREE))
    lists.store.put([edition(terms(INLINE_MAX + 700), url="urn:x:large")])
    lists.put(code_system(TREE[:1]))
    before = rows(lists)
    assert lists.follower.rebuild() == 6  # two systems and four parts; not what was replaced
    assert rows(lists) == before


def test_a_new_version_is_answered_at_once_and_a_deleted_one_never(lists: Lists) -> None:
    lists.put(code_system(TREE))
    lists.put(code_system([{"code": "A1", "display": "Typhoid"}]))
    assert lists.terminology.lookup(SYSTEM, "A1").concept.display == "Typhoid"
    with pytest.raises(CodeUnknown):
        lists.terminology.lookup(SYSTEM, "B1")
    lists.node.delete("CodeSystem", "benh")
    lists.follower.catch_up()
    with pytest.raises(CodeSystemUnknown):
        lists.terminology.lookup(SYSTEM, "A1")


def test_catching_up_twice_changes_nothing(lists: Lists) -> None:
    lists.put(code_system(TREE))
    assert lists.follower.catch_up() == 0


def test_a_restore_lays_everything_out_anew(lists: Lists) -> None:
    lists.put(code_system(TREE))
    lists.node.journal.start_epoch()
    assert lists.follower.catch_up() == 1
    assert lists.terminology.lookup(SYSTEM, "A1").concept.display == "Thương hàn"


def test_a_large_list_is_parts_and_none_of_them_is_a_system_of_its_own(lists: Lists) -> None:
    written_ = lists.store.put([edition(terms(INLINE_MAX + 700))])
    assert written_.resources == 5
    (artefact,) = lists.library.artefacts()
    assert (artefact.concepts, artefact.content) == (INLINE_MAX + 700, "not-present")
    assert lists.terminology.lookup(SYSTEM, "X01699").concept.parents == ("X00169",)


def test_the_same_list_again_writes_nothing(lists: Lists) -> None:
    lists.store.put([edition(terms(INLINE_MAX + 700))])
    lines = lists.line_count()
    assert lists.store.put([edition(terms(INLINE_MAX + 700))]).resources == 0
    assert lists.line_count() == lines


def test_a_changed_row_writes_its_part_alone_and_ends_the_old_one(lists: Lists) -> None:
    lists.store.put([edition(terms(INLINE_MAX + 700))])
    changed = terms(INLINE_MAX + 700)
    changed[3] = make_concept("X00003", "Tên mới", parents=["X00000"])
    before = lists.line_count()
    assert lists.store.put([edition(changed)]).resources == 2
    assert lists.line_count() == before + 3  # a part, the list, and the end of the old part
    assert lists.terminology.lookup(SYSTEM, "X00003").concept.display == "Tên mới"
    assert lists.follower.rebuild() and lists.terminology.lookup(SYSTEM, "X00003")


def test_a_newer_edition_ends_the_older_the_day_before(lists: Lists) -> None:
    old = edition([make_concept("1", "Cũ")], version="a", valid_from=date(2020, 1, 1))
    new = edition([make_concept("1", "Mới")], version="b", valid_from=date(2026, 7, 1))
    lists.store.put(
        [
            old,
        ]
    )
    assert lists.store.put([new]).ended == 1
    ask = lists.terminology.lookup
    assert ask(SYSTEM, "1", date(2026, 6, 30)).concept.display == "Cũ"
    assert ask(SYSTEM, "1", date(2026, 7, 1)).concept.display == "Mới"
    ends = {one.edition: one.valid_to for one in lists.library.artefacts()}
    assert ends == {"a": date(2026, 6, 30), "b": None}


def test_an_older_edition_loaded_later_ends_where_the_newer_begins(lists: Lists) -> None:
    old = edition([make_concept("1", "Cũ")], version="a", valid_from=date(2020, 1, 1))
    new = edition([make_concept("1", "Mới")], version="b", valid_from=date(2026, 7, 1))
    lists.store.put([new])
    lists.store.put([old])
    lines = lists.line_count()
    assert lists.store.put([old]).resources == 0
    assert lists.store.put([new]).resources == 0
    assert lists.line_count() == lines
    assert lists.terminology.lookup(SYSTEM, "1", date(2021, 1, 1)).concept.display == "Cũ"


def test_an_invalid_list_writes_nothing(lists: Lists) -> None:
    good, bad = edition(terms(3), url="urn:x:good", name="good"), edition(terms(2), url="")
    lines = lists.line_count()
    with pytest.raises(ListInvalid):
        lists.store.put([good, bad])
    assert lists.line_count() == lines


def test_a_code_keeps_its_earlier_words_with_their_days() -> None:
    told = [
        make_concept("1", "Cũ", valid_to=date(2025, 6, 30), properties=[
            {"code": "price", "valueDecimal": 2}]),
        make_concept("1", "Mới", valid_from=date(2025, 7, 1), verified=True, english="New"),
    ]  # fmt: skip
    back = list(read_concepts({"concept": [written(told)]}))
    assert [(c.display, c.valid_from, c.valid_to, c.verified) for c in back] == [
        ("Cũ", None, date(2025, 6, 30), False),
        ("Mới", date(2025, 7, 1), None, True),
    ]
    assert back[0].more["property"] == [{"code": "price", "valueDecimal": 2}]


def test_what_an_edition_writes_is_valid(definitions: Definitions) -> None:
    from trucyte.fhir.validate import Validator

    parts, main = resources_of(edition(terms(INLINE_MAX + 1), valid_from=date(2026, 1, 1)))
    checker = Validator(definitions)
    for resource in [*parts, main, whole_value_set(edition(terms(1)), ALL)]:
        assert checker.check(resource) == []


def test_a_problem_here_has_words_in_both_languages() -> None:
    from trucyte.base.wording import wording
    from trucyte.shared.terminology import problems

    classes = [
        one for one in vars(problems).values()
        if isinstance(one, type) and issubclass(one, Problem) and one is not Problem
    ]  # fmt: skip
    for one in classes:
        facts = dict.fromkeys(
            ("system", "url", "property", "op", "reason", "most", "what", "faults", "rows",
             "issue", "path"), "x",
        )  # fmt: skip
        assert wording(one(**facts), "vi") != wording(one(**facts), "en")


def test_an_edition_without_a_first_day_replaces_the_one_before(lists: Lists) -> None:
    lists.store.put([edition([make_concept("1", "Cũ")], version="2026.1")])
    lists.store.put([edition([make_concept("2", "Mới")], version="2026.2")])
    assert [one.edition for one in lists.library.artefacts()] == ["2026.2"]
    with pytest.raises(CodeUnknown):
        lists.terminology.lookup(SYSTEM, "1")
