"""Who holds a relation or acts under a consent: numbers of references; pure.

A number is the first eight bytes of SHA-256, without a key, as an organisation's is: whoever
makes conditions needs no look-up, and what permission is decided by has exact columns.
A reference by identifier is the conditional reference that names the same:
`Organization?identifier=system|value`.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.behalf import organisation_number
from trucyte.records.search.bound import Parameters

HOLDERS: Final = frozenset(
    {
        "CareTeam",
        "HealthcareService",
        "Location",
        "Organization",
        "Practitioner",
        "PractitionerRole",
    }
)
_REMEMBERED: Final = 20_000


@lru_cache(maxsize=_REMEMBERED)
def number_of(reference: str) -> int:
    """Return the number of a holder: `Type/id`, or a conditional reference."""
    return organisation_number(reference)


def by_identifier(kind: str, system: Any, value: Any) -> str | None:
    """Return the conditional reference of an identifier that has both parts."""
    if not isinstance(system, str) or not isinstance(value, str) or not system or not value:
        return None
    return f"{kind}?identifier={system}|{value}"


def read_holder(value: Any, kind: str = "") -> str | None:
    """Return the reference of who is named: of this node, or by identifier.

    `kind` is the type where the element allows one alone. None for what is contained, of
    another server, or of a type that is nobody's to hold.
    """
    if not isinstance(value, dict):
        return None
    text = value.get("reference")
    if isinstance(text, str) and text:
        found, id_, _ = split_reference(text)
        return f"{found}/{id_}" if found in HOLDERS and id_ else None
    kind = kind or str(value.get("type") or "")
    identifier = value.get("identifier")
    if kind not in HOLDERS or not isinstance(identifier, dict):
        return None
    return by_identifier(kind, identifier.get("system"), identifier.get("value"))


def read_actor(value: Any) -> str | None:
    """Return the reference of who a consent names, of any type but groups.

    Who is in a Group is not known here, so nobody can be said to be in it.
    """
    if not isinstance(value, dict):
        return None
    text = value.get("reference")
    if isinstance(text, str) and text:
        kind, id_, _ = split_reference(text)
        is_known = kind in TYPE_NUMBERS and kind != "Group" and id_ is not None
        return f"{kind}/{id_}" if is_known else None
    return read_holder(value)


def identifiers_of(resource: Mapping[str, Any]) -> Iterable[str]:
    """Yield the conditional references that mean a resource by its identifiers."""
    listed = resource.get("identifier")
    for identifier in listed if isinstance(listed, list) else ():
        if isinstance(identifier, dict):
            named = by_identifier(
                resource["resourceType"], identifier.get("system"), identifier.get("value")
            )
            if named is not None:
                yield named


def acting(references: Iterable[str], bound: Parameters, now: str) -> str:
    """Return as SQL the array of all that who holds `references` acts as at `now`."""
    numbers = bound.add(sorted(map(number_of, references)), "bigint[]")
    # A query of its own, so that it is asked once and not for every row.
    return f"(select records.acting({numbers}, {now}))::bigint[]"
