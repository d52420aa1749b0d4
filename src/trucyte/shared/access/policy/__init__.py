"""Who may do what, by rules that are data: read once, compiled once, asked at every door.

`rules/*.toml` hold the rules with their articles of law; `Decider.access` turns a subject
and a purpose into an `Access` value, or refuses. Nothing is allowed that no rule permits,
and a forbid takes from whatever permit was found.
"""

from trucyte.shared.access.policy.book import RuleBook, load_book
from trucyte.shared.access.policy.decider import AccessDenied, Decider
from trucyte.shared.access.policy.explaining import Explained
from trucyte.shared.access.policy.rule import RulesRefused

__all__ = ["AccessDenied", "Decider", "Explained", "RuleBook", "RulesRefused", "load_book"]
