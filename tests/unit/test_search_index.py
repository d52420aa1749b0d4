"""The index itself: what it holds, what it gives again, what it does not trust."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.records import KEY, RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.hashing import keyed_hash64
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.journal.change import Change, Operation
from trucyte.journal.rebuild import compare, rebuild
from trucyte.records import Hasher, SearchIndex, person_key, person_reference
from trucyte.records.hashing import parameter_number
from trucyte.records.mains import MAIN_DATES, MAIN_QUANTITIES

_ROWS = "select to_json(t)::text from {} t"
_LOSE = "delete from records.{} where ctid = (select min(ctid) from records.{})"
_COUNT = "select count(*) from records.{}"


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def observation(id: str, code: str = "a", **more: object) -> dict:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "urn:c", "code": code, "display": f"Mã {code}"}]},
        "component": [
            {"code": {"coding": [{"code": "x"}]}, "valueQuantity": {"value": 5, "unit": "mg"}}
        ],
        "valueString": f"kết quả {code}",
        **more,
    }


def dump(node: Node) -> dict[str, list[str]]:
    with node.database.connection() as connection:
        return {
            table: sorted(row[0] for row in connection.execute(_ROWS.format(table)).fetchall())
            for table in node.index.tables
        }


def silent(done: int, total: int) -> None:
    """No progress bar."""


@pytest.mark.parametrize("seed", range(4))
def test_replaying_the_journal_gives_the_same_rows(node: Node, seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311 - repeatable, not secret
    alive: set[str] = set()
    for _ in range(40):
        name = f"o{pick.randrange(12)}"
        if name in alive and pick.random() < 0.3:
            node.delete("Observation", name)
            alive.discard(name)
            continue
        meta = RESTRICTED if pick.random() < 0.2 else {}
        node.put(observation(name, pick.choice("abc"), meta=meta))
        alive.add(name)
        if pick.random() < 0.2:
            node.index.sweep(node.database, node.clock.now())
    before = dump(node)
    assert len(before["records.entry"]) == len(alive)
    parts = (node.database, [node.index], node.journal.codec, silent)
    assert compare(*parts) is None
    assert rebuild(*parts) > 0
    assert dump(node) == before
    assert sorted(node.search("Observation")) == sorted(alive)


@pytest.mark.parametrize("table", ["date", "quantity", "text", "phrase", "entry"])
def test_a_comparison_finds_a_row_that_is_lost(node: Node, table: str) -> None:
    dated = {"resourceType": "Condition", "id": "c", "recordedDate": "2024-02-29"}
    node.put(observation("o"), observation("p", "b"), dated)
    with node.database.connection() as connection:
        connection.execute(_LOSE.format(table, table))
    found = compare(node.database, [node.index], node.journal.codec, silent)
    assert found is not None
    assert table in found.table


def test_versions_in_one_unit_leave_one_row(node: Node) -> None:
    node.put(observation("o", "a"))
    node.put(observation("o", "b"), observation("o", "c"), observation("p", "a"))
    assert node.search("Observation", ("code", "a")) == ["p"]
    assert node.search("Observation", ("code", "b")) == []
    assert node.search("Observation", ("code", "c")) == ["o"]


def test_a_deleted_resource_leaves_nothing(node: Node) -> None:
    node.put(observation("o"))
    node.put(observation("o", "b"))
    node.delete("Observation", "o")
    node.index.sweep_phrases(node.database)
    with node.database.connection() as connection:
        for table in ("entry", "ended", "phrase"):
            count = connection.execute(_COUNT.format(table)).fetchone()
            assert count == (0,), table
    node.put(observation("o", "c"))
    assert node.search("Observation", ("code", "c")) == ["o"]


def tiny(key: bytes, data: bytes) -> int:
    """A hash of three bits: almost everything collides."""
    return keyed_hash64(key, data) & 7


def test_hashes_that_collide_are_found_out(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_node(database, tmp_path, clock, definitions, Hasher(KEY, hash64=tiny)) as node:
        codes = [f"c{number}" for number in range(40)]
        node.put(
            *(observation(code, code, subject={"reference": f"Patient/{code}"}) for code in codes)
        )
        node.put(
            *(
                {
                    "resourceType": "Patient",
                    "id": code,
                    "identifier": [{"system": "urn:x", "value": code}],
                }
                for code in codes
            )
        )
        # Codes are trusted, so it shows; what names somebody is looked at again.
        assert node.total("Observation", ("code", "c1")) > 1, "the hash was meant to collide"
        for code in codes[:10]:
            of_one = ("subject", f"Patient/{code}")
            assert node.search("Observation", of_one, ("_count", "3")) == [code]
            assert node.search("Patient", ("identifier", f"urn:x|{code}")) == [code]
            assert node.search("Patient", ("identifier", f"urn:y|{code}")) == []
            assert node.search("Patient", ("_id", code)) == [code]
            # Codes are trusted as counts trust them; under the real hash none collide.
            assert code in node.search("Observation", ("code", code), ("_count", "50"))
            node.put(observation(code, "other"))
        assert len(node.search("Observation")) == 40


def test_a_text_of_any_length_is_accepted_and_found_by_its_beginning(node: Node) -> None:
    long = "Đau đầu " + "ấ" * 5000
    node.put(observation("o", valueString=long))
    assert node.search("Observation", ("value-string", "dau dau aaa")) == ["o"]
    assert node.search("Observation", ("value-string", long)) == ["o"]
    assert node.search("Observation", ("value-string:exact", long)) == ["o"]


def test_the_key_of_a_node_makes_its_tokens(definitions: Definitions) -> None:
    body = json.dumps(observation("o")).encode()
    change = Change("Observation", "o", Operation.CREATE, body, -1, 0)
    one, other = (
        SearchIndex(Extractor(definitions), Hasher(key)).prepare(change) for key in (b"one", b"two")
    )
    assert one.row.reference != other.row.reference
    assert one.row.body != other.row.body


def test_main_values_have_at_most_one_value_each(definitions: Definitions) -> None:
    extractor = Extractor(definitions)
    for mains, kind in ((MAIN_DATES, "date"), (MAIN_QUANTITIES, "quantity")):
        for type_name, code in mains.items():
            parameter = {p.code: p for p in extractor.parameters(type_name)}[code]
            assert parameter.type == kind
            assert parameter.stored, (type_name, code)
            for path in parameter.paths:
                element = definitions.types[type_name].elements[path[1].name]
                assert not element.is_array, (type_name, code)


def test_parameters_have_numbers_of_their_own(definitions: Definitions) -> None:
    extractor = Extractor(definitions)
    names = [(t, p.code) for t in RESOURCE_TYPES for p in extractor.parameters(t)]
    assert len({parameter_number(*name) for name in names}) == len(names) > 1500


PERSONS = [
    ({"resourceType": "Patient", "id": "1"}, "Patient/1"),
    ({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}, "Patient/1"),
    ({"resourceType": "Observation", "subject": {"reference": "Patient/1/_history/2"}},
     "Patient/1"),
    ({"resourceType": "Observation", "subject": {"reference": "Group/1"}}, None),
    ({"resourceType": "Coverage", "beneficiary": {"reference": "Patient/1"}}, "Patient/1"),
    ({"resourceType": "Claim", "patient": {"reference": "Patient/1"}}, "Patient/1"),
    ({"resourceType": "Appointment", "participant": [{"actor": {"reference": "Location/1"}},
      {"actor": {"reference": "Patient/1"}}]}, "Patient/1"),
    ({"resourceType": "Provenance", "target": [{"reference": "Patient/1"}]}, "Patient/1"),
    ({"resourceType": "Organization", "id": "1"}, None),
    ({"resourceType": "Observation", "subject": {"reference": "https://x/Patient/1"}}, None),
    ({"resourceType": "Observation", "subject": {"display": "Patient/1"}}, None),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "expected"), PERSONS)
def test_a_resource_belongs_to_the_record_of(resource: dict, expected: str | None) -> None:
    assert person_reference(resource) == expected


def test_a_person_key_is_the_same_for_all_of_a_persons_resources_and_keyed() -> None:
    assert person_key(KEY, "Patient/1") == person_key(KEY, "Patient/1")
    assert person_key(KEY, "Patient/1") != person_key(KEY, "Patient/2")
    assert person_key(KEY, "Patient/1") != person_key(b"other", "Patient/1")
    assert -(1 << 63) <= person_key(KEY, "Patient/1") < 1 << 63
