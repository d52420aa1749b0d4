"""Pages in an order that bodies tell go on where they were, though the last row is gone."""

from types import SimpleNamespace
from typing import Any

import pytest

from trucyte.records.results.by_body import ordered
from trucyte.records.results.finding import Row
from trucyte.records.results.order import Order, Placed
from trucyte.records.search.page_token import PageState

UP, DOWN = Placed("", "", is_descending=False), Placed("", "", is_descending=True)
HELD = (("a", 1), ("b", 5), ("b", 2), (None, 4), ("c", 6), (None, 0))


def row(key: str | None, seq: int) -> Row:
    kept: Any = SimpleNamespace(line=SimpleNamespace(entry=SimpleNamespace(seq=seq), body=b""))
    return Row((key,), kept)


def page(order: Order, key: str | None, seq: int) -> list[int]:
    state = PageState("Patient", (), (), 9, 1, seq, (key,), 0)
    extractor: Any = None  # bodies are gone: their keys are those they had
    found = ordered([row(*one) for one in HELD], [], order, extractor, state)
    return [one.seq for one in found]


@pytest.mark.parametrize(
    ("placed", "tie_is_descending", "key", "seq", "wanted"),
    [
        (UP, True, "a", 1, [5, 2, 6, 4, 0]),  # it is still there
        (UP, True, "a", 7, [1, 5, 2, 6, 4, 0]),  # gone: those of its key that come behind it
        (UP, True, "b", 3, [2, 6, 4, 0]),
        (UP, False, "b", 3, [5, 6, 0, 4]),
        (DOWN, True, "b", 3, [2, 1, 4, 0]),
        (DOWN, True, "bb", 9, [5, 2, 1, 4, 0]),
        (UP, True, None, 9, [4, 0]),  # of those without a value, and behind all that have one
        (UP, True, "z", 9, [4, 0]),
    ],
)
def test_a_page_goes_on_behind_a_row_that_is_gone(
    placed: Placed, tie_is_descending: bool, key: str | None, seq: int, wanted: list[int]
) -> None:
    assert page(Order((placed,), tie_is_descending), key, seq) == wanted
