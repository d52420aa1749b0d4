"""Compartments: what belongs to a person, a visit or a device (R4 2.5), as a criterion."""

from collections.abc import Mapping, Sequence

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Compartment
from trucyte.fhir.search.parameters import Parameter
from trucyte.records.search.asked.leaf import CENTRE, Criterion, Value
from trucyte.records.search.asked.names import Language
from trucyte.records.search.asked.tree import Node, Or


class CompartmentUnknown(Problem):
    """{type} has no compartment, or nothing of the type asked for belongs to it."""

    kind = Kind.NOT_FOUND
    code = "compartment-unknown"


def types_within(compartments: Mapping[str, Compartment], type_name: str) -> tuple[str, ...]:
    """Return the types of a compartment; raises CompartmentUnknown."""
    compartment = compartments.get(type_name)
    if compartment is None:
        raise CompartmentUnknown(type=type_name)
    own = {type_name: ()}
    return tuple(kind for kind, codes in (own | dict(compartment.resources)).items()
                 if codes or kind == type_name)  # fmt: skip


def within(
    compartments: Mapping[str, Compartment],
    place: tuple[str, str],
    resource_type: str,
    language: Language,
) -> Node:
    """Return that a resource of a type is in the compartment of `place` (type, id).

    Who or what stands at the centre belongs to it. Raises CompartmentUnknown.
    """
    centre, id_ = place
    if resource_type not in types_within(compartments, centre):
        raise CompartmentUnknown(type=centre)
    parts: list[Node] = [
        Criterion(p.code, "reference", p, "", (Value(parts=(f"{centre}/{id_}",)),))
        for p in parameters_within(compartments, centre, resource_type, language)
    ]
    if resource_type == centre:
        parts.append(Criterion(CENTRE, "id", None, "", (Value(parts=(id_,)),)))
    return Or(tuple(parts))


def parameters_within(
    compartments: Mapping[str, Compartment], centre: str, resource_type: str, language: Language
) -> Sequence[Parameter]:
    """Return the reference parameters that make a resource part of a compartment."""
    codes = compartments[centre].resources.get(resource_type, ())
    return [
        parameter
        for parameter in language.parameters(resource_type)
        if parameter.code in codes and parameter.type == "reference"
    ]
