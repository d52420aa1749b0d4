"""Codings by themselves: the system is one, the code is its own, the display is the code's."""

from typing import Any

from trucyte.fhir.packages.systems import folded
from trucyte.fhir.profiles.rules import (
    CODE_UNKNOWN,
    DISPLAY,
    SYSTEM_RELATIVE,
    SYSTEM_VALUE_SET,
    WARNING,
)
from trucyte.fhir.profiles.scope import Check, Scope, Terminology
from trucyte.fhir.validation.fault import Found, Rule, fault

_KEPT_MAX = 50_000
_SHOWN_MAX = 5
# R4's package holds these as they were in 2019; codes were added since.
_GROWING = "http://terminology.hl7.org/"
CODE_UNKNOWN_GROWING = Rule("code-unknown", "code-invalid", WARNING)


def coding_check(terminology: Terminology) -> Check:
    """Return the check of a Coding or a Quantity; what was met before is a look-up."""
    seen: dict[tuple[Any, Any, Any], Found] = {}

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        system = value.get("system") if type(value) is dict else None
        if type(system) is not str:
            return None
        code, display = value.get("code"), value.get("display")
        if type(code) is not str or not (display is None or type(display) is str):
            code = display = None
        key = (system, code, display)
        try:
            return seen[key]
        except KeyError:
            if len(seen) > _KEPT_MAX:
                seen.clear()
            found = seen[key] = _looked_at(terminology, system, code, display)
            return found

    return check


def _looked_at(
    terminology: Terminology, system: str, code: str | None, display: str | None
) -> Found:
    if ":" not in system:
        return fault(SYSTEM_RELATIVE, ".system")
    if "/ValueSet/" in system and terminology.knows(system):
        return fault(SYSTEM_VALUE_SET, ".system", system=system)
    if code is None:
        return None
    has = terminology.has_code(system, code)
    if has is False:
        rule = CODE_UNKNOWN_GROWING if system.startswith(_GROWING) else CODE_UNKNOWN
        return fault(rule, ".code", system=system)
    if has and display is not None:
        names = terminology.displays(system, code)
        if names and folded(display) not in names:
            shown = ", ".join(sorted(names)[:_SHOWN_MAX])
            return fault(DISPLAY, ".display", system=system, allowed=shown)
    return None
