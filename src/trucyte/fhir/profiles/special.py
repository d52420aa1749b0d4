"""Rules of single resource types that neither structure nor invariants can say."""

from collections.abc import Callable, Mapping
from typing import Any

from trucyte.fhir.packages.library import Library
from trucyte.fhir.profiles.scope import Scope
from trucyte.fhir.validation.fault import Found

Special = Callable[[Mapping[str, Any], Scope, Library], Found]

_SPECIAL: dict[str, Special] = {}


def special_faults(resource: Mapping[str, Any], scope: Scope, library: Library) -> Found:
    """Return what is wrong by the rules of a resource's own type."""
    special = _SPECIAL.get(resource["resourceType"])
    return None if special is None else special(resource, scope, library)
