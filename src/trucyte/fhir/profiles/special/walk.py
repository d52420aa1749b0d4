"""Careful looks into a resource whose structure may be wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.path.syntax.parser import parse
from trucyte.fhir.profiles.rules import PATH_INVALID
from trucyte.fhir.validation.fault import Found, fault


def texts(value: Any, name: str) -> str:
    """Return a text member, "" where it is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if type(found) is str else ""


def objects(value: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield step and value of the objects in an array."""
    listed = value.get(name) if isinstance(value, Mapping) else None
    for number, one in enumerate(listed if type(listed) is list else ()):
        if type(one) is dict:
            yield f".{name}[{number}]", one


def codings(concept: Any) -> list[tuple[str, str]]:
    """Return the (system, code) pairs of a CodeableConcept."""
    return [(texts(one, "system"), texts(one, "code")) for _, one in objects(concept, "coding")]


def expression_faults(expression: str) -> Found:
    """Return the fault of a text that is no FHIRPath; relative to what holds it."""
    if not expression:
        return None
    try:
        parse(expression)
    except PathProblem as problem:
        return fault(PATH_INVALID, ".expression", reason=str(problem)[:200])
    except RecursionError:
        return fault(PATH_INVALID, ".expression", reason="it nests too deeply")
    return None
