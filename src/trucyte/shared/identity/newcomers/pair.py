"""Two Patients that may be one person, and what became of that question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from trucyte.base.problem import Kind, Problem
from trucyte.shared.identity.links import Decided
from trucyte.shared.identity.matching.deciding import Decision
from trucyte.shared.identity.matching.model import Evidence, Part

Key = tuple[int, str, int, str]  # origin and id of the lower, then of the higher


class PairUnknown(Problem):
    """There is no such pair in the worklist."""

    kind = Kind.NOT_FOUND
    code = "pair-unknown"


class PairState(StrEnum):
    """Where the question stands."""

    OPEN = "open"  # it waits for a person
    LATER = "later"  # a person put it off
    LINKED = "linked"
    DIFFERENT = "different"  # remembered: never proposed again
    BROKEN = "broken"  # was linked and is no more: never proposed again
    WITHDRAWN = "withdrawn"  # a Patient changed or ended, and nothing is left to ask


@dataclass(frozen=True, slots=True)
class Pair:
    """One question. Nothing in it is personal but the references."""

    number: int
    low: str  # references, `Patient/x`
    high: str
    state: PairState
    decision: Decision  # as it was when last looked at
    model: str  # version
    proposed_at: datetime
    decided_at: datetime | None
    decided_by: str  # account, or the part of the program


def key_of(one: tuple[int, str], other: tuple[int, str]) -> Key:
    """Return the key of two Patients, by (origin, id), whichever is named first."""
    low, high = sorted((one, other))
    return (*low, *high)


def pair_of(row: Sequence[Any]) -> Pair:
    """Return the pair of a row of `pair_columns`."""
    number, low, high, state, weight, chance, model, rules, parts, verdict, *rest = row
    evidence = Evidence(weight, chance, tuple(Part(*part) for part in parts))
    decision = Decision(verdict, tuple(rules), evidence)
    return Pair(
        number, f"Patient/{low}", f"Patient/{high}", PairState(state), decision, model, *rest
    )


def evidence_row(decision: Decision) -> Mapping[str, Any]:
    """Return the columns that keep a decision."""
    evidence = decision.evidence
    return {
        "weight": round(evidence.weight_bits, 3),
        "probability": evidence.probability,
        "rules": list(decision.rules),
        "verdict": decision.verdict,
        "parts": [[part.comparison, part.level, round(part.bits, 2)] for part in evidence.parts],
    }


def decided_of(decision: Decision, model: str, *more: str, note: str = "") -> Decided:
    """Return a decision as a link keeps it; `more` are rules beside the model's own."""
    evidence = decision.evidence
    return Decided(
        rules=(*decision.rules, *more),
        model=model,
        levels=[(part.comparison, part.level) for part in evidence.parts],
        weight=Decimal(f"{evidence.weight_bits:.2f}"),
        probability=Decimal(f"{evidence.probability:.6f}"),
        note=note,
    )
