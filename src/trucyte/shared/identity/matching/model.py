"""The model: what each level weighs, how frequent names are, and where the thresholds lie.

Fellegi-Sunter. A level weighs log2(m/u): how much more often true pairs are on it than
random ones. Where a level goes by a value that some bear often and others seldom, the
weight is corrected by log2(typical/f), f being the share of people who bear the value and
`typical` the harmonic mean of f over random pairs on that level, so that the level weighs
log2(m/u) on the average over random pairs: Nguyễn little, a name of one in a million much.
At a level of values that differ, f is that of the rarer one: who writes a name that nobody
bears has slipped; who writes another common name is likely another person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import log2
from typing import Any

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.shared.identity.matching.levels import COMPARISONS, MISSING, compare
from trucyte.shared.identity.matching.person import Person

FORM = 1  # of the file
BORNE_SHARE_MIN = 2e-4  # a given name that so many bear is a name, not a slip
NAME_PARTS = ("given", "family", "middle")
WHOLE_NAME = "whole-name"
RARE_BITS_MAX = 6.0  # what the rarity of a value can add or take


class ModelUnreadable(Problem):
    """The matching model cannot be used: {reason}."""

    kind = Kind.BAD_INPUT
    code = "matching-model"


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one level."""

    m: float  # share of true pairs on it
    u: float  # share of random pairs on it
    typical: float = 0.0  # harmonic mean of the frequency over random pairs on it

    @property
    def bits(self) -> float:
        """The weight at a typical value."""
        return log2(self.m / self.u)


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Probabilities: from `sure` on a link is made, from `unsure` on somebody looks."""

    sure: float = 0.995
    unsure: float = 0.5


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trained model; one version is one set of weights."""

    form: int
    version: str
    trained_on: str  # in words: which data, how many records
    prior: float  # probability that two random records are of one person
    thresholds: Thresholds
    weights: dict[str, dict[str, Weight]]  # comparison -> level
    frequencies: dict[str, dict[str, float]]  # column -> value -> share of people
    rare: dict[str, float]  # column -> the share of a value that is not listed
    report: dict[str, Any] = {}

    def frequency(self, column: str, value: str) -> float:
        """Return the share of people who bear a value."""
        return self.frequencies.get(column, {}).get(value, self.rare.get(column, 1e-6))

    def is_borne(self, column: str, value: str) -> bool:
        """Say whether a value is one that people are known to bear, not a slip."""
        return self.frequency(column, value) >= BORNE_SHARE_MIN

    def weigh(self, left: Person, right: Person, *, prior: float | None = None) -> "Evidence":
        """Weigh two records; `prior` takes the place of the model's where it is known."""
        parts = []
        for name, level in compare(left, right).items():
            parts.append(Part(name, level, self.bits(name, level, left, right)))
        return self.evidence(parts, left, right, prior=prior)

    def evidence(
        self, parts: list["Part"], left: Person, right: Person, *, prior: float | None = None
    ) -> "Evidence":
        """Add up the parts of a pair, in the order of `COMPARISONS`."""
        excess = self._excess(parts, left, right)
        if excess:
            parts.append(Part(WHOLE_NAME, "exact", -excess))
        total = sum(part.bits for part in parts)
        return Evidence(total, probability(total, prior or self.prior), tuple(parts))

    def _excess(self, parts: Sequence["Part"], left: Person, right: Person) -> float:
        """Return what the parts of a name weigh beyond how rare the whole name is.

        Parts are not drawn one by one: peoples, regions and fashions have their own sets.
        """
        if not left.name_sound or left.name_sound != right.name_sound:
            return 0.0
        bits = sum(part.bits for part in parts if part.comparison in NAME_PARTS)
        return max(0.0, bits + log2(self.frequency("name_sound", left.name_sound)))

    def bits(self, name: str, level: str, left: Person, right: Person) -> float:
        """Return what a level of a comparison weighs in a pair."""
        if level == MISSING:
            return 0.0
        weight = self.weights[name].get(level)
        if weight is None:
            return 0.0
        column = FREQUENCY_OF.get((name, level))
        if not column or not weight.typical:
            return weight.bits
        rarer = min(
            self.frequency(column, getattr(left, column)),
            self.frequency(column, getattr(right, column)),
        )
        return weight.bits + bounded(log2(weight.typical / rarer))


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison of a pair: its level, and how many bits it adds or takes."""

    comparison: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against two records being of one person."""

    weight_bits: float  # the sum of the parts
    probability: float  # with the prior
    parts: tuple[Part, ...]

    def level(self, comparison: str) -> str:
        """Return the level of a comparison."""
        return next(part.level for part in self.parts if part.comparison == comparison)


FREQUENCY_OF: Mapping[tuple[str, str], str] = {
    (comparison.name, level.name): level.frequency
    for comparison in COMPARISONS
    for level in comparison.levels
    if level.frequency
}


def bounded(bits: float) -> float:
    """Return the correction for rarity within its bounds."""
    return max(-RARE_BITS_MAX, min(RARE_BITS_MAX, bits))


def probability(bits: float, prior: float) -> float:
    """Return the probability of a pair whose parts add up to `bits`."""
    exponent = bits + log2(prior / (1 - prior))
    if exponent > 60:
        return 1.0
    odds = 2.0**exponent if exponent > -60 else 0.0
    return odds / (1 + odds)


def read_model(body: bytes) -> Model:
    """Read a model file; raises ModelUnreadable."""
    try:
        model = msgspec.json.decode(body, type=Model)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ModelUnreadable(reason=str(error)[:120]) from None
    if model.form != FORM:
        raise ModelUnreadable(reason=f"form {model.form}")
    for comparison in COMPARISONS:
        known = model.weights.get(comparison.name, {})
        if not set(known) <= set(comparison.names()):
            raise ModelUnreadable(reason=comparison.name)
        if any(not 0 < w.m <= 1 or not 0 < w.u <= 1 for w in known.values()):
            raise ModelUnreadable(reason=comparison.name)
    if not 0 < model.prior < 1:
        raise ModelUnreadable(reason="prior")
    return model


@cache
def load_model() -> Model:
    """Return the packaged model."""
    place = resources.files("trucyte.shared.identity.matching") / "model.json"
    return read_model(place.read_bytes())
