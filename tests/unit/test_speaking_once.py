"""For whom a file speaks is asked once a batch, however many lines it has."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from trucyte.intake.speaking import Speaking
from trucyte.intake.tools import Tools
from trucyte.journal.behalf import Behalf


def test_a_batch_asks_once_and_the_next_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[tuple[str, bool] | None] = [None, ("Organization/a", True)]
    asked: list[int] = []

    def of(self: Any, source: int) -> tuple[str, bool] | None:
        asked.append(source)
        return answers[len(asked) - 1]

    monkeypatch.setattr(Behalf, "of", of)
    speaking = Speaking(cast(Tools, SimpleNamespace(database=None)))
    speaking.begin()
    assert [speaking.sender(7) for _ in range(3)] == ["", "", ""]
    assert asked == [7]
    speaking.begin()
    assert [speaking.sender(7) for _ in range(3)] == ["Organization/a"] * 3
    assert asked == [7, 7]
