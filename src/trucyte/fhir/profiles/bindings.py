"""Codes against value sets, by the strength of the binding (R4 4.1.4)."""

from typing import Any

from trucyte.fhir.profiles.rules import BINDING, BINDING_EXTENSIBLE, BINDING_UNKNOWN, NO_CODE
from trucyte.fhir.profiles.scope import Check, Scope, Terminology
from trucyte.fhir.validation.fault import Fault, Found

_CODED = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "string", "uri"})
_QUANTITIES = frozenset({"Quantity", "Age", "Duration", "Count", "Distance", "Money"})


def binding_check(
    terminology: Terminology, value_set: str, strength: str, type_name: str
) -> Check | None:
    """Return the check of a coded element; None where the binding asks for nothing."""
    kind = "Quantity" if type_name in _QUANTITIES else type_name
    if kind not in _CODED or strength not in ("required", "extensible"):
        return None
    url = value_set.partition("|")[0]
    rule = BINDING if strength == "required" else BINDING_EXTENSIBLE
    wrong = [Fault(rule, {"value_set": url})]
    silent = [Fault(NO_CODE, {"value_set": url})] if strength == "required" else None
    unchecked = [Fault(BINDING_UNKNOWN, {"value_set": url})] if strength == "required" else None

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        codings = _codings(kind, value)
        if not codings:
            return silent if _says_nothing(kind, value) else None
        answers = [terminology.member_of(value_set, system, code) for system, code in codings]
        if True in answers:
            return None
        return unchecked if None in answers else wrong

    return check


def _codings(kind: str, value: Any) -> list[tuple[str | None, str]]:
    """Return the (system, code) pairs of a value; a system of "" is one that is not said."""
    if kind in ("code", "string", "uri"):
        return [(None, value)] if type(value) is str else []
    if type(value) is not dict:
        return []
    given = value.get("coding") if kind == "CodeableConcept" else [value]
    found: list[tuple[str | None, str]] = []
    for coding in given if type(given) is list else ():
        code = coding.get("code") if type(coding) is dict else None
        if type(code) is str:
            system = coding.get("system")
            found.append((system if type(system) is str else "", code))
    return found


def _says_nothing(kind: str, value: Any) -> bool:
    """Say whether a concept has neither a code nor a reason why there is none."""
    if kind not in ("CodeableConcept", "Coding") or type(value) is not dict:
        return False
    return "extension" not in value
