"""Helpers of the claims mapping's tests: visits, and the way to FHIR bytes and back."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import Row, Variant, Visit

KEY = b"a key of thirty-two bytes, no more"[:32]
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class NoLists:
    """A node that has loaded no list."""

    def is_loaded(self, name: str) -> bool:
        return False

    def find(self, name: str, code: str, on: date | None = None) -> None:
        return None


def through_json(resource: Resource) -> Resource:
    """Write and read JSON as the journal does: decimals keep their digits."""
    read: Resource = _DECODER.decode(_ENCODER.encode(resource))
    return read


def name_of(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


class Shelf:
    """Versions of people, as the journal would keep them."""

    def __init__(self) -> None:
        self.kept: dict[str, Resource] = {}
        self.current: dict[str, int] = {}

    def put(self, drafts: Sequence[Draft]) -> dict[str, int]:
        for draft in drafts:
            name = name_of(draft.resource)
            version = self.current.get(name, 0) + 1
            self.current[name] = version
            self.kept[f"{name}/_history/{version}"] = through_json(draft.resource)
        return dict(self.current)

    def at(self, reference: str) -> Resource:
        return self.kept[reference]


def write(mapping: TableMapping, visit: Visit, shelf: Shelf) -> list[Resource]:
    versions = shelf.put(mapping.people(visit))
    return [through_json(draft.resource) for draft in mapping.rest(visit, versions)]


def round_trip(mapping: TableMapping, visit: Visit) -> Visit:
    shelf = Shelf()
    return mapping.claim(write(mapping, visit, shelf), shelf.at)


def make_visit(tables: dict[str, list[Row]], **changes: Any) -> Visit:
    """Return a visit; MA_LK, MA_BN and MA_CSKCB of its rows agree with it unless told."""
    given = {
        "variant": Variant.D3176,
        "facility": "00001",
        "link": "MAU-1",
        "patient": "BN-1",
        "made_on": date(2026, 7, 15),
        **changes,
    }
    return Visit(tables=tables, **given)


def every(resources: Sequence[Resource], kind: str) -> list[Resource]:
    return [resource for resource in resources if resource["resourceType"] == kind]
