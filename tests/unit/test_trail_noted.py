"""Commits of the trail are told of, each journal under its own name."""

from functools import partial
from pathlib import Path

import msgspec

from trucyte.base.settings import Settings
from trucyte.database.connect import Database
from trucyte.node.wiring import join_node
from trucyte.shared.access.local import system_access


def test_figures_of_the_trail_are_its_own(database: Database, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    settings = msgspec.structs.replace(
        settings, database=msgspec.structs.replace(settings.database, url=database.url)
    )
    told: list[tuple[str, int]] = []

    def noted(journal: str, units: int, lines: int, seconds: float) -> None:
        told.append((journal, lines))

    with join_node(settings, noted=lambda journal: partial(noted, journal)) as node:
        node.trail.shown(system_access("test"), (), "read Patient")
    assert told == [("audit", 1)]
