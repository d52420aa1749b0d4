"""A node with a journal, for what its users see."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.intake import Node
from trucyte.database.connect import Database


@pytest.fixture(scope="session")
def definitions_file(r4_cache: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled definitions as a file that worker processes can read."""
    file = tmp_path_factory.mktemp("definitions") / "r4.definitions"
    file.write_bytes(r4_cache)
    return file


@pytest.fixture
def node(database: Database, tmp_path: Path, definitions_file: Path) -> Iterator[Node]:
    made = Node(database, tmp_path, definitions_file)
    yield made
    made.close()
