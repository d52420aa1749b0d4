"""Search values by the full language, for parameters that generated code does not read.

Parameters of other packages may be written in any FHIRPath; of R4's own it is those
that name an entry of a Bundle.
"""

from trucyte.fhir.path.environment import NO_ENVIRONMENT, Environment
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.path import Path
from trucyte.fhir.search.converters import CONVERTERS
from trucyte.fhir.search.values import SearchValues


def add_values_by_path(
    out: SearchValues,
    number: int,
    kind: str,
    path: Path,
    resource: Node,
    environment: Environment = NO_ENVIRONMENT,
) -> None:
    """Append what `path` finds in a resource as values of parameter `number`.

    `kind` is the parameter's type ("token", "reference" …). A resource where a
    reference is searched is found by its type and id. Raises as `Path.evaluate` does.
    """
    known = CONVERTERS[kind]
    for item in path.evaluate(resource, environment):
        if not isinstance(item, Node) or item.value is None:
            continue
        if item.kind.is_resource and kind == "reference" and "id" in item.value:
            out.references.append((number, item.kind.name, item.value["id"], None, None, None))
        elif item.kind.name in known:
            known[item.kind.name](out, number, item.value)
