"""A visit that is decided again is counted whole, and brings again what was not written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.claims_files import visit
from tests.support.intake import Node
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.intake.claims.accept import ClaimsAcceptor
from trucyte.intake.piece import Envelope, Form, Piece
from trucyte.journal.change import VersionConflict


class Refused(Problem):
    """Nothing is written."""

    code = "refused"


def accepted(node: Node, first: Sequence[Problem | None], monkeypatch: pytest.MonkeyPatch) -> int:
    """Accept one visit; the units of the first commit are written, or fail as `first` says."""
    tools = node.build()
    real, left = tools.journal.commit_many, [first]

    def commit_many(units: Sequence[Any]) -> list[Any]:
        if not left:
            return list(real(units))
        failing = left.pop()
        problems = [*failing, *[None] * (len(units) - len(failing) - 1), VersionConflict()]
        written = iter(real([u for u, p in zip(units, problems, strict=True) if p is None]))
        return [problem or next(written) for problem in problems]

    monkeypatch.setattr(tools.journal, "commit_many", commit_many)
    acceptor = ClaimsAcceptor(tools)
    piece = Piece(1, Form.HOSO, visit(1).encode(), Envelope(facility="00001"))
    ((_, result),) = acceptor.accept([(1, piece)])
    tools.journal.close()
    return result.resources


@pytest.fixture
def node(database: Database, tmp_path: Path, r4_cache: bytes) -> Any:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    made = Node(database, tmp_path / "node", file)
    yield made
    made.close()


@pytest.mark.parametrize("first", [(), (Refused(),)], ids=["conflict", "refused"])
def test_every_line_is_counted_and_none_is_missing(
    node: Node, first: Sequence[Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = accepted(node, first, monkeypatch)
    assert count == len(node.lines())
    assert node.current("Organization")
