"""Which parameters' distinct codes are listed beside the index, to sort by."""

from collections.abc import Sequence

from trucyte.fhir.search.expression import Key
from trucyte.fhir.search.parameters import Parameter
from trucyte.records.hashing import parameter_number


def sorted_number(resource_type: str, code: str) -> int:
    """Return the number under which a parameter's distinct codes are listed, to sort by."""
    return parameter_number(resource_type, f"{code}#code")


def is_listed(parameter: Parameter) -> bool:
    """Say whether the distinct codes of a parameter are listed.

    Those of identifiers and addresses are of one resource alone.
    """
    if parameter.type != "token" or parameter.is_custom or parameter.is_by_path:
        return False
    return not any(_names(path) & _UNLISTED for path in parameter.paths)


_UNLISTED = frozenset(
    {"identifier", "groupIdentifier", "masterIdentifier", "telecom", "uid", "altId"}
)


def _names(path: Sequence[object]) -> set[str]:
    return {step.name for step in path if isinstance(step, Key)}
