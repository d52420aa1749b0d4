"""Search parameters as extraction needs them, out of the compiled definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trucyte.fhir.definitions import Component, Definitions, SearchParameter

# R4 names the parameters of this one's two components the wrong way round: `code` is called
# a reference and `target` a token.
_SWAPPED = frozenset({("DocumentReference", "relationship")})


@dataclass(frozen=True, slots=True)
class ComponentDefinition:
    """One component of a composite parameter: a path from the composite's base."""

    expression: str
    type: str  # token, quantity, …
    targets: tuple[str, ...] = ()  # of a reference


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    """A search parameter as its definition has it."""

    code: str
    type: str
    expression: str
    targets: tuple[str, ...] = ()
    components: tuple[ComponentDefinition, ...] = ()


def parameter_definitions(
    definitions: Definitions, resource_type: str
) -> tuple[ParameterDefinition, ...]:
    """Return the parameters of a type that have an expression, in the order of their codes."""
    found = definitions.search_parameters(resource_type)
    known = {parameter.url: parameter for parameter in definitions.all_search_parameters}
    return tuple(
        ParameterDefinition(
            code=code,
            type=parameter.type,
            expression=parameter.expression,
            targets=parameter.target,
            components=_components(
                parameter.components, known, is_swapped=(resource_type, code) in _SWAPPED
            ),
        )
        for code, parameter in sorted(found.items())
        if parameter.expression
    )


def _components(
    parts: Sequence[Component], known: Mapping[str, SearchParameter], *, is_swapped: bool
) -> tuple[ComponentDefinition, ...]:
    named = [known[part.definition] for part in parts]
    if is_swapped:
        named.reverse()
    return tuple(
        ComponentDefinition(part.expression, parameter.type, parameter.target)
        for part, parameter in zip(parts, named, strict=True)
    )
