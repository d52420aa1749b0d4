"""Search parameters as extraction needs them, out of the compiled definitions."""

from dataclasses import dataclass

from trucyte.fhir.definitions import Definitions

# R4 names the parameters of this one's two components the wrong way round: `code` is called
# a reference and `target` a token.
_CORRECTED = {("DocumentReference", "relationship"): ("token", "reference")}


@dataclass(frozen=True, slots=True)
class ComponentDefinition:
    """One component of a composite parameter: a path from the composite's base."""

    expression: str
    type: str  # token, quantity, …


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
    kinds = {parameter.url: parameter.type for parameter in definitions.all_search_parameters}
    return tuple(
        ParameterDefinition(
            code=code,
            type=parameter.type,
            expression=parameter.expression,
            targets=parameter.target,
            components=tuple(
                ComponentDefinition(part.expression, kind)
                for part, kind in zip(
                    parameter.components,
                    _CORRECTED.get((resource_type, code))
                    or [kinds[part.definition] for part in parameter.components],
                    strict=True,
                )
            ),
        )
        for code, parameter in sorted(found.items())
        if parameter.expression
    )
