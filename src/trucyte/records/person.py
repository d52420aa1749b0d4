"""Whose record a resource is: the Patient compartment as one reference.

The person key is a keyed hash of the Patient's first id and never changes; links
between Patients are resolved on reading.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trucyte.records.hashing import Hasher

# The element that makes a resource part of a patient's record (R4 CompartmentDefinition
# patient), the most telling first. Elements inside others are pairs.
_ELEMENTS = (
    "subject",
    "patient",
    "beneficiary",
    "individual",
    "for",
    "candidate",
    "subscriber",
    "policyHolder",
)
_NESTED = (
    ("participant", "actor"),
    ("agent", "who"),
    ("link", "target"),
    ("member", "entity"),
)
_TARGETS = ("target", "focus", "source", "sender", "entity")


def person_reference(resource: Mapping[str, Any]) -> str | None:
    """Return `Patient/id` of the person whose record this is, or None."""
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}"
    return next((found for found in _patients_of(resource) if found is not None), None)


def _patients_of(resource: Mapping[str, Any]) -> Iterator[str | None]:
    for name in _ELEMENTS:
        yield _patient_of(resource.get(name))
    for name, inner in _NESTED:
        for element in _as_list(resource.get(name)):
            yield _patient_of(element.get(inner))
    for name in _TARGETS:
        yield _patient_of(resource.get(name))


def person_key(key: bytes, reference: str) -> int:
    """Return the signed 64-bit person key of a reference, under the node's index key."""
    return Hasher(key).person(reference)


def _patient_of(value: Any) -> str | None:
    for element in _as_list(value):
        reference = element.get("reference")
        if isinstance(reference, str) and reference.startswith("Patient/"):
            return "/".join(reference.split("/", 2)[:2])
    return None


def _as_list(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a value that may be one, many or something else."""
    found = value if isinstance(value, list) else [value]
    return [element for element in found if isinstance(element, dict)]
