"""What became of each piece, between the workers and the receipts. Shapes only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from trucyte.intake.claims.finding import Finding


class Outcome(IntEnum):
    """What became of a piece; the numbers are those of `intake.visit.outcome`."""

    ACCEPTED = 1
    UNCHANGED = 2
    SUPERSEDED = 3
    QUARANTINED = 4


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one piece. Facts hold no personal data."""

    ordinal: int
    outcome: Outcome
    link: str = ""  # MA_LK
    encounter: str = ""
    is_restricted: bool = False
    resources: int = 0  # versions newly written
    findings: Sequence[Finding] = ()
    variant: str = ""
    facility: str = ""
    reason: str = ""  # of quarantine
    facts: Mapping[str, str | int] = field(default_factory=dict)
