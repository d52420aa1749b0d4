"""What search values need to know of FHIR's definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ElementShape:
    """One element: its types, and whether it repeats."""

    types: tuple[str, ...]
    many: bool


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


class SearchDefinitions(Protocol):
    """Where elements and parameters come from."""

    def elements(self, type_name: str) -> Mapping[str, ElementShape]:
        """Return the elements of a resource or data type by path, choices as `path[x]`."""
        ...

    def search_parameters(self, resource_type: str) -> Sequence[ParameterDefinition]:
        """Return the parameters of a resource type, those of every resource among them."""
        ...
