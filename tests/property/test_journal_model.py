"""Any sequence of units gives what the simplest model in memory gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.journal import a_change, make_tables, open_journal
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal

CHANGES = st.builds(
    a_change,
    st.sampled_from("abc"),
    st.sampled_from(Operation),
    type=st.sampled_from(["Patient", "Observation"]),
    expected=st.one_of(st.none(), st.integers(0, 4)),
    value=st.integers(),
    origin=st.sampled_from([0, 0, 5]),
)
UNITS = st.lists(st.lists(CHANGES, max_size=5), max_size=8)

Key = tuple[int, str, str]


@dataclass
class Model:
    """The journal as a list."""

    lines: list[tuple[Key, int, Operation, bytes]] = field(default_factory=list)

    def version(self, key: Key) -> int:
        return max((line[1] for line in self.lines if line[0] == key), default=0)

    def commit(self, unit: list[Change]) -> bool:
        kept = list(self.lines)
        for change in unit:
            key = (change.origin, change.type, change.id)
            version = self.version(key)
            if change.expected not in (None, version):
                self.lines = kept
                return False
            self.lines.append((key, version + 1, change.operation, change.body))
        return True


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    """One journal for all examples, emptied before each: a database each would take hours."""
    journal = open_journal(database, tmp_path, clock)
    yield journal
    journal.close()


def emptied(database: Database) -> None:
    with database.connection() as connection:
        connection.execute("drop schema journal cascade")
    make_tables(database)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(UNITS, max_size=3))
def test_the_journal_does_what_the_model_does(
    journal: Journal, calls: list[list[list[Change]]]
) -> None:
    emptied(journal.database)
    journal.close()
    model = Model()
    for units in calls:
        outcomes = journal.commit_many(units)
        for unit, outcome in zip(units, outcomes, strict=True):
            after = len(model.lines)
            assert model.commit(unit) is not isinstance(outcome, Problem)
            if isinstance(outcome, list):
                assert [line.seq for line in outcome] == list(
                    range(after + 1, len(model.lines) + 1)
                )
    stored = journal.follow(0)
    assert [
        (
            (line.entry.origin, line.entry.type, line.entry.id),
            line.entry.version,
            line.entry.operation,
            line.body,
        )
        for line in stored
    ] == model.lines
    keys = {line[0] for line in model.lines}
    heads = journal.head(keys)
    assert {key: head.version for key, head in heads.items()} == {
        key: model.version(key) for key in keys
    }
    for key in keys:
        versions = [entry.entry.version for entry in journal.history(*key)]
        assert versions == list(range(model.version(key), 0, -1))
    assert journal.verify().is_sound
