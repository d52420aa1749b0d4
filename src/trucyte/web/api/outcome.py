"""Problems as OperationOutcomes, in the caller's language (R4 §2.1.8).

The words are those of the one table that the command line and the pages speak from; a
refusal that rests on findings of the validator lists them all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.fhir.issue import Issue
from trucyte.fhir.outcome import ISSUE_TYPES, operation_outcome
from trucyte.web.api.asgi import Defect

PROBLEMS = "https://trucyte.vn/fhir/problems"

_FINE: Mapping[str, Mapping[str, str]] = {
    "written": {"vi": "Đã lưu.", "en": "It was stored."},
    "unchanged": {
        "vi": "Nội dung như cũ, không ghi gì thêm.",
        "en": "The content is what it was; nothing was written.",
    },
    "found": {
        "vi": "Đã có bản ghi thỏa điều kiện, không tạo mới.",
        "en": "A resource that meets the condition is there; none was created.",
    },
    "deleted": {"vi": "Đã xóa.", "en": "It was deleted."},
    "nothing-to-delete": {"vi": "Không có gì để xóa.", "en": "There was nothing to delete."},
}


def outcome_of(problem: Problem, language: str) -> dict[str, Any]:
    """Return the OperationOutcome of a problem, with every finding it rests on."""
    first: dict[str, Any] = {
        "severity": "fatal" if isinstance(problem, Defect) else "error",
        "code": "exception" if isinstance(problem, Defect) else ISSUE_TYPES[problem.kind],
        "details": {
            "coding": [{"system": PROBLEMS, "code": problem.code}],
            "text": wording(problem, language),
        },
        "diagnostics": wording(problem, language),
    }
    if problem.location:
        first["expression"] = [problem.location]
    issues: Sequence[Issue] = getattr(problem, "issues", ())
    found = operation_outcome(issues, language)["issue"] if issues else []
    return {"resourceType": "OperationOutcome", "issue": [first, *found]}


def fine(text: str, language: str) -> dict[str, Any]:
    """Return an OperationOutcome that says what was done; `text` names a row of the table."""
    said = _FINE[text]
    return information("informational", text, said.get(language, said["en"]))


def information(code: str, name: str, text: str, severity: str = "information") -> dict[str, Any]:
    """Return an OperationOutcome of one remark."""
    issue = {
        "severity": severity,
        "code": code,
        "details": {"coding": [{"system": PROBLEMS, "code": name}], "text": text},
        "diagnostics": text,
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}
