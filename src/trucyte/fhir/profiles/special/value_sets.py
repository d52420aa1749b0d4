"""ValueSet: the filters of its `compose` ask what can be asked (R4 4.9.5)."""

from collections.abc import Mapping
from typing import Any

from trucyte.fhir.packages.library import STRUCTURES, Library
from trucyte.fhir.profiles.rules import CODE_UNKNOWN, EXPRESSION_LANGUAGE
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.walk import objects, texts
from trucyte.fhir.validation.fault import Found, fault, joined

_EXPRESSION = STRUCTURES + "cqf-expression"
_HIERARCHY = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})


def value_set_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """Check the codes a value set lists and those its filters start from."""
    found: Found = None
    compose = resource.get("compose")
    for part_name in ("include", "exclude"):
        for step, part in objects(compose, part_name):
            for more in (_concepts(part, terminology), _filters(part, terminology)):
                if more is not None:
                    found = joined(found, more, f".compose{step}")
    return found


def _concepts(part: Mapping[str, Any], terminology: Terminology) -> Found:
    found: Found = None
    system = texts(part, "system")
    if system.startswith("http://terminology.hl7.org/"):
        return None
    for step, concept in objects(part, "concept"):
        code = texts(concept, "code")
        if system and code and terminology.has_code(system, code) is False:
            found = joined(found, fault(CODE_UNKNOWN, system=system), f"{step}.code")
    return found


def _filters(part: Mapping[str, Any], terminology: Terminology) -> Found:
    found: Found = None
    system = texts(part, "system")
    for step, rule in objects(part, "filter"):
        starts = texts(rule, "op") in _HIERARCHY and texts(rule, "property") == "concept"
        if starts and terminology.has_code(system, texts(rule, "value")) is False:
            found = joined(found, fault(CODE_UNKNOWN, system=system), step)
        for last, extension in objects(rule.get("_value"), "extension"):
            expression = extension.get("valueExpression")
            language = texts(expression, "language")
            if texts(extension, "url") == _EXPRESSION and language not in ("", "text/fhirpath"):
                more = fault(EXPRESSION_LANGUAGE, wanted="text/fhirpath")
                found = joined(found, more, f"{step}{last}.value.ofType(Expression)")
    return found
