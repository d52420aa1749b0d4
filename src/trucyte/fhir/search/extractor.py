"""Search values of any resource, by code generated from the definitions.

The extractor of a type is generated when the type is first met (a few milliseconds)
and kept.
"""

from typing import Any

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import converters
from trucyte.fhir.search.definitions import ParameterDefinition, parameter_definitions
from trucyte.fhir.search.generate import Extract, Generator
from trucyte.fhir.search.parameters import Parameter, parameters_of
from trucyte.fhir.search.values import Json, SearchValues


class Extractor:
    """Takes search values out of resources."""

    def __init__(self, definitions: Definitions) -> None:
        """Keep the definitions; nothing is generated yet."""
        self._definitions = definitions
        self._parameters: dict[str, tuple[Parameter, ...]] = {}
        self._left: dict[str, tuple[str, ...]] = {}
        self._extract: dict[str, Extract] = {}

    def parameters(self, resource_type: str) -> tuple[Parameter, ...]:
        """Return the type's parameters; a value's parameter number is a place in it."""
        if resource_type not in self._parameters:
            made, left = parameters_of(self._defined(resource_type), resource_type)
            self._parameters[resource_type] = made
            self._left[resource_type] = left
        return self._parameters[resource_type]

    def left_to_full_language(self, resource_type: str) -> tuple[str, ...]:
        """Return the codes of parameters whose expressions are beyond generated code."""
        self.parameters(resource_type)
        return self._left[resource_type]

    def values(self, resource: Json) -> SearchValues:
        """Return the search values of a valid resource (parsed JSON)."""
        resource_type = resource["resourceType"]
        extract = self._extract.get(resource_type)
        if extract is None:
            extract = self._extract[resource_type] = self._compile(resource_type)
        out = SearchValues()
        extract(out, resource)
        return out

    def source(self, resource_type: str) -> str:
        """Return the generated source of a type, for reading."""
        defined = {p.code: p for p in self._defined(resource_type)}
        generator = Generator(self._definitions, resource_type)
        return generator.source(self.parameters(resource_type), defined)

    def _defined(self, resource_type: str) -> tuple[ParameterDefinition, ...]:
        return parameter_definitions(self._definitions, resource_type)

    def _compile(self, resource_type: str) -> Extract:
        names: dict[str, Any] = {
            function.__name__: function
            for kind in converters.CONVERTERS.values()
            for function in kind.values()
        }
        names |= {
            "deceased_token": converters.deceased_token,
            "refers_to": _refers_to,
            "pair_up": _pair_up,
        }
        code = compile(self.source(resource_type), f"<search values of {resource_type}>", "exec")
        exec(code, names)  # noqa: S102 - our own generated source, from signed definitions
        extract: Extract = names["extract"]
        return extract


def _refers_to(value: Json, type_name: str) -> bool:
    """Whether a Reference says it is to a resource of this type."""
    kind = converters.split_reference(value.get("reference") or "")[0]
    return (kind or value.get("type")) == type_name


def _pair_up(
    out: SearchValues, number: int, inner: Extract, whole: Extract, value: Json, resource: Json
) -> None:
    """Keep the component values of one element together."""
    pairs = SearchValues()
    inner(pairs, value)
    whole(pairs, resource)
    out.composites.append((number, pairs))
