"""References: their form, and the type they point to (R4 2.3).

Whether the target exists is the journal's question; here only a fragment can be
looked up, and that by the resource that holds the `contained`.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from trucyte.fhir.validation.fault import (
    REFERENCE_FORM,
    REFERENCE_FRAGMENT,
    REFERENCE_TARGET,
    REFERENCE_UNKNOWN_TYPE,
    REFERENCE_URN,
    Check,
    Fault,
    Found,
    fault,
)

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_RELATIVE = re.compile(
    r"([A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#\S+)?"
).fullmatch
_CONDITIONAL = re.compile(r"([A-Za-z]+)\?\S+").fullmatch
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+").fullmatch
_TAIL = re.compile(r"/([A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$").search
_UUID = re.compile(
    r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:#\S+)?", re.IGNORECASE
).fullmatch
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_ALLOWED_SHOWN = 12


def reference_check(
    structure: Check, targets: tuple[str, ...], resource_types: frozenset[str]
) -> Check:
    """Return the check of a Reference that may point to `targets` (empty: to anything)."""
    allowed = frozenset(targets) or resource_types
    look = _link_check(allowed, resource_types)

    def check(value: Any, parent: Any) -> Found:
        found = structure(value, parent)
        if found is not None:
            return found
        link = value.get("reference")
        if link is not None and not is_plain_link(link, allowed):
            found = look(link)
        kind = value.get("type")
        if kind is not None and kind not in allowed:
            more = _type_fault(kind, allowed, resource_types)
            return found if more is None else (found or []) + more
        return found

    return check


def is_plain_link(link: str, allowed: frozenset[str]) -> bool:
    """Say whether a link is a type that is allowed and an id, as most are."""
    kind, _, id = link.partition("/")
    return kind in allowed and _ID(id) is not None


def _type_fault(kind: str, allowed: frozenset[str], resource_types: frozenset[str]) -> Found:
    """Find what is wrong with `Reference.type`: a name is that of a resource type (R4 2.3.0)."""
    if kind in resource_types:
        return [_wrong_target(kind, allowed, ".type")]
    # An address is for the types of logical models.
    return None if ":" in kind else fault(REFERENCE_UNKNOWN_TYPE, ".type", type=kind[:64])


def _link_check(allowed: frozenset[str], resource_types: frozenset[str]) -> Callable[[str], Found]:
    def look(link: str) -> Found:
        if link.startswith("#"):
            # Tentative: the resource that holds the `contained` drops what it can resolve.
            return fault(REFERENCE_FRAGMENT, ".reference", fragment=link[1:])
        local = _RELATIVE(link) or _CONDITIONAL(link)
        if local is not None:
            kind = local[1]
            if kind not in resource_types:
                return fault(REFERENCE_UNKNOWN_TYPE, ".reference", type=kind[:64])
            return None if kind in allowed else [_wrong_target(kind, allowed)]
        return _look_absolute(link, allowed, resource_types)

    return look


def _look_absolute(link: str, allowed: frozenset[str], resource_types: frozenset[str]) -> Found:
    if not _ABSOLUTE(link):
        return fault(REFERENCE_FORM, ".reference")
    if link.startswith(("urn:uuid:", "urn:oid:")) and not (_UUID(link) or _OID(link)):
        return fault(REFERENCE_URN, ".reference")
    tail = _TAIL(link) if link.startswith("http") else None
    if tail is None or tail[1] not in resource_types or tail[1] in allowed:
        return None
    return [_wrong_target(tail[1], allowed)]


def _wrong_target(kind: str, allowed: frozenset[str], path: str = ".reference") -> Fault:
    shown = sorted(allowed)[:_ALLOWED_SHOWN]
    more = ", …" if len(allowed) > _ALLOWED_SHOWN else ""
    return Fault(REFERENCE_TARGET, {"type": kind, "allowed": ", ".join(shown) + more}, path)


def without_resolved(found: list[Fault], contained: Any) -> Found:
    """Drop the fragments that `contained` answers; `#` alone is the resource itself."""
    ids: set[Any] = {""}
    if isinstance(contained, list):
        ids.update(_ids(contained))
    left = [
        one
        for one in found
        if one.rule is not REFERENCE_FRAGMENT or one.facts["fragment"] not in ids
    ]
    return left or None


def _ids(contained: Iterable[Any]) -> Iterable[str]:
    for resource in contained:
        id = resource.get("id") if isinstance(resource, dict) else None
        if isinstance(id, str):
            yield id
