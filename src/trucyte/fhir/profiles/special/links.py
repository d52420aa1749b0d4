"""References that can be followed: what they point to is there, and of an allowed type."""

from typing import Any

from trucyte.fhir.profiles.paths import kind_of
from trucyte.fhir.profiles.rules import TARGET_TYPE, URN_LOST
from trucyte.fhir.profiles.scope import Check, Scope
from trucyte.fhir.validation.fault import Fault, Found, fault

_URNS = ("urn:uuid:", "urn:oid:")
_SHOWN_MAX = 12


def link_check(targets: tuple[str, ...]) -> Check:
    """Return the check of a Reference that may point to `targets` (empty: to anything).

    Only what is contained or in the bundle is followed; links by type and id are checked
    by their own text.
    """
    allowed = frozenset(targets)
    more = ", …" if len(targets) > _SHOWN_MAX else ""
    listed = ", ".join(targets[:_SHOWN_MAX]) + more

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        link = value.get("reference") if type(value) is dict else None
        if type(link) is not str or not link.startswith(("#", "urn:")):
            return None
        is_urn = link.startswith(_URNS)
        if is_urn and scope.bundle is None:
            return None
        target = scope.resolve(link)
        if target is None:
            return fault(URN_LOST) if is_urn else None
        kind = kind_of(target)
        if not allowed or not kind or kind in allowed:
            return None
        return [Fault(TARGET_TYPE, {"type": kind[:64], "allowed": listed})]

    return check
