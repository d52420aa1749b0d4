"""Bundles to send, a node that takes them, and what it holds then."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.records import KEY, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.validate import Validator
from trucyte.intake.interactions import Answered, BundleDone, Interactions
from trucyte.intake.interactions.settings import WriteSettings
from trucyte.records import Hasher, person_reference


class RecordsReads:
    """Answers GET entries by id from the records; remembers what was asked."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.asked: list[str] = []

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
        self.asked.append(url)
        type_name, _, id_ = url.partition("/")
        found = self._node.records.read(self._node.full, type_name, id_)
        return Answered(200, found.body, f'W/"{found.version}"', found.last_updated)


class Sender:
    """Sends bundles to a node and looks at what it holds."""

    def __init__(self, node: Node, definitions: Definitions, **settings: Any) -> None:
        self.node = node
        self.reads = RecordsReads(node)
        self.interactions = Interactions(
            node.journal,
            node.records,
            Validator(definitions),
            person=Hasher(KEY).person,
            person_of=person_reference,
            clock=node.clock,
            paths=Paths(definitions),
            settings=WriteSettings(**settings),
        )

    def send(self, *entries: Mapping[str, Any], type: str = "transaction") -> BundleDone:
        return self.interactions.bundle(self.node.full, bundle(type, entries), self.reads)

    def current(self, type_name: str) -> dict[str, dict[str, Any]]:
        """What is current of a type, by id."""
        found = {line.entry.id: line for line in self.lines(type_name)}
        return {id_: json.loads(line.body) for id_, line in found.items() if line.body}

    def lines(self, *types: str) -> Sequence[Any]:
        return self.node.journal.follow(0, 100_000, types or None)


@contextmanager
def open_sender(
    database: Database,
    folder: Path,
    clock: FixedClock,
    definitions: Definitions,
    **settings: Any,
) -> Iterator[Sender]:
    """Open a node that takes bundles, and close it."""
    with open_node(database, folder, clock, definitions) as node:
        yield Sender(node, definitions, **settings)


def bundle(type: str, entries: Sequence[Mapping[str, Any]]) -> bytes:
    written = {"resourceType": "Bundle", "type": type, "entry": list(entries)}
    return json.dumps(written, ensure_ascii=False).encode()


def post(resource: Mapping[str, Any], url: str = "", **request: str) -> dict[str, Any]:
    """An entry that creates; `url` is its fullUrl."""
    asked = {"method": "POST", "url": resource["resourceType"], **request}
    return {**({"fullUrl": url} if url else {}), "resource": resource, "request": asked}


def put(
    resource: Mapping[str, Any], query: str = "", url: str = "", **request: str
) -> dict[str, Any]:
    """An entry that updates, by a condition where there is one."""
    target = f"?{query}" if query else f"/{resource['id']}"
    asked = {"method": "PUT", "url": resource["resourceType"] + target, **request}
    return {**({"fullUrl": url} if url else {}), "resource": resource, "request": asked}


def ask(method: str, url: str, **request: str) -> dict[str, Any]:
    """An entry without a resource: DELETE or GET."""
    return {"request": {"method": method, "url": url, **request}}


def patch(url: str, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """An entry that patches by JSON Patch, carried in a Binary as R4 3.1.0.8 says."""
    data = base64.b64encode(json.dumps(steps).encode()).decode()
    kept = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    return {"resource": kept, "request": {"method": "PATCH", "url": url}}


def patient(id: str = "", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id} if id else {}), **more}


def coded(value: str, id: str = "", **more: Any) -> dict[str, Any]:
    """A patient with an identifier to search by."""
    return patient(id, identifier=[{"system": "urn:so", "value": value}], **more)


def observation(subject: str, id: str = "", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        **({"id": id} if id else {}),
        "status": "final",
        "code": {"text": "cân nặng"},
        "subject": {"reference": subject},
        **more,
    }
