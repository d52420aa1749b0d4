"""SearchParameter and CapabilityStatement against the parameters they rest on."""

import re
from collections.abc import Mapping
from typing import Any

from trucyte.fhir.packages.library import Library
from trucyte.fhir.profiles.rules import (
    PATH_INVALID,
    SEARCH_PARAMETER_DERIVED,
    SEARCH_PARAMETER_TYPE,
)
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.walk import expression_faults, objects, texts
from trucyte.fhir.validation.fault import Found, fault, joined

_FIRST_NAME = re.compile(r"^\(*\s*([A-Z][A-Za-z]+)\b(?!\()")


def _parameter(library: Library, url: str) -> tuple[str, frozenset[str]] | None:
    """Return type and bases of a search parameter by its canonical."""
    added = library.find(url, "SearchParameter")
    if added is not None:
        bases = added.get("base")
        return texts(added, "type"), frozenset(bases if type(bases) is list else ())
    plain = url.partition("|")[0]
    for one in library.core.all_search_parameters:
        if one.url == plain:
            return one.type, frozenset(one.base)
    return None


def capability_statement_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """A parameter that is named by its definition has the type of the definition."""
    found: Found = None
    for rest_step, rest in objects(resource, "rest"):
        for step, one in objects(rest, "resource"):
            for last, given in objects(one, "searchParam"):
                known = _parameter(library, texts(given, "definition"))
                if known is not None and texts(given, "type") not in ("", known[0]):
                    more = fault(SEARCH_PARAMETER_TYPE, wanted=known[0])
                    found = joined(found, more, rest_step + step + last)
    return found


def search_parameter_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """A derived parameter keeps the type and bases; its path begins at one of its bases."""
    listed = resource.get("base")
    bases = frozenset(listed if type(listed) is list else ())
    found: Found = _expression_faults(texts(resource, "expression"), bases, library)
    origin = _parameter(library, texts(resource, "derivedFrom"))
    if origin is None:
        return found
    if texts(resource, "type") not in ("", origin[0]):
        more = fault(SEARCH_PARAMETER_DERIVED, name="type", wanted=origin[0])
        found = joined(found, more, "")
    wrong = sorted(str(base) for base in bases - origin[1])
    if wrong and not origin[1] & {"Resource", "DomainResource"}:
        more = fault(SEARCH_PARAMETER_DERIVED, name="base", wanted=", ".join(sorted(origin[1])))
        found = joined(found, more, "")
    return found


def _expression_faults(expression: str, bases: frozenset[str], library: Library) -> Found:
    broken = expression_faults(expression)
    if broken is not None:
        return broken
    types = library.core.resource_types
    if not bases or bases & {"Resource", "DomainResource"}:
        return None
    for part in expression.split("|"):
        name = _FIRST_NAME.match(part.strip())
        if name is not None and name[1] in types and name[1] not in bases:
            return fault(PATH_INVALID, ".expression", reason=f"{name[1]} is not among the bases")
    return None
