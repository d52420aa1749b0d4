"""A node with a journal, for what its users see."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.support.intake import Node
from tests.support.staff import House, empty, open_house
from trucyte.base.clock import FixedClock
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


@pytest.fixture(scope="module")
def staff_database(server_url: str, migrated_template: str) -> Iterator[Database]:
    """A database for the accounts of one file's tests, emptied of them by `bare_house`."""
    with fresh_database(server_url, template=migrated_template) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def staff_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("staff")


@pytest.fixture
def bare_house(staff_database: Database, staff_folder: Path, clock: FixedClock) -> Iterator[House]:
    """A node's pages over invented people, without any account."""
    empty(staff_database)
    with open_house(staff_database, staff_folder, clock) as house:
        yield house
