"""What in the trail a security officer should look at: rules as data, and who follows it."""

from trucyte.shared.audit.alerts.engine import Engine, Known, Raised
from trucyte.shared.audit.alerts.rule import Rule, RulesUnreadable, Sign, read_rules

__all__ = ["Engine", "Known", "Raised", "Rule", "RulesUnreadable", "Sign", "read_rules"]
