"""A small node with its terminology, and made lists to fill it with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import records
from tests.support.records import KEY
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.records import Hasher
from trucyte.shared.terminology.concept import Concept, make_concept
from trucyte.shared.terminology.edition import Edition
from trucyte.shared.terminology.follower import Follower
from trucyte.shared.terminology.library import Library
from trucyte.shared.terminology.names import OPERATOR
from trucyte.shared.terminology.service import FhirTerminology, Terminology
from trucyte.shared.terminology.store import Store

SYSTEM = "https://example.org/CodeSystem/benh"
ALL = "https://example.org/ValueSet/benh"


@dataclass
class Lists:
    """The parts of a node that lists need, and short ways to use them."""

    node: records.Node
    follower: Follower
    library: Library
    store: Store
    terminology: Terminology

    def put(self, *resources: dict[str, Any]) -> None:
        """Accept resources as they come, and lay them out."""
        self.node.put(*resources)
        self.follower.catch_up()

    @property
    def path(self) -> FhirTerminology:
        return FhirTerminology(self.terminology)

    def line_count(self) -> int:
        return self.node.journal.tail()


@contextmanager
def open_lists(
    database: Database, folder: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Lists]:
    """Open a node with its terminology, and close it."""
    with records.open_node(database, folder, clock, definitions) as node:
        follower = Follower(database, node.journal)
        library = Library(database, node.records, node.full, definitions, fresh_seconds=0.0)
        checker = Validator(definitions)
        store = Store(node.journal, library, follower, checker, Hasher(KEY).person)
        yield Lists(node, follower, library, store, Terminology(database, library, clock))


def code_system(concepts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a CodeSystem of made diseases."""
    return {
        "resourceType": "CodeSystem",
        "id": "benh",
        "url": SYSTEM,
        "version": "1",
        "name": "Benh",
        "title": "Bệnh",
        "status": "active",
        "content": "complete",
        "concept": concepts,
        **more,
    }


def value_set(compose: dict[str, Any], name: str = "benh", **more: Any) -> dict[str, Any]:
    """Return a ValueSet."""
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"https://example.org/ValueSet/{name}",
        "status": "active",
        "compose": compose,
        **more,
    }


# Two trees and a leaf with two parents.
TREE = [
    {
        "code": "A",
        "display": "Bệnh truyền nhiễm",
        "concept": [
            {"code": "A1", "display": "Thương hàn", "property": [
                {"code": "weight", "valueInteger": 3}]},
            {"code": "A2", "display": "Sốt rét", "concept": [
                {"code": "A2.1", "display": "Sốt rét thể não"}]},
        ],
    },
    {
        "code": "B",
        "display": "Bệnh của thận",
        "concept": [
            {"code": "B1", "display": "Sỏi thận", "designation": [
                {"language": "en", "value": "Kidney stone"}]},
            {"code": "B2", "display": "Viêm thận do sốt rét", "property": [
                {"code": "parent", "valueCode": "A2"},
                {"code": "weight", "valueInteger": 5},
                {"code": "chronic", "valueBoolean": True}]},
        ],
    },
]  # fmt: skip


def terms(count: int, word: str = "Bệnh số") -> list[Concept]:
    """Return made concepts in a tree of ten branches."""
    return [
        make_concept(
            f"X{number:05d}",
            f"{word} {number}",
            english=f"Disease {number}",
            parents=[f"X{number // 10:05d}"] if number else [],
            verified=True,
        )
        for number in range(count)
    ]


def edition(concepts: list[Concept], name: str = "thu", **more: Any) -> Edition:
    """Return an edition of an operator's list."""
    told: dict[str, Any] = {
        "url": SYSTEM, "version": "1", "title": "Thử", "keeper": OPERATOR, **more
    }  # fmt: skip
    return Edition(name=name, concepts=concepts, **told)
