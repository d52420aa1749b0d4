"""Search definitions from the resources of a FHIR package.

Takes parsed StructureDefinitions and SearchParameters, in any order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trucyte.fhir.search.definitions import (
    ComponentDefinition,
    ElementShape,
    ParameterDefinition,
)

_EVERY = ("Resource", "DomainResource")
# DomainResource is not above these.
_PLAIN = frozenset({"Bundle", "Binary", "Parameters"})


class PackageDefinitions:
    """The elements and search parameters that a package's files define."""

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        """Read what is a base structure or a search parameter; pass over the rest."""
        self._elements: dict[str, dict[str, ElementShape]] = {}
        self._parameters: dict[str, dict[str, ParameterDefinition]] = defaultdict(dict)
        parameters = []
        for resource in resources:
            if resource["resourceType"] == "StructureDefinition":
                self._add_structure(resource)
            elif resource["resourceType"] == "SearchParameter":
                parameters.append(resource)
        kinds = {p["url"]: p["type"] for p in parameters}
        for parameter in parameters:
            self._add_parameter(parameter, kinds)

    def elements(self, type_name: str) -> Mapping[str, ElementShape]:
        """Return the elements of a type by path."""
        return self._elements.get(type_name, {})

    def search_parameters(self, resource_type: str) -> Sequence[ParameterDefinition]:
        """Return the parameters of a type by code, those of every resource among them."""
        every = _EVERY[:1] if resource_type in _PLAIN else _EVERY
        found: dict[str, ParameterDefinition] = {}
        for base in (*every, resource_type):
            found |= self._parameters.get(base, {})
        return [found[code] for code in sorted(found)]

    def _add_structure(self, structure: Mapping[str, Any]) -> None:
        if structure.get("derivation") == "constraint" or structure["kind"] == "logical":
            return
        shapes = {}
        for element in structure["snapshot"]["element"]:
            types = tuple(_type_code(t) for t in element.get("type", ()))
            many = element.get("base", element).get("max", "1") not in ("0", "1")
            shapes[element["path"]] = ElementShape(types, many)
        self._elements[structure["type"]] = shapes

    def _add_parameter(self, parameter: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        if "expression" not in parameter:
            return
        components = tuple(
            ComponentDefinition(c["expression"], kinds[c["definition"]])
            for c in parameter.get("component", ())
        )
        for base in parameter.get("base", ()):
            self._parameters[base][parameter["code"]] = ParameterDefinition(
                code=parameter["code"],
                type=parameter["type"],
                expression=parameter["expression"],
                targets=tuple(parameter.get("target", ())),
                components=components,
            )


def _type_code(element_type: Mapping[str, Any]) -> str:
    """Return the FHIR type, also where the definition names the FHIRPath one."""
    for extension in element_type.get("extension", ()):
        if extension["url"].endswith("structuredefinition-fhir-type"):
            return str(extension["valueUrl"])
    return str(element_type["code"])
