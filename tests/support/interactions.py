"""The write side of the API over a node of one test."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.records import KEY, Node, open_node
from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.validate import Validator
from trucyte.intake.interactions import Answered, Interactions, Reads, Written
from trucyte.intake.interactions.settings import WriteSettings
from trucyte.records import Access, Hasher, person_reference

MRN = "http://example.org/sid/mrn"


class NoReads:
    """Answers every read of a bundle with what was asked."""

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
        return Answered(200, json.dumps({"asked": url}).encode())


@dataclass
class Writing:
    """A node, and the interactions over it."""

    node: Node
    interactions: Interactions
    access: Access

    def create(self, resource: dict, condition: str = "", access: Access | None = None) -> Written:
        return self.interactions.create(
            access or self.access, resource["resourceType"], encoded(resource),
            if_none_exist=condition,
        )  # fmt: skip

    def update(self, resource: dict, **more: Any) -> Written:
        kind, id_ = resource["resourceType"], resource["id"]
        return self.interactions.update(self.access, kind, id_, encoded(resource), **more)

    def bundle(self, kind: str, *entries: dict, reads: Reads | None = None):
        body = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
        return self.interactions.bundle(self.access, encoded(body), reads or NoReads())

    def read(self, type: str, id: str) -> dict:
        return json.loads(self.node.records.read(self.access, type, id).body)

    def ids(self, type: str, *pairs: tuple[str, str]) -> list[str]:
        return self.node.search(type, *pairs)


def encoded(resource: Mapping[str, Any]) -> bytes:
    return json.dumps(resource, ensure_ascii=False).encode()


def entry(method: str, url: str, resource: dict | None = None, **more: str) -> dict:
    """An entry of a bundle; `full_url`, and the rest into its request."""
    found: dict[str, Any] = {"request": {"method": method, "url": url}}
    if "full_url" in more:
        found["fullUrl"] = more.pop("full_url")
    found["request"].update(more)
    if resource is not None:
        found["resource"] = resource
    return found


def a_patient(number: str = "1", **more: Any) -> dict:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": MRN, "value": number}],
        "name": [{"family": "Thử", "given": ["Văn"]}],
        **more,
    }


def an_observation(subject: str, **more: Any) -> dict:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Đường huyết"},
        "subject": {"reference": subject},
        **more,
    }


def interactions_over(
    node: Node, definitions: Definitions, clock: Clock, settings: WriteSettings | None = None
) -> Interactions:
    return Interactions(
        node.journal,
        node.records,
        Validator(definitions),
        person=Hasher(KEY).person,
        person_of=person_reference,
        clock=clock,
        paths=Paths(definitions),
        settings=settings,
    )


@contextmanager
def open_writing(
    database: Database,
    folder: Path,
    clock: Any,
    definitions: Definitions,
    settings: WriteSettings | None = None,
) -> Iterator[Writing]:
    with open_node(database, folder, clock, definitions) as node:
        yield Writing(node, interactions_over(node, definitions, clock, settings), node.full)
