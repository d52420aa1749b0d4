"""A fault in a claim, said by rule number; the words are the rule's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as with_default

from trucyte.fhir.issue import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule met one fault at one place. Facts hold no personal data."""

    rule: str  # stable number in the rule table, e.g. "4750-2-020"
    severity: Severity
    table: str  # "XML2"; "" for the file
    row: int  # 1-based place in the table as sent; 0 for the table or file
    field: str  # "THANH_TIEN_BV"; "" where the rule is about the row
    facts: Mapping[str, str | int] = with_default(default_factory=dict)  # fills the rule's wording
