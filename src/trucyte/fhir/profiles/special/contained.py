"""Contained resources are there for their container: used by it, or pointing to it (dom-3)."""

from typing import Any

from trucyte.fhir.profiles.rules import INVARIANT
from trucyte.fhir.profiles.scope import Scope
from trucyte.fhir.validation.fault import Fault, Found, joined

_FACTS = {
    "key": "dom-3",
    "human": "If the resource is contained in another resource, it SHALL be referred to from "
    "elsewhere in the resource or SHALL refer to the containing resource",
}


def contained_check(value: Any, extra: Any, scope: Scope) -> Found:
    """Find contained resources that nothing points to; each at its own place."""
    listed = value.get("contained")
    if type(listed) is not list:
        return None
    inside = [(number, one, _links(one)) for number, one in enumerate(listed) if type(one) is dict]
    outside = _links({key: item for key, item in value.items() if key != "contained"})
    everything = outside.union(*(found for _, _, found in inside))
    lost: Found = None
    for number, one, found in inside:
        if f"#{one.get('id')}" not in everything and "#" not in found and "id" in one:
            lost = joined(lost, [Fault(INVARIANT, _FACTS)], f".contained[{number}]")
    return lost


def _links(resource: Any) -> set[str]:
    """Return every text that begins with `#`, wherever it stands."""
    found: set[str] = set()
    waiting = [resource]
    while waiting:
        value = waiting.pop()
        if type(value) is str:
            if value.startswith("#"):
                found.add(value)
        elif type(value) is dict:
            waiting += value.values()
        elif type(value) is list:
            waiting += value
    return found
