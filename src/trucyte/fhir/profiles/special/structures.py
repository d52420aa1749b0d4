"""StructureDefinition: it can be laid over its base, and contradicts nothing there."""

from collections.abc import Mapping
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles import values
from trucyte.fhir.profiles.rules import FIXED, refused
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.walk import expression_faults, objects, texts
from trucyte.fhir.validation.fault import Fault, Found, fault, joined


def structure_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """Generate the snapshot of a profile, and compare its fixed values with the base's."""
    found = _expressions(resource)
    if texts(resource, "derivation") != "constraint" or "differential" not in resource:
        return found
    more = _laid(resource, library)
    return found if more is None else joined(found, more, "")


def _expressions(resource: Mapping[str, Any]) -> Found:
    """Find rules that are no FHIRPath."""
    found: Found = None
    for step, element in objects(resource.get("differential"), "element"):
        for last, rule in objects(element, "constraint"):
            more = expression_faults(texts(rule, "expression"))
            if more is not None:
                found = joined(found, more, f".differential{step}{last}")
    return found


def _laid(resource: Mapping[str, Any], library: Library) -> Found:
    base = texts(resource, "baseDefinition")
    if library.source(base) is None:
        return None
    lean = {key: value for key, value in resource.items() if key != "snapshot"}
    try:
        library.snapshot_of(lean)
        tree = library.structure(base).tree
    except Problem as problem:
        return refused(problem)
    return _contradictions(resource, tree)


def _contradictions(resource: Mapping[str, Any], tree: Node) -> Found:
    """Find a fixed value that the base fixes otherwise (shown by the element's own path)."""
    found: list[Fault] = []
    for step, element in objects(resource.get("differential"), "element"):
        node: Node | None = tree
        for name in texts(element, "path").split(".")[1:]:
            node = None if node is None else node.children.get(name)
        if node is None or "sliceName" in element:
            continue
        before, now = values.given(node.own, "fixed"), values.given(element, "fixed")
        if before is not None and now is not None and not values.same(now, values.exact(before)):
            place = f".differential{step}"
            found += fault(FIXED, place, wanted=values.shown(before))
    return found or None
