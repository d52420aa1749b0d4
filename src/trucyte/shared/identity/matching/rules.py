"""The named rules that decide before any weight does: data, read by Python and by SQL.

A rule names the levels that must hold and, where levels do not tell, a condition. "sure"
rules link; "different" rules part; "unsure" rules forbid a link without a person's look,
whatever the weight: twins, sexes that differ, two personal numbers, a newborn under a
parent's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trucyte.shared.identity.matching.conditions import (
    All,
    Both,
    Condition,
    Differ,
    Either,
    Far,
    Has,
    Neither,
    OtherWords,
)
from trucyte.shared.identity.matching.levels import ELSE, MISSING

SURE, UNSURE, DIFFERENT = "sure", "unsure", "different"

_SAME = frozenset({"exact", "without-marks", "same-sounds"})
_NAME_LIKE = _SAME | {"other-marks", "typo", "crossed"}
_BIRTH_SAME = frozenset({"exact", "swapped", "year-known"})
_BIRTH_LIKE = _BIRTH_SAME | {"one-digit", "year-slip", "part-slip", MISSING}
_BIRTH_OTHER = frozenset({"other-year", "same-year", "near-year", ELSE})
_NOT_EXACT_BIRTH = _BIRTH_OTHER | {"year-known", "one-digit", "year-slip", "part-slip", MISSING}
_NOT_SAME = frozenset({"other-marks", "typo", "crossed", "initial", "similar", ELSE, MISSING})
_FAR = frozenset({"province", ELSE, MISSING})
_EXACT = frozenset({"exact"})
_NOT_EXACT = frozenset({"few-digits", MISSING, ELSE})
_PART = frozenset({"swapped", "year-known", "one-digit", "year-slip", "part-slip"})
_SLIPPED = frozenset({"one-digit", "year-slip", "part-slip"})
_ANY = frozenset({"exact", "few-digits", ELSE, MISSING})
_OTHER_NUMBER = frozenset({MISSING, ELSE})
_NO_NUMBER = dict.fromkeys(("personal", "social", "identity", "passport"), _NOT_EXACT)
# Nothing but name and birth date (and a province) speaks for one person. A number that is
# one slip away does.
_ALONE = {
    **dict.fromkeys(("personal", "social", "identity", "passport"), _OTHER_NUMBER),
    "phone": _NOT_EXACT,
    "mother": frozenset({"similar", ELSE, MISSING}),
}


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
        "one-day-of-other-years",
        UNSURE,
        _NO_NUMBER | {"birth": frozenset({"one-digit", "other-year"})},
        Far("birth_year", 13),
    ),
    Rule("parent-and-child", DIFFERENT, {"birth": frozenset({ELSE})}, Far("birth_year", 13)),
    Rule(
        "siblings",
        DIFFERENT,
        _NO_NUMBER | {"given": frozenset({ELSE}), "birth": _BIRTH_OTHER},
    ),
    Rule(
        "two-given-names",
        DIFFERENT,
        _NO_NUMBER | {"given": frozenset({ELSE})},
        All(Differ("name_sound"), Neither("newborn_of")),
        borne="given_bare",
    ),
    Rule("newborn", UNSURE, {}, Has("newborn_of")),
    Rule("other-birth-order", UNSURE, {}, Differ("birth_order")),
    Rule("two-personal-numbers", UNSURE, {"personal": frozenset({ELSE})}),
    Rule("two-insurance-numbers", UNSURE, {"social": frozenset({ELSE}), "personal": _NOT_EXACT}),
    Rule("two-identity-numbers", UNSURE, {"identity": frozenset({ELSE}), "personal": _NOT_EXACT}),
    Rule(
        "two-numbers-two-birthdays",
        DIFFERENT,
        {"personal": frozenset({ELSE}), "birth": _BIRTH_OTHER | {"part-slip"}},
    ),
    Rule(
        "two-numbers-two-birthdays",
        DIFFERENT,
        {"social": frozenset({ELSE}), "personal": _NOT_EXACT, "birth": _BIRTH_OTHER},
    ),
    Rule("sexes-differ", UNSURE, {"sex": frozenset({ELSE}), "given": _NOT_SAME}),
    Rule("sexes-differ", UNSURE, {"sex": frozenset({ELSE}), "middle": _NOT_SAME | {"dropped"}}),
    Rule("sexes-differ", UNSURE, {"sex": frozenset({ELSE}), "birth": _NOT_EXACT_BIRTH}),
    Rule("sexes-differ", UNSURE, {"sex": frozenset({ELSE}), "phone": _NOT_EXACT, "address": _FAR}),
    Rule("other-given-name", UNSURE, {"given": frozenset({ELSE, "similar", MISSING})}),
    Rule(
        "twins",
        UNSURE,
        _NO_NUMBER | {"given": frozenset({"typo", "initial"})},
    ),
    Rule(
        "two-names-by-marks",
        UNSURE,
        _NO_NUMBER | {"given": frozenset({"other-marks"})},
    ),
    Rule(
        "birth-not-supported",
        UNSURE,
        {"birth": _BIRTH_OTHER},
    ),
    Rule(
        "birth-not-known",
        UNSURE,
        _NO_NUMBER | {"birth": frozenset({MISSING})},
    ),
    Rule("namesakes", UNSURE, _ALONE | {"birth": _EXACT, "address": _FAR}),
    # Where the birth date has a slip, a house is not enough: a hamlet's number is written so too.
    Rule("little-agrees", UNSURE, _ALONE | {"birth": _SLIPPED}),
    # A phone is used by the next one too: strangers of one name may share it.
    Rule("little-agrees", UNSURE, _ALONE | {"birth": _PART, "phone": _ANY, "address": _FAR}),
    Rule(
        "other-middle-name",
        UNSURE,
        _NO_NUMBER | {"middle": frozenset({ELSE, "other-marks", "same-sounds", "typo", "initial"})},
    ),
    Rule(
        "other-middle-name",
        UNSURE,
        _NO_NUMBER | {"middle": frozenset({"dropped"})},
        Has("middle_bare"),
    ),
    Rule(
        "two-names-by-marks",
        UNSURE,
        _NO_NUMBER | {"given": frozenset({"crossed"})},
        All(Both("marks", "1"), OtherWords("name")),
    ),
    Rule("name-without-marks", UNSURE, _NO_NUMBER | {"given": frozenset({"without-marks"})}),
    Rule("two-names-by-sound", UNSURE, _NO_NUMBER | {"given": frozenset({"same-sounds"})}),
    Rule(
        "name-without-marks",
        UNSURE,
        _NO_NUMBER | {"given": frozenset({"crossed"})},
        Either("marks", "0"),
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
