"""The identifiers and codes that registers of facilities are written with."""

from typing import Any, Final

from trucyte.base.hashing import opaque_id

FACILITIES: Final = "http://fhir.hl7.org.vn/core/sid/cskcb"
GLN: Final = "https://www.gs1.org/gln"
HOURS: Final = "https://trucyte.vn/fhir/StructureDefinition/practice-hours"
# Of an OrganizationAffiliation: what `organization` became is `participatingOrganization`,
# from the first day of its period on.
RELATIONS: Final = "https://trucyte.vn/fhir/CodeSystem/organization-relation"
SUCCEEDED: Final = "succeeded-by"


def facility_id(key: bytes, code: str) -> str:
    """Return the id that this node's Organization of a facility code has, as claims have it."""
    return opaque_id(key, "Organization", "cskcb", code)


def facility_reference(key: bytes, code: str) -> dict[str, Any]:
    """Return a Reference to the Organization of a facility code."""
    return {
        "reference": f"Organization/{facility_id(key, code)}",
        "identifier": {"system": FACILITIES, "value": code},
    }
