"""A SearchParameter as posted: whether it takes part in searches, and what it then means.

Only an active one does; what is a draft, retired or unknown is kept like any resource.
One that only describes a parameter of R4 in its own words, or narrows it on paper, adds
nothing to the index: R4's own goes on answering.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.fhir.definitions import Definitions, SearchParameter
from trucyte.fhir.path.path import Paths
from trucyte.fhir.search.custom import (
    CompiledParameter,
    SearchParameterBeyond,
    SearchParameterUnreadable,
    compile_parameter,
)
from trucyte.fhir.search.parameters import Parameter
from trucyte.records.hashing import parameter_number
from trucyte.records.rows import component_number

TYPE = "SearchParameter"


def compiled(
    resource: Mapping[str, Any],
    definitions: Definitions,
    others: Sequence[CompiledParameter],
    paths: Paths,
) -> CompiledParameter | None:
    """Return what a SearchParameter adds to searches, None where nothing.

    Raises as `compile_parameter`; SearchParameterUnreadable where `derivedFrom` is not kept to.
    """
    if resource.get("status") != "active":
        return None
    own = {parameter.url: parameter for parameter in definitions.all_search_parameters}
    url = resource.get("url")
    if url in own:
        return None
    origin = resource.get("derivedFrom")
    if origin is None:
        return compile_parameter(resource, definitions, others, paths)
    if origin in own:
        return _derived(resource, own[origin], definitions, others, paths)
    theirs = next((other for other in others if other.url == origin), None)
    if theirs is None:
        raise SearchParameterBeyond(reason="derivedFrom names a parameter that is not here")
    made = compile_parameter(resource, definitions, others, paths)
    _check_derived(made, theirs.type, tuple(theirs.expressions))
    return made


def _derived(
    resource: Mapping[str, Any],
    origin: SearchParameter,
    definitions: Definitions,
    others: Sequence[CompiledParameter],
    paths: Paths,
) -> CompiledParameter | None:
    bases = resource.get("base")
    if resource.get("code") == origin.code and isinstance(bases, list):
        if resource.get("type") != origin.type or not set(bases) <= set(origin.base):
            raise SearchParameterUnreadable(element="derivedFrom")
        return None
    made = compile_parameter(resource, definitions, others, paths)
    _check_derived(made, origin.type, _concrete(origin.base, definitions))
    return made


def _check_derived(made: CompiledParameter, kind: str, types: Sequence[str]) -> None:
    """A parameter derived from another keeps its type, and to its bases."""
    if made.type != kind or not set(made.expressions) <= set(types):
        raise SearchParameterUnreadable(element="derivedFrom")


def _concrete(bases: Sequence[str], definitions: Definitions) -> tuple[str, ...]:
    if "Resource" in bases or "DomainResource" in bases:
        return tuple(definitions.resource_types)
    return tuple(bases)


def side_numbers(parameter: CompiledParameter) -> list[int]:
    """Return the numbers under which its values stand in the side tables, of all its types."""
    found = []
    for name in parameter.expressions:
        made: Parameter = parameter.parameter(name, 0)
        found.append(parameter_number(name, made.code))
        found += [
            component_number(name, made.code, place) for place in range(len(made.component_types))
        ]
    return found
