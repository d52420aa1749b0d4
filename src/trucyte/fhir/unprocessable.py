"""Content that can be read but not accepted: what HTTP answers with 422 (R4 3.1.0.8)."""

from collections.abc import Sequence

from trucyte.base.problem import Problem
from trucyte.fhir.issue import Issue


class Unprocessable(Problem):
    """The content can be read, but not accepted."""

    code = "unprocessable"
    issues: Sequence[Issue] = ()  # every finding it rests on
