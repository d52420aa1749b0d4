"""What operations share: their parameters, read from an address or a body, and their answers.

What an operation does not know is refused by name, as everywhere (decision 0145).
"""

from collections.abc import Mapping
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.fhir.exact import write_exact
from trucyte.fhir.text import scan
from trucyte.shared.terminology.operations.given import (
    Given,
    ParameterRefused,
    read_given,
    read_query,
)
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall

HL7: Final = "http://hl7.org/fhir/OperationDefinition/"
GET: Final = frozenset({"GET"})
POST: Final = frozenset({"POST"})
BOTH: Final = GET | POST


class BodyNeeded(Problem):
    """This operation needs a resource in the body of a POST: {expected}."""

    code = "operation-body"


def given_of(call: FhirCall, known: Mapping[str, str], resource: str = "") -> Given:
    """Return the parameters of a call: those of the address and those of the body.

    A body that is not Parameters is the parameter named `resource` (R4 §3.2.0.1.1).
    Raises ParameterRefused, ParameterUnsupported, BodyNeeded, and as `scan`.
    """
    asked = read_query(call.pairs, known)
    if not call.body:
        return asked
    body = scan(call.body).resource
    if body.get("resourceType") == "Parameters":
        given = read_given(body, known)
    elif resource:
        given = Given({resource: (body,)})
    else:
        raise BodyNeeded(expected="Parameters")
    for name in asked.values.keys() & given.values.keys():
        raise ParameterRefused(name=name, reason="given twice")
    return Given({**asked.values, **given.values})


def answered(resource: Mapping[str, Any], status: int = 200) -> Answer:
    """Return a resource as an answer."""
    return Answer(status, write_exact(dict(resource)), FHIR_JSON)
