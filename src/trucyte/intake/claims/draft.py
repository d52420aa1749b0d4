"""Between the mapping table and the journal: resources as drafts.

The pipeline asks the mapping twice, because Encounter and Claim pin the versions of
Patient and Coverage they were written with: first for the people, whose versions the
pipeline then knows, then for the rest of the visit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trucyte.intake.claims.tables import Visit

Resource = dict[str, Any]  # FHIR JSON; numbers that came as decimals are Decimal


@dataclass(frozen=True, slots=True)
class Draft:
    """One resource of a visit, with its id, and the row it came from."""

    resource: Resource
    table: str  # "XML2"
    row: int  # 1-based place in the table as sent
    is_shared: bool = (
        False  # Organization, Location, Practitioner: created once, never changed here
    )


class ClaimsMapping(Protocol):
    """The one mapping table, read in both directions."""

    def people(self, visit: Visit) -> Sequence[Draft]:
        """Return Patient, Coverages and the shared directory resources of a visit."""
        ...

    def rest(self, visit: Visit, versions: Mapping[str, int]) -> Sequence[Draft]:
        """Return every other resource; `versions` gives "Patient/<id>" -> version to pin."""
        ...

    def claim(self, resources: Iterable[Resource], at: Callable[[str], Resource]) -> Visit:
        """Return the visit that gave `resources`; `at("Patient/<id>/_history/<n>")` reads a pin."""
        ...

    def sensitivity(self, visit: Visit) -> frozenset[str]:
        """Return the labels its resources, outcome and quarantine entry carry; often none."""
        ...
