"""The life of a visit: each sentence of "Identity of rows" is a test."""

import os
from pathlib import Path

import pytest

from tests.claims_files import envelope, file, hoso, medicines, summary, visit
from tests.support.intake import Node

SAMPLES = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites")).parent / "reference/samples"


def test_the_second_sample_adds_its_source_and_nothing_else(node: Node) -> None:
    if not SAMPLES.exists():
        pytest.skip(f"no samples at {SAMPLES}")
    second, first = (
        path.read_bytes() for path in sorted(SAMPLES.glob("synthetic-giamdinhhs*.xml"))
    )
    sent = node.send(first)
    assert (sent.visits, sent.errors, sent.quarantined) == (1, 0, 0)
    assert sent.resources > 10
    before = node.journal.tail()
    again = node.send(second)
    assert node.outcomes(again) == ["unchanged"]
    assert node.journal.tail() == before
    assert node.send(first) == sent
    assert node.journal.tail() == before
