"""What may be linked without asking anybody; pure."""

from dataclasses import dataclass
from enum import StrEnum

from trucyte.shared.identity.matching.deciding import Decision
from trucyte.shared.identity.matching.model import Model


class Automatic(StrEnum):
    """When a machine links by itself."""

    NEVER = "never"  # everything likely goes to the worklist
    AGREEMENT = "agreement"  # where a deterministic rule and the model both are sure
    SURE = "sure"  # where either is


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's choice."""

    automatic: Automatic = Automatic.AGREEMENT

    def links(self, decision: Decision, model: Model) -> bool:
        """Say whether a decision links by itself."""
        if decision.verdict != "sure" or self.automatic is Automatic.NEVER:
            return False
        if self.automatic is Automatic.SURE:
            return True
        model_agrees = decision.evidence.probability >= model.thresholds.sure
        return bool(decision.rules) and model_agrees
