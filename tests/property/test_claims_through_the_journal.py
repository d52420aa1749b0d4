"""Whatever order files arrive in, every visit gives its own XML back out of the journal."""

import io
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from tests.support.intake import Node
from trucyte.database.connect import Database
from trucyte.fhir.parse import parse
from trucyte.intake.claims.provenance import read_provenance
from trucyte.intake.claims.read import VisitReader
from trucyte.intake.claims.tables import Row, Variant
from trucyte.intake.door import work_on
from trucyte.intake.limits import DEFAULT
from trucyte.intake.reading import Reading
from trucyte.synth.run import Options, files
from trucyte.vietnam.places.units import UnitsNotBuilt

Key = tuple[str, str]  # MA_CSKCB, MA_LK
Tables = dict[str, list[Row]]


@pytest.fixture
def node(database: Database, tmp_path: Path, r4_cache: bytes) -> Iterator[Node]:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    made = Node(database, tmp_path / "node", file)
    yield made
    made.close()


def synthetic(options: Options) -> list[bytes]:
    try:
        return [written.data for written in files(options)]
    except UnitsNotBuilt as problem:
        pytest.skip(str(problem))


def told_in(data: list[bytes]) -> dict[Key, Tables]:
    """What the files say of each visit, all of its tables together."""
    found: dict[Key, Tables] = {}
    for file in data:
        for piece in Reading(io.BytesIO(file)):
            visit = VisitReader(DEFAULT).read(piece)
            found.setdefault((visit.facility, visit.link), {}).update(visit.tables)
    return found


def given_back(node: Node) -> dict[Key, Tables]:
    """What the journal gives back of each visit, through the pins of its own Provenance."""
    bodies = {
        f"{line.entry.type}/{line.entry.id}/_history/{line.entry.version}": line.body
        for line in node.lines()
    }
    found: dict[Key, Tables] = {}
    for provenance in node.current("Provenance").values():
        state = read_provenance(provenance)
        assert state is not None
        references = [target["reference"] for target in provenance["target"]]
        resources = [parse(bodies[name]) for name in references if not name.startswith(PEOPLE)]
        visit = node.tools.mapping.claim(resources, lambda name: parse(bodies[name]))
        found[visit.facility, visit.link] = visit.tables
    return found


PEOPLE = ("Patient/", "Coverage/")


@pytest.mark.parametrize(
    ("variant", "seed"),
    [(Variant.D1931, 1), (Variant.D3176, 2), (Variant.D4750, 3), (Variant.D130, 4),
     (Variant.D4210, 5)],
)  # fmt: skip
def test_every_visit_comes_back_whatever_the_order_of_arrival(
    node: Node, variant: Variant, seed: int
) -> None:
    options = replace(Options(visits=60, seed=seed, per_file=4), variant=variant, sensitive=0.1)
    data = synthetic(options)
    expected = told_in(data)
    random.Random(seed).shuffle(data)  # noqa: S311 - an order, not a secret
    numbers = [
        node.receipts.receive(f"{n}.xml", "cli", [file]).number for n, file in enumerate(data)
    ]
    work_on(node.door, numbers, 0, Event())
    assert [held.reason for held in node.receipts.quarantined()] == []
    found = given_back(node)
    assert found.keys() == expected.keys()
    for key, tables in expected.items():
        assert found[key] == tables, key
    assert node.journal.compare() is None
