"""Pages that do not shift: whatever is written between two of them."""

import base64
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.records import RESTRICTED, Node, body, ids, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def observation(id: str, day: int | None = 1, **more: object) -> dict:
    made = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "urn:c", "code": "hb"}]},
        "component": [{"code": {"coding": [{"code": "x"}]}, "valueQuantity": {"value": 5}}],
        "note": [{"text": "first"}],
        "subject": {"reference": f"Patient/{id[-1]}"},
        "identifier": [{"value": f"n{id[-1]}"}],
        "valueString": f"v{id[-1]}",
    }
    if day is not None:
        made["effectiveDateTime"] = f"2024-03-{day:02d}"
    return made | more


SEARCHES: list[list[tuple[str, str]]] = [
    [],
    [("code", "hb")],
    [("code", "urn:c|hb"), ("status", "final")],
    [("_sort", "date")],
    [("_sort", "-date"), ("code", "hb")],
    [("_sort", "_lastUpdated"), ("status", "final")],
    [("component-value-quantity", "5")],
    [("date", "ge2024-03-01"), ("code", "hb")],
    [("_sort", "_id"), ("code", "hb")],
    [("_sort", "-_id")],
    [("_sort", "status,-date"), ("code", "hb")],
    [("_sort", "-status")],
    [("_sort", "value-quantity,date")],
    [("_sort", "-component-value-quantity")],
    [("_sort", "subject"), ("code", "hb")],
    [("_sort", "-identifier,date")],
    [("_sort", "value-string")],
]


@pytest.mark.parametrize("query", SEARCHES, ids=lambda q: "&".join("=".join(p) for p in q) or "all")
@pytest.mark.parametrize("seed", range(3))
def test_pages_neither_lose_nor_double_while_others_write(
    node: Node, query: list[tuple[str, str]], seed: int
) -> None:
    pick = random.Random(seed)  # noqa: S311 - repeatable, not secret
    dated = any(name == "date" for name, _ in query)
    names = [f"o{n}" for n in range(24)]
    for name in names:
        node.put(observation(name, pick.choice([1, 2, 3] if dated else [1, 2, 3, None])))
    page = node.records.search(node.full, "Observation", [*query, ("_count", "4")])
    found = ids(page)
    gone: set[str] = set()
    while page.next is not None:
        node.put(observation(f"new{len(found)}-{seed}"))
        for name in pick.sample(names, 4):
            changed = observation(name, 9, status="amended", note=[{"text": "second"}])
            node.put(changed) if name not in gone else None
        ended = pick.choice(names)
        if ended not in found and ended not in gone:
            node.delete("Observation", ended)
            gone.add(ended)
        page = node.records.next_page(node.full, page.next)
        assert all(body(entry)["note"] == [{"text": "first"}] for entry in page.entries)
        found += ids(page)
    assert len(found) == len(set(found))
    assert set(found) == set(names) - gone


def test_a_page_begun_before_a_label_does_not_show_what_it_hides(node: Node) -> None:
    for number in range(6):
        node.put(observation(f"o{number}"))
    page = node.records.search(node.plain, "Observation", [("_count", "2")])
    node.put(observation("o1", status="amended"))
    node.put(observation("o1", meta=RESTRICTED), observation("o2", meta=RESTRICTED))
    found = []
    while page.next:
        page = node.records.next_page(node.plain, page.next)
        found += ids(page)
    assert found == ["o3", "o0"]


def test_a_token_of_another_caller_shows_no_more_than_that_caller_may_see(node: Node) -> None:
    for number in range(6):
        node.put(observation(f"o{number}", meta=RESTRICTED if number < 4 else {}))
    page = node.records.search(node.full, "Observation", [("_count", "1")])
    assert page.next is not None
    assert ids(node.records.next_page(node.plain, page.next)) == ["o4"]
    assert node.records.next_page(node.plain, page.next).next is None


def test_a_token_says_nothing_and_cannot_be_made(node: Node) -> None:
    node.put(*(observation(f"o{number}") for number in range(4)))
    search = [("code", "hb"), ("_count", "1")]
    token = node.records.search(node.full, "Observation", search).next
    assert token is not None
    raw = base64.urlsafe_b64decode(token + "==")
    assert b"hb" not in raw
    assert b"Observation" not in raw
    assert node.records.search(node.full, "Observation", search).next != token
    forged = [
        "",
        "x",
        token[:-4],
        token + "AAAA",
        ("B" if token[0] == "A" else "A") + token[1:],
        token[:30] + ("B" if token[30] == "A" else "A") + token[31:],
        "đ" * 20,
        "A" * 4000,
    ]
    for text in forged:
        with pytest.raises(Problem) as raised:
            node.records.next_page(node.full, text)
        assert raised.value.kind is Kind.BAD_INPUT
    assert len(node.records.next_page(node.full, token).entries) == 1


def test_a_token_ends_with_the_rows_it_would_need(node: Node) -> None:
    node.put(*(observation(f"o{number}") for number in range(4)))
    token = node.records.search(node.full, "Observation", [("_count", "1")]).next
    assert token is not None
    node.put(observation("o1", status="amended"))
    late = node.records.search(node.full, "Observation", [("_count", "1")]).next
    assert late is not None
    assert node.index.sweep(node.database, node.clock.now()) == 0
    node.clock.advance(timedelta(hours=1))
    assert node.index.sweep(node.database, node.clock.now()) == 1
    with pytest.raises(Problem) as raised:
        node.records.next_page(node.full, token)
    assert raised.value.kind is Kind.GONE
    assert len(node.records.next_page(node.full, late).entries) == 1
    with node.database.connection() as connection:
        left = connection.execute("select count(*) from records.quantity").fetchone()
    assert left == (4,)


def test_a_token_of_another_epoch_has_expired(node: Node) -> None:
    node.put(*(observation(f"o{number}") for number in range(4)))
    token = node.records.search(node.full, "Observation", [("_count", "1")]).next
    assert token is not None
    node.journal.start_epoch()
    with pytest.raises(Problem) as raised:
        node.records.next_page(node.full, token)
    assert raised.value.kind is Kind.GONE


def test_what_was_replaced_before_the_first_page_is_on_none(node: Node) -> None:
    node.put(*(observation(f"o{number}") for number in range(4)))
    node.put(observation("o1", status="amended"))
    assert node.search("Observation", ("_count", "1")) == ["o1", "o3", "o2", "o0"]
