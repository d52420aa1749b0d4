"""Weighing many against one, leaving a pair as soon as it can no longer be likely.

Most who share a key with somebody are others: what tells them apart is asked first, and the
rest of a pair's comparisons only while they could still make it likely. What is weighed to
the end weighs exactly what `Model.weigh` says; what is left is a pair that is "different"
and whose weight alone says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Final

from trucyte.shared.identity.matching.conditions import All, Condition, Same
from trucyte.shared.identity.matching.levels import COMPARISONS, ELSE, MISSING, Comparison, level_of
from trucyte.shared.identity.matching.model import (
    RARE_BITS_MAX,
    Evidence,
    Model,
    Part,
    Weight,
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
_JUDGED: Final = tuple((name, level_of(_BY_NAME[name])) for name in _ORDER)
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What one comparison weighs, as far as that does not go by the other person."""

    name: str
    needs: str
    bits: Mapping[str, float]  # of levels that go by no value
    most: tuple[float, float]  # of those and of what is not known before: plain, crossed
    by_share: Sequence[tuple[str, str, Weight]]  # level, column: by how many bear the value


class Scale:
    """Weighs pairs by one model. Safe to share between threads."""

    def __init__(self, model: Model) -> None:
        """Leave what cannot reach the model's threshold for a look."""
        self.model = model
        unsure = model.thresholds.unsure
        prior = log2(model.prior / (1 - model.prior))
        self.least = log2(unsure / (1 - unsure)) - prior - _ROUNDING
        self.known = tuple(_known(model, _BY_NAME[name]) for name in _ORDER)

    def of(self, person: Person) -> "Weighing":
        """Return what weighs others against `person`."""
        return Weighing(self, person)


class Weighing:
    """Weighs others against one person."""

    def __init__(self, scale: Scale, person: Person) -> None:
        """Find what each comparison can weigh at most, being of this person."""
        self._model, self._least, self._person = scale.model, scale.least, person
        self._numbers = [(n, own) for n in LINKING_NUMBERS if (own := getattr(person, n))]
        self._bits: list[Mapping[str, float]] = []
        ceilings = []
        for known in scale.known:
            bits, most = self._own(known)
            self._bits.append(bits)
            ceilings.append(most if getattr(person, known.needs) else (0.0, 0.0))
        self._rest = tuple(_behind([most[crossed] for most in ceilings]) for crossed in (0, 1))

    def weigh(self, other: Person) -> Evidence | None:
        """Return what `Model.weigh` does, or None where a pair cannot be likely."""
        left = self._person
        if any(getattr(other, name) == own for name, own in self._numbers):
            return self._model.weigh(left, other)
        rest = self._rest[bool(left.name_sound) and left.name_sound == other.name_sound]
        total, parts = 0.0, []
        for place, (name, level_of_pair) in enumerate(_JUDGED):
            level = level_of_pair(left, other)
            bits = self._bits[place].get(level)
            if bits is None:
                bits = self._model.bits(name, level, left, other)
            total += bits
            if total + rest[place] < self._least:
                return None
            parts.append(Part(name, level, bits))
        return self._model.evidence([parts[place] for place in _PLACES], left, other)

    def _own(self, known: _Known) -> tuple[Mapping[str, float], tuple[float, float]]:
        """Return the bits of levels with this person's own values, and the most there can be."""
        if not known.by_share:
            return known.bits, known.most
        bits, most = dict(known.bits), 0.0
        for level, column, weight in known.by_share:
            share = self._model.frequency(column, getattr(self._person, column))
            found = bits[level] = weight.bits + bounded(log2(weight.typical / share))
            most = max(most, found)
        return bits, (max(known.most[0], most), max(known.most[1], most))


def _known(model: Model, comparison: Comparison) -> _Known:
    weights = model.weights[comparison.name]
    bits, by_share = {MISSING: 0.0, ELSE: weights[ELSE].bits if ELSE in weights else 0.0}, []
    plain = crossed = max(0.0, bits[ELSE])
    for level in comparison.levels:
        weight = weights.get(level.name)
        if weight is None:
            bits[level.name] = most = 0.0
        elif not level.frequency or not weight.typical:
            bits[level.name] = most = weight.bits
        elif level.frequency in _shared(level.when):
            by_share.append((level.name, level.frequency, weight))
            continue
        else:
            most = weight.bits + RARE_BITS_MAX
        crossed = max(crossed, most)
        plain = plain if level.when == _CROSSED else max(plain, most)
    return _Known(comparison.name, comparison.needs, bits, (plain, crossed), by_share)


def _behind(ceilings: Sequence[float]) -> Sequence[float]:
    """Return for each place what all behind it can add at most."""
    return [sum(ceilings[place + 1 :]) for place in range(len(ceilings))]


def _shared(condition: Condition) -> frozenset[str]:
    """Return the columns that both of a pair have in common wherever a condition holds."""
    if isinstance(condition, Same):
        implied = _IMPLIED.get(condition.column)
        return frozenset({condition.column, implied} if implied else {condition.column})
    if isinstance(condition, All):
        return frozenset().union(*map(_shared, condition.parts))
    return frozenset()
