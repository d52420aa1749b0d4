"""Visits as FHIR resources, and back: the intake's mapping table run in both directions.

What comes back from the resources is what is written with `through_fhir`, so a field that
the mapping loses cannot hide in generated files. The resources themselves train the
journal's compression dictionaries, which must not be made of living people's records.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import Visit
from trucyte.vietnam.packaged_lists import PackagedLists

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(slots=True)
class Backwards:
    """The mapping table over generated visits; ids follow from the seed."""

    seed: int
    mapping: TableMapping = field(init=False)
    _shared: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        key = hashlib.sha256(f"synthetic country {self.seed}".encode()).digest()
        self.mapping = TableMapping(key, PackagedLists())

    def resources(self, visit: Visit) -> Iterator[bytes]:
        """Yield the resources of a visit as JSON; what visits share comes once in a run."""
        people = self.mapping.people(visit)
        for draft in (*people, *self.mapping.rest(visit, _first_versions(people))):
            name = _name(draft.resource)
            if draft.is_shared:
                if name in self._shared:
                    continue
                self._shared.add(name)
            yield _ENCODER.encode(draft.resource)

    def visit(self, visit: Visit) -> Visit:
        """Return the visit that its own resources give, read as the journal keeps them."""
        people = self.mapping.people(visit)
        rest = self.mapping.rest(visit, _first_versions(people))
        kept = {f"{_name(draft.resource)}/_history/1": _kept(draft.resource) for draft in people}
        return self.mapping.claim([_kept(draft.resource) for draft in rest], kept.__getitem__)


def _name(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _first_versions(people: Sequence[Draft]) -> dict[str, int]:
    return {_name(draft.resource): 1 for draft in people}


def _kept(resource: Resource) -> Resource:
    read: Resource = _DECODER.decode(_ENCODER.encode(resource))
    return read
