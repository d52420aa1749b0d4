"""Findings and problems as a FHIR OperationOutcome (R4 2.1.8), worded for people."""

from collections.abc import Sequence
from typing import Any

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.wording import WORDINGS, worded

ISSUE_TYPES: dict[Kind, str] = {
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


def message(issue: Issue, language: str) -> str:
    """Return what an issue says: where, what is wrong, how to mend it."""
    return worded(issue.message_id, language, issue.location, dict(issue.facts))


def operation_outcome(issues: Sequence[Issue], language: str) -> dict[str, Any]:
    """Return an OperationOutcome; without issues it says that nothing was found.

    `diagnostics` holds the stable message id, `details.text` the wording.
    """
    listed = [_entry(issue, message(issue, language)) for issue in issues]
    if not listed:
        fine = Issue(Severity.INFORMATION, "informational", "no-issues", "")
        listed = [_entry(fine, message(fine, language))]
    return {"resourceType": "OperationOutcome", "issue": listed}


def problem_outcome(problem: Problem, language: str) -> dict[str, Any]:
    """Return an OperationOutcome of one refusal; `diagnostics` holds its code."""
    code = problem.code
    text = worded(code, language, "", problem.facts) if code in WORDINGS else problem.message
    issue = Issue(Severity.ERROR, ISSUE_TYPES[problem.kind], code, "")
    return {"resourceType": "OperationOutcome", "issue": [_entry(issue, text)]}


def _entry(issue: Issue, text: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "severity": issue.severity.value,
        "code": issue.code,
        "details": {"text": text},
        "diagnostics": issue.message_id,
    }
    if issue.location:
        entry["expression"] = [issue.location]
    return entry
