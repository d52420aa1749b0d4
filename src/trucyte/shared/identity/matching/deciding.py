"""From evidence to a verdict: named rules first, the weight after them."""

from collections.abc import Callable
from dataclasses import dataclass

from trucyte.shared.identity.matching.model import Evidence, Model
from trucyte.shared.identity.matching.person import Person
from trucyte.shared.identity.matching.rules import DIFFERENT, RULES, SURE, UNSURE, Rule

Judge = Callable[[Person, Person], bool]

_CONDITIONS: dict[int, Judge] = {
    id(rule): rule.when.judge() for rule in RULES if rule.when is not None
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, the rules that made it (none: the weight alone), and the evidence."""

    verdict: str  # "sure", "unsure" or "different"
    rules: tuple[str, ...]
    evidence: Evidence


def decide(left: Person, right: Person, evidence: Evidence, model: Model) -> Decision:
    """Decide about two records.

    A rule that parts outranks all; one that forbids a link without a look outranks those
    that link; where no rule speaks, the probability does, by the model's thresholds.
    """
    levels = {part.comparison: part.level for part in evidence.parts}
    held = [rule for rule in RULES if _holds(rule, levels, left, right, model)]
    for verdict in (DIFFERENT, UNSURE, SURE):
        names = tuple(dict.fromkeys(rule.name for rule in held if rule.verdict == verdict))
        if names:
            return _decided(verdict, names, evidence, model)
    return Decision(_by_weight(evidence, model), (), evidence)


def resembles(decision: Decision, model: Model) -> bool:
    """Say whether a pair is one person, may be, or was told apart by a rule alone, as twins are."""
    is_likely = decision.evidence.probability >= model.thresholds.unsure
    return is_likely or decision.verdict != DIFFERENT


def _decided(verdict: str, names: tuple[str, ...], evidence: Evidence, model: Model) -> Decision:
    if verdict == UNSURE:  # a cap: what would be different anyway stays different
        by_weight = _by_weight(evidence, model)
        if by_weight == DIFFERENT:
            return Decision(DIFFERENT, (), evidence)
    return Decision(verdict, names, evidence)


def _by_weight(evidence: Evidence, model: Model) -> str:
    if evidence.probability >= model.thresholds.sure:
        return SURE
    return UNSURE if evidence.probability >= model.thresholds.unsure else DIFFERENT


def _holds(rule: Rule, levels: dict[str, str], left: Person, right: Person, model: Model) -> bool:
    if any(levels[name] not in wanted for name, wanted in rule.levels.items()):
        return False
    if rule.when and not _CONDITIONS[id(rule)](left, right):
        return False
    return not rule.borne or all(
        model.is_borne(rule.borne, getattr(person, rule.borne)) for person in (left, right)
    )
