"""OperationDefinition: its parameters agree with the profiles on its Parameters."""

from collections.abc import Iterator, Mapping
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles import values
from trucyte.fhir.profiles.rules import PARAMETER_PROFILE
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.walk import objects, texts
from trucyte.fhir.validation.fault import Found, fault, joined

_USES = (("in", "inputProfile"), ("out", "outputProfile"))


def operation_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """Compare each parameter with the slice of the profile that has its name."""
    found: Found = None
    for use, name in _USES:
        url = texts(resource, name)
        try:
            tree = library.structure(url).tree if url else None
        except Problem:
            tree = None
        if tree is None:
            continue
        slices = dict(_by_name(tree))
        for step, parameter in objects(resource, "parameter"):
            node = slices.get(texts(parameter, "name"))
            if node is None or texts(parameter, "use") != use:
                continue
            for differs in _differences(node, parameter):
                more = fault(PARAMETER_PROFILE, profile=url, name=differs)
                found = joined(found, more, f".{name}{step}")
    return found


def _by_name(tree: Node) -> Iterator[tuple[str, Node]]:
    holder = tree.children.get("parameter")
    for one in holder.slices.values() if holder is not None else ():
        name = one.children.get("name")
        said = None if name is None else values.given(name.own, "fixed")
        if said is None and name is not None:
            said = values.given(name.own, "pattern")
        yield str(said or one.slice_name), one


def _differences(node: Node, parameter: Mapping[str, Any]) -> Iterator[str]:
    if node.own.get("min", 0) != parameter.get("min", 0):
        yield "min"
    if str(node.own.get("max", "*")) != str(parameter.get("max", "*")):
        yield "max"
    value = node.children.get("resource")
    if value is None or str(value.own.get("max")) == "0":
        value = node.children.get("value[x]")
    if value is None or len(value.types) != 1:
        return
    code = value.types[0].get("code", "")
    if code != "Resource" and texts(parameter, "type") not in ("", code, "Resource"):
        yield "type"
    key = "targetProfile" if code in ("Reference", "canonical") else "profile"
    profiles = set(value.types[0].get(key, ()))
    listed = parameter.get("targetProfile")
    if profiles != set(listed if type(listed) is list else ()):
        yield "targetProfile"
