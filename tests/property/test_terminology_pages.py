"""Pages of an expansion are the whole expansion, for any page size and any filter."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.terminology import ALL, SYSTEM, Lists, code_system, open_lists, value_set
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

WORDS = ["sốt", "sot", "rét", "thận", "viêm", "gan"]


@pytest.fixture
def lists(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Lists]:
    with open_lists(database, tmp_path, clock, definitions) as opened:
        concepts = [
            {"code": f"{n:03d}", "display": f"{WORDS[n % 6]} {WORDS[n % 5]}"} for n in range(97)
        ]
        opened.put(code_system(concepts), value_set({"include": [{"system": SYSTEM}]}))
        yield opened


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(1, 120), st.none() | st.sampled_from(["sot", "than", "gan viem", "0"]))
def test_pages_make_the_whole(lists: Lists, count: int, text: str | None) -> None:
    whole = lists.terminology.expand(ALL, text)
    found: list[str] = []
    while True:
        page = lists.terminology.expand(ALL, text, len(found), count)
        assert page.total == whole.total
        if not page.nodes:
            break
        found += [node.member.code for node in page.nodes]
    assert found == [node.member.code for node in whole.nodes]
