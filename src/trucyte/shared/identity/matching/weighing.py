"""Weighing many against one, leaving a pair as soon as it can no longer be likely.

Most who share a key with somebody are others: what tells them apart is asked first, and the
rest of a pair's comparisons only while they could still make it likely. What is weighed to
the end weighs exactly what `Model.weigh` says; what is left is a pair that is "different"
and whose weight alone says so.
"""

from collections.abc import Mapping
from math import log2
from typing import Final

from trucyte.shared.identity.matching.conditions import All, Condition, Same
from trucyte.shared.identity.matching.levels import COMPARISONS, MISSING, Comparison, level_of
from trucyte.shared.identity.matching.model import (
    RARE_BITS_MAX,
    Evidence,
    Model,
    Part,
    bounded,
)
from trucyte.shared.identity.matching.person import Person
from trucyte.shared.identity.matching.rules import RULES, SURE

# What is cheap to compare and parts most goes first.
_ORDER: Final = (
    "personal", "social", "identity", "passport", "phone", "given", "address", "birth",
    "family", "middle", "sex", "mother",
)  # fmt: skip
_BY_NAME: Final = {comparison.name: comparison for comparison in COMPARISONS}
_PLACES: Final = tuple(_ORDER.index(comparison.name) for comparison in COMPARISONS)
_JUDGED: Final = tuple((name, _BY_NAME[name].needs, level_of(_BY_NAME[name])) for name in _ORDER)
_IMPLIED: Final = {"birth": "birth_year"}  # who has the one in common has the other
_CROSSED: Final = Same("name_sound")
_ROUNDING: Final = 1e-6  # sums in another order differ by less

# A rule links whatever a pair weighs; each asks for one of these numbers in common.
LINKING_NUMBERS: Final = tuple(
    dict.fromkeys(
        next(name for name, wanted in rule.levels.items() if wanted == {"exact"})
        for rule in RULES
        if rule.verdict == SURE
    )
)


class Scale:
    """Weighs pairs by one model. Safe to share between threads."""

    def __init__(self, model: Model) -> None:
        """Leave what cannot reach the model's threshold for a look."""
        self.model = model
        unsure = model.thresholds.unsure
        prior = log2(model.prior / (1 - model.prior))
        self.least = log2(unsure / (1 - unsure)) - prior - _ROUNDING

    def of(self, person: Person) -> "Weighing":
        """Return what weighs others against `person`."""
        return Weighing(self, person)


class Weighing:
    """Weighs others against one person."""

    def __init__(self, scale: Scale, person: Person) -> None:
        """Find what each comparison can weigh at most, being of this person."""
        self._model, self._least, self._person = scale.model, scale.least, person
        self._numbers = [(n, own) for n in LINKING_NUMBERS if (own := getattr(person, n))]
        self._bits = {name: self._known(_BY_NAME[name]) for name in _ORDER}
        self._rest = (self._ceilings(crossed=False), self._ceilings(crossed=True))

    def weigh(self, other: Person) -> Evidence | None:
        """Return what `Model.weigh` does, or None where a pair cannot be likely."""
        left = self._person
        if any(getattr(other, name) == own for name, own in self._numbers):
            return self._model.weigh(left, other)
        rest = self._rest[bool(left.name_sound) and left.name_sound == other.name_sound]
        total, parts = 0.0, []
        for place, (name, _, level_of_pair) in enumerate(_JUDGED):
            level = level_of_pair(left, other)
            bits = self._bits[name].get(level)
            if bits is None:
                bits = self._model.bits(name, level, left, other)
            total += bits
            if total + rest[place] < self._least:
                return None
            parts.append(Part(name, level, bits))
        return self._model.evidence([parts[place] for place in _PLACES], left, other)

    def _known(self, comparison: Comparison) -> Mapping[str, float]:
        """Return the bits of the levels that go by nothing of the other person's."""
        found = {MISSING: 0.0}
        weights = self._model.weights[comparison.name]
        for level in comparison.levels:
            weight = weights.get(level.name)
            if weight is None:
                found[level.name] = 0.0
            elif not level.frequency or not weight.typical:
                found[level.name] = weight.bits
            elif level.frequency in _shared(level.when):
                share = self._model.frequency(
                    level.frequency, getattr(self._person, level.frequency)
                )
                found[level.name] = weight.bits + bounded(log2(weight.typical / share))
        if "else" in weights:
            found["else"] = weights["else"].bits
        return found

    def _ceilings(self, *, crossed: bool) -> tuple[float, ...]:
        """Return what all comparisons behind each can add at most."""
        behind, found = 0.0, []
        for name, needs, _ in reversed(_JUDGED):
            found.append(behind)
            if getattr(self._person, needs):
                behind += self._ceiling(_BY_NAME[name], crossed=crossed)
        return tuple(reversed(found))

    def _ceiling(self, comparison: Comparison, *, crossed: bool) -> float:
        known, weights = self._bits[comparison.name], self._model.weights[comparison.name]
        most = max(0.0, known.get("else", 0.0))
        for level in comparison.levels:
            if level.name in weights and (crossed or level.when != _CROSSED):
                bits = known.get(level.name)
                most = max(most, weights[level.name].bits + RARE_BITS_MAX if bits is None else bits)
        return most


def _shared(condition: Condition) -> frozenset[str]:
    """Return the columns that both of a pair have in common wherever a condition holds."""
    if isinstance(condition, Same):
        implied = _IMPLIED.get(condition.column)
        return frozenset({condition.column, implied} if implied else {condition.column})
    if isinstance(condition, All):
        return frozenset().union(*map(_shared, condition.parts))
    return frozenset()
