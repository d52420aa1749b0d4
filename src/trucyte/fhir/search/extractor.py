"""Search values of any resource, by code generated from the definitions.

The extractor of a type is generated when the type is first met (a few milliseconds)
and kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.fhir.definitions import Compartment, Definitions
from trucyte.fhir.path.path import Path, Paths
from trucyte.fhir.search import converters
from trucyte.fhir.search.by_path import (
    Add,
    PathComponent,
    composite_by_path,
    index_environment,
    parameter_by_path,
)
from trucyte.fhir.search.custom import CompiledParameter
from trucyte.fhir.search.definitions import ParameterDefinition, parameter_definitions
from trucyte.fhir.search.generate import Extract, Generator
from trucyte.fhir.search.parameters import Parameter, parameters_of
from trucyte.fhir.search.values import Json, SearchValues

# Kinds of searches whose extractors are kept; one takes a few milliseconds to make.
_SUBSETS_MAX = 2000


class Extractor:
    """Takes search values out of resources."""

    def __init__(self, definitions: Definitions, custom: Sequence[CompiledParameter] = ()) -> None:
        """Keep the definitions and the parameters of users; nothing is generated yet."""
        self._definitions = definitions
        self._custom = tuple(custom)
        self._paths: Paths | None = None
        self._parameters: dict[str, tuple[Parameter, ...]] = {}
        self._left: dict[str, tuple[str, ...]] = {}
        self._extract: dict[str, Extract] = {}
        self._subsets: dict[tuple[str, frozenset[int]], Extract] = {}

    def parameters(self, resource_type: str) -> tuple[Parameter, ...]:
        """Return the type's parameters; a value's parameter number is a place in it."""
        if resource_type not in self._parameters:
            own = parameter_definitions(self._definitions, resource_type)
            made, left = parameters_of(own, resource_type)
            # Behind R4's own, whatever their names: nothing that stands in an index moves.
            more = (
                custom.parameter(resource_type, number)
                for number, custom in enumerate(self.custom_of(resource_type), len(made))
            )
            self._parameters[resource_type] = (*made, *more)
            self._left[resource_type] = left
        return self._parameters[resource_type]

    @property
    def compartments(self) -> Mapping[str, Compartment]:
        """Return which resources belong to whom, by the type at the centre."""
        return self._definitions.compartments

    @property
    def definitions(self) -> Definitions:
        """Return what R4 defines."""
        return self._definitions

    @property
    def custom(self) -> Sequence[CompiledParameter]:
        """Return the parameters of users."""
        return self._custom

    @property
    def language(self) -> Paths:
        """Return the compiler of expressions that need the full language."""
        if self._paths is None:
            self._paths = Paths(self._definitions)
        return self._paths

    def with_custom(self, custom: Sequence[CompiledParameter]) -> "Extractor":
        """Return an extractor of R4's own parameters and these, instead of those it had.

        What was made for types whose parameters stay the same is kept.
        """
        made = Extractor(self._definitions, custom)
        made._paths = self._paths
        same = {name for name in self._parameters if made.custom_of(name) == self.custom_of(name)}
        made._parameters = {n: p for n, p in self._parameters.items() if n in same}
        made._left = {n: left for n, left in self._left.items() if n in same}
        made._extract = {n: extract for n, extract in self._extract.items() if n in same}
        made._subsets = {key: e for key, e in self._subsets.items() if key[0] in same}
        return made

    def left_to_full_language(self, resource_type: str) -> tuple[str, ...]:
        """Return the codes of parameters whose expressions are beyond generated code."""
        self.parameters(resource_type)
        return self._left[resource_type]

    def check_ready(self, resource_type: str, code: str) -> None:
        """Pass: what an extractor knows, it finds."""

    def values(self, resource: Json) -> SearchValues:
        """Return the search values of a valid resource (parsed JSON)."""
        resource_type = resource["resourceType"]
        extract = self._extract.get(resource_type)
        if extract is None:
            extract = self._extract[resource_type] = self._compile(resource_type)
        out = SearchValues()
        extract(out, resource)
        return out

    def values_of(self, resource: Json, numbers: frozenset[int]) -> SearchValues:
        """Return the values of some parameters of the type alone, by their numbers.

        A parameter that repeats others has its values under theirs (`Parameter.sources`).
        """
        key = resource["resourceType"], numbers
        extract = self._subsets.get(key)
        if extract is None:
            if len(self._subsets) >= _SUBSETS_MAX:
                self._subsets.clear()
            extract = self._subsets[key] = self._compile(*key)
        out = SearchValues()
        extract(out, resource)
        return out

    def source(self, resource_type: str, numbers: frozenset[int] | None = None) -> str:
        """Return the generated source of a type, for reading."""
        defined = {p.code: p for p in self._defined(resource_type)}
        generator = Generator(self._definitions, resource_type)
        return generator.source(self._chosen(resource_type, numbers), defined)

    def _chosen(self, resource_type: str, numbers: frozenset[int] | None) -> Sequence[Parameter]:
        known = self.parameters(resource_type)
        return known if numbers is None else [p for p in known if p.number in numbers]

    def _defined(self, resource_type: str) -> tuple[ParameterDefinition, ...]:
        own = parameter_definitions(self._definitions, resource_type)
        custom = self.custom_of(resource_type)
        return (*own, *(parameter.definition(resource_type) for parameter in custom))

    def custom_of(self, resource_type: str) -> tuple[CompiledParameter, ...]:
        """Return the parameters of users that a type has, in their order."""
        return tuple(p for p in self._custom if resource_type in p.expressions)

    def _compile(self, resource_type: str, numbers: frozenset[int] | None = None) -> Extract:
        plain = self._compile_plain(resource_type, numbers)
        defined = {p.code: p for p in self._defined(resource_type)}
        by_path = [
            self._by_path(parameter, defined[parameter.code])
            for parameter in self._chosen(resource_type, numbers)
            if parameter.is_by_path
        ]
        return _with_paths(plain, by_path, self.language) if by_path else plain

    def _by_path(self, parameter: Parameter, definition: ParameterDefinition) -> Add:
        def compiled(text: str) -> Path:
            return self.language.compile(text, is_strict=False)

        path = compiled(definition.expression)
        if parameter.type != "composite":
            return parameter_by_path(parameter.number, parameter.type, path)
        components = [
            PathComponent(
                part.type,
                compiled(part.expression.removeprefix("%resource.")),
                of_resource=part.expression.startswith("%resource."),
            )
            for part in definition.components
        ]
        return composite_by_path(parameter.number, path, components)

    def _compile_plain(self, resource_type: str, numbers: frozenset[int] | None) -> Extract:
        names: dict[str, Any] = {
            function.__name__: function
            for kind in converters.CONVERTERS.values()
            for function in kind.values()
        }
        names |= {
            "deceased_token": converters.deceased_token,
            "first_entry": converters.first_entry,
            "refers_to": _refers_to,
            "pair_up": _pair_up,
        }
        code = compile(
            self.source(resource_type, numbers), f"<search values of {resource_type}>", "exec"
        )
        exec(code, names)  # noqa: S102 - our own generated source, from signed definitions
        extract: Extract = names["extract"]
        return extract


def _with_paths(plain: Extract, by_path: Sequence[Add], language: Paths) -> Extract:
    """Return an extractor that evaluates expressions after the generated code."""

    def extract(out: SearchValues, resource: Json) -> None:
        plain(out, resource)
        node = language.resource(dict(resource))
        environment = index_environment(node)
        for add in by_path:
            add(out, node, environment)

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
