"""What a check found, apart from how it is worded.

An `Issue` carries a stable message id and facts; the wording in Vietnamese and
English lies in one catalogue and says how to mend it (OperationOutcome, R4 2.1.8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Severity(Enum):
    """FHIR's issue-severity."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding at one place."""

    severity: Severity
    code: str  # FHIR issue-type: structure, required, value, invariant, code-invalid …
    message_id: str  # stable: "required-element", "unknown-element" …
    location: str  # FHIRPath, e.g. Observation.component[1].code
    facts: Mapping[str, str | int] = field(default_factory=dict)
