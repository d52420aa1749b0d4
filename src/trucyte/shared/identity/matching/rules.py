"""The named rules that decide before any weight does: data, read by Python and by SQL.

A rule names the levels that must hold and, where levels do not tell, a condition. "sure"
rules link; "different" rules part; "unsure" rules forbid a link without a person's look,
whatever the weight: twins, sexes that differ, two personal numbers, a newborn under a
parent's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trucyte.shared.identity.matching.conditions import Condition, Differ, Far, Has
from trucyte.shared.identity.matching.levels import ELSE, MISSING

SURE, UNSURE, DIFFERENT = "sure", "unsure", "different"

_SAME = frozenset({"exact", "without-marks", "same-sounds"})
_NAME_LIKE = _SAME | {"other-marks", "typo", "crossed"}
_BIRTH_SAME = frozenset({"exact", "swapped", "year-known"})
_BIRTH_LIKE = _BIRTH_SAME | {"one-digit", "year-slip", "part-slip", MISSING}
_BIRTH_OTHER = frozenset({"other-year", "same-year", "near-year", ELSE})
_EXACT = frozenset({"exact"})
_NOT_EXACT = frozenset({"few-digits", MISSING, ELSE})
_NO_NUMBER = dict.fromkeys(("personal", "social", "identity", "passport"), _NOT_EXACT)
_NO_CONTACT = {"phone": _NOT_EXACT}


@dataclass(frozen=True, slots=True)
class Rule:
    """A verdict, and when it holds: all of its levels, and its condition."""

    name: str
    verdict: str
    levels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    when: Condition | None = None
    borne: str = ""  # a column in which both have a value that people are known to bear


RULES: tuple[Rule, ...] = (
    Rule("newborn-and-other", DIFFERENT, _NO_NUMBER | {"birth": _BIRTH_OTHER}, Has("newborn_of")),
    Rule(
        "parent-and-child",
        DIFFERENT,
        _NO_NUMBER | {"birth": frozenset({"one-digit", "other-year", ELSE})},
        Far("birth_year", 13),
    ),
    Rule(
        "siblings",
        DIFFERENT,
        _NO_NUMBER | {"given": frozenset({ELSE}), "birth": _BIRTH_OTHER},
    ),
    Rule("newborn", UNSURE, {}, Has("newborn_of")),
    Rule("other-birth-order", UNSURE, {}, Differ("birth_order")),
    Rule("two-personal-numbers", UNSURE, {"personal": frozenset({ELSE})}),
    Rule("sexes-differ", UNSURE, {"sex": frozenset({ELSE})}),
    Rule("other-given-name", UNSURE, {"given": frozenset({ELSE, "similar", MISSING})}),
    Rule(
        "twins",
        UNSURE,
        {"given": frozenset({"other-marks", "typo", "initial"}), "birth": _BIRTH_SAME},
        borne="given_bare",
    ),
    Rule(
        "two-names-by-marks",
        UNSURE,
        _NO_NUMBER | {"given": frozenset({"other-marks"})},
    ),
    Rule(
        "birth-not-supported",
        UNSURE,
        _NO_NUMBER | {"birth": _BIRTH_OTHER | {MISSING}},
    ),
    Rule(
        "same-personal-number",
        SURE,
        {"personal": _EXACT, "given": _NAME_LIKE, "birth": _BIRTH_LIKE},
    ),
    Rule(
        "same-insurance-number",
        SURE,
        {"social": _EXACT, "given": _NAME_LIKE, "birth": _BIRTH_SAME},
    ),
    Rule(
        "same-identity-number",
        SURE,
        {"identity": _EXACT, "given": _NAME_LIKE, "birth": _BIRTH_SAME},
    ),
    Rule(
        "same-passport",
        SURE,
        {"passport": _EXACT, "given": _NAME_LIKE, "birth": _BIRTH_SAME},
    ),
)
