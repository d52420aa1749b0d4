"""The FHIR API over a node of one test, and short ways to ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.asgi import Reply, ask
from tests.support.records import KEY, Node
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.validate import Validator
from trucyte.intake.interactions import Interactions
from trucyte.intake.keeping.api_originals import ApiOriginals
from trucyte.records import Access, Hasher, person_reference
from trucyte.web.api.capability import InForce
from trucyte.web.api.fhir import ApiParts, FhirApi

JSON = "application/fhir+json"
XML = "application/fhir+xml"


class Untold:
    """A trail for tests that are not about it: reads keep the recorder they have."""

    entered = None

    @contextmanager
    def request(self, reason: str, *, door: str, waits: bool) -> Iterator["Untold"]:
        yield self

    def of(self, access: Access) -> Access:
        return access


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one application."""

    api: FhirApi

    def __call__(self, method: str, target: str, body: bytes = b"", **headers: str) -> Reply:
        """Send one request; header names with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body and "content-type" not in named:
            named["content-type"] = JSON
        return ask(self.api, method, target, body=body, headers=named)

    def get(self, target: str, **headers: str) -> Reply:
        """Send a GET."""
        return self("GET", target, **headers)


def interactions_of(node: Node, clock: FixedClock, definitions: Definitions) -> Interactions:
    """Return the write side over a node."""
    return Interactions(
        node.journal,
        node.records,
        Validator(definitions),
        person=Hasher(KEY).person,
        person_of=person_reference,
        clock=clock,
        paths=Paths(definitions),
        originals=ApiOriginals(node.database, clock),
    )


def api_of(node: Node, clock: FixedClock, definitions: Definitions, **more: Any) -> FhirApi:
    """Return the API of a node as someone who sees no restricted record meets it."""
    parts = {
        "records": node.records,
        "definitions": definitions,
        "access": lambda call: node.plain,
        "trail": Untold(),
        "searchable": InForce(definitions, lambda: node.index.book.words(node.database)),
        "clock": clock,
        "version": "0.1.0",
    }
    return FhirApi(ApiParts(**{**parts, **more}))


def problem(reply: Reply) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    outcome = reply.json
    assert outcome["resourceType"] == "OperationOutcome"
    return reply.status, outcome["issue"][0]["details"]["coding"][0]["code"]
