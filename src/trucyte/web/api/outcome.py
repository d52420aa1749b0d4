"""Problems as OperationOutcomes, in the caller's language (R4 §2.1.8).

The words are those of the one table that the command line and the pages speak from.
"""

from collections.abc import Mapping
from typing import Any

from trucyte.base.problem import Kind, Problem
from trucyte.base.wording import wording

ISSUE_TYPES: Mapping[Kind, str] = {
    Kind.BAD_INPUT: "invalid",
    Kind.INVALID: "invalid",
    Kind.NOT_FOUND: "not-found",
    Kind.GONE: "deleted",
    Kind.CONFLICT: "conflict",
    Kind.PRECONDITION: "conflict",
    Kind.UNAUTHENTICATED: "login",
    Kind.FORBIDDEN: "forbidden",
    Kind.TOO_LARGE: "too-long",
    Kind.UNSUPPORTED: "not-supported",
    Kind.UNAVAILABLE: "transient",
    Kind.NO_SPACE: "no-store",
}


def outcome_of(problem: Problem, language: str) -> dict[str, Any]:
    """Return the OperationOutcome of a problem."""
    issue = {
        "severity": "error",
        "code": ISSUE_TYPES[problem.kind],
        "details": {
            "coding": [{"system": "https://trucyte.vn/fhir/problems", "code": problem.code}],
            "text": wording(problem, language),
        },
        "diagnostics": wording(problem, language),
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}
