"""Problems as OperationOutcomes, in the caller's language (R4 §2.1.8).

Vietnamese wordings stand in a table by the problem's code; a problem without one speaks
the English of its class, so that nothing is ever silent.
"""

from collections.abc import Mapping
from typing import Any

from trucyte.base.problem import Kind, Problem

ISSUE_TYPES: Mapping[Kind, str] = {
    Kind.BAD_INPUT: "invalid",
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

VIETNAMESE: Mapping[str, str] = {
    "not-found": "Không có {type} này ở đây.",
    "gone": "{type} này đã bị xóa.",
    "restricted": "{type} này thuộc diện hạn chế: cần xin quyền.",
    "type-unknown": "{type} không phải là loại tài nguyên của FHIR R4.",
    "no-such-path": "Không có gì ở đường dẫn này.",
    "method-not-allowed": "Đường dẫn này không nhận phương thức {method}.",
    "not-acceptable": "Nút này chỉ trả lời bằng JSON (application/fhir+json).",
    "bad-query": "Không đọc được câu hỏi: {reason}.",
    "search-parameter-unknown": "{type} không có tham số tìm kiếm {parameter}.",
    "search-parameter-unsupported": "Chưa tìm được theo tham số {parameter}.",
    "search-modifier": "Tham số {parameter} không dùng được với bổ ngữ này.",
    "search-value": "Giá trị của tham số {parameter} không đúng dạng {expected}.",
    "search-too-large": "Câu hỏi có quá {most} điều kiện.",
    "body-too-large": "Nội dung gửi lớn hơn {limit} byte; hãy gửi làm nhiều phần.",
    "database-away": "Cơ sở dữ liệu chưa trả lời; hãy thử lại sau ít phút.",
    "database-full": "Ổ đĩa của cơ sở dữ liệu đã đầy; hãy giải phóng chỗ.",
    "page-expired": "Trang này đã hết hạn; hãy tìm lại từ đầu.",
    "page-token": "Không nhận ra mã trang này; hãy tìm lại từ đầu.",
}


def said(problem: Problem, language: str) -> str:
    """Return the problem's message in "vi" or "en"."""
    words = VIETNAMESE.get(problem.code) if language == "vi" else None
    return words.format_map(_Known(problem.facts)) if words else problem.message


class _Known(dict[str, str | int]):
    """Facts that show a question mark where one is missing."""

    def __missing__(self, name: str) -> str:
        return "?"


def outcome_of(problem: Problem, language: str) -> dict[str, Any]:
    """Return the OperationOutcome of a problem."""
    issue = {
        "severity": "error",
        "code": ISSUE_TYPES[problem.kind],
        "details": {
            "coding": [{"system": "https://trucyte.vn/fhir/problems", "code": problem.code}],
            "text": said(problem, language),
        },
        "diagnostics": said(problem, language),
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}
