"""What is asked of codes, as tokens of the index. Pure."""

from collections.abc import Sequence

from trucyte.fhir.search.parameters import Parameter
from trucyte.records.hashing import Hasher
from trucyte.records.search.asked.leaf import Criterion, Value


def token_hashes(
    criterion: Criterion, type: str, parameters: Sequence[Parameter], hasher: Hasher
) -> list[int]:
    """Return the tokens of which a row of the type has one that meets a criterion on codes."""
    assert criterion.parameter is not None
    forms = [token_form(hasher, value) for value in criterion.values]
    return tokens_under(type, parameters, criterion.parameter, forms, hasher)


def tokens_under(
    type: str,
    parameters: Sequence[Parameter],
    parameter: Parameter,
    forms: Sequence[int],
    hasher: Hasher,
) -> list[int]:
    """Return the tokens of forms of a value, under a parameter of a type."""
    return [
        hasher.parameter(type, parameters[source].code) ^ form
        for source in parameter.sources
        for form in forms
    ]


def token_form(hasher: Hasher, value: Value, modifier: str = "") -> int:
    """Return the form by which a code is asked: with its system, without, or of a type."""
    parts = value.parts
    if modifier == "of-type":
        return hasher.of_type(*parts)
    if len(parts) == 1:
        return hasher.code(parts[0])
    system, code = parts
    if not system:
        return hasher.bare_code(code)
    return hasher.system_code(system, code) if code else hasher.system(system)
