"""Two records side by side: what agrees, what differs, what need not be read; pure.

A number stands whole only where both records have one and the two differ: then a clerk has
to read the digits. Everywhere else its last four do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from trucyte.shared.identity.matching.explaining import words_of
from trucyte.shared.identity.matching.levels import ELSE, MISSING, compare
from trucyte.shared.identity.matching.normal import bare_text
from trucyte.shared.identity.matching.person import Person, person_of_patient
from trucyte.shared.identity.newcomers import Pair, PairState
from trucyte.shared.identity.newcomers.worklist import fields_of
from trucyte.web import formats
from trucyte.web.language import marked
from trucyte.web.views.person import SEXES

TEXT_MAX = 200  # letters shown of one field
SHOWN_DIGITS = 4
DOTS = "••••"
NUMBERS = ("personal", "identity", "social", "passport", "phone")
NAME_PARTS = ("family", "middle", "given")
SAME, NEAR, DIFFERS, NOTHING = "same", "near", "differs", "missing"
STATES: Mapping[PairState, tuple[str, str, str]] = {
    PairState.OPEN: (marked("đang chờ"), "amber", "clock"),
    PairState.LATER: (marked("để lại sau"), "plain", "clock"),
    PairState.LINKED: (marked("một người"), "green", "check"),
    PairState.DIFFERENT: (marked("hai người khác nhau"), "blue", "cross"),
    PairState.BROKEN: (marked("đã gỡ ghép"), "amber", "alert"),
    PairState.WITHDRAWN: (marked("không còn phải xét"), "plain", "info"),
}
FIELDS = (
    ("name", marked("Họ tên")),
    ("birth", marked("Ngày sinh")),
    ("sex", marked("Giới tính")),
    ("personal", marked("Số định danh cá nhân")),
    ("identity", marked("Số CMND 9 số")),
    ("social", marked("Số bảo hiểm xã hội")),
    ("passport", marked("Hộ chiếu")),
    ("phone", marked("Điện thoại")),
    ("address", marked("Địa chỉ")),
    ("mother", marked("Tên mẹ")),
)
BY = {
    "": marked("không rõ ai"),
    "identity": marked("máy, theo quy tắc và mô hình"),
    "link": marked("qua một liên kết khác"),
    "pages": marked("người dùng trang này"),
}
RULES = {
    "clerk": marked("Người xem đã quyết định."),
    "model-agrees": marked("Mô hình cũng chắc chắn."),
    "stated": marked("Ghi như vậy ở nơi gửi."),
    "mother-and-child": marked("Mẹ và con."),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; what differs from the other side is marked."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One field of two records."""

    key: str
    name: str  # to be translated
    low: Sequence[Piece]
    high: Sequence[Piece]
    verdict: str  # SAME, NEAR, DIFFERS, NOTHING
    words: str  # what the matcher calls it, "" where it compares nothing


def rows_of(low: Mapping[str, Any], high: Mapping[str, Any], language: str) -> list[Row]:
    """Return the fields of two Patients as they are now; those that neither has are left out."""
    persons = person_of_patient(low), person_of_patient(high)
    levels = compare(*persons)
    texts = _texts(low, persons[0]), _texts(high, persons[1])
    rows = []
    for key, name in FIELDS:
        left, right = texts[0][key], texts[1][key]
        if left or right:
            level = _name_level(levels) if key == "name" else levels[key]
            verdict = _verdict(level, left, right)
            words = "" if level in (MISSING, "") else words_of("level", level, language)
            shown = _shown(key, left, right, level, verdict)
            rows.append(Row(key, name, *shown, verdict, words if verdict == NEAR else ""))
    return rows


def brief(pair: Pair, language: str) -> tuple[list[str], list[str]]:
    """Return the names of the comparisons of a pair that agree, and of those that differ."""
    parts = pair.decision.evidence.parts
    agree = [p.comparison for p in parts if p.level not in (MISSING, ELSE) and p.bits > 0]
    differ = [p.comparison for p in parts if p.level not in (MISSING, "exact") and p.bits < 0]
    return (
        [words_of("comparison", one, language) for one in agree],
        [words_of("comparison", one, language) for one in differ],
    )


def rule_words(rules: Sequence[str], language: str) -> list[str]:
    """Return rules in words of the matcher's language, or ours to be translated."""
    found = []
    for rule in rules:
        try:
            found.append(words_of("rule", rule, language))
        except KeyError:
            found.append(RULES.get(rule, rule))
    return found


def masked(number: str) -> str:
    """Return a number with its last digits alone."""
    return f"{DOTS} {number[-SHOWN_DIGITS:]}" if len(number) > SHOWN_DIGITS else DOTS


def _texts(resource: Mapping[str, Any], person: Person) -> Mapping[str, str]:
    said = fields_of(resource)
    texts = {key: _cut(said[key]) for key in ("name", "address", "mother")}
    texts["birth"] = formats.day(said["birth"][:TEXT_MAX])
    texts["sex"] = SEXES.get(said["sex"], said["sex"][:TEXT_MAX])
    return texts | {key: str(getattr(person, key))[:TEXT_MAX] for key in NUMBERS}


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"


def _name_level(levels: Mapping[str, str]) -> str:
    """Return the level of a whole name: that of the part that agrees least."""
    found = [levels[part] for part in NAME_PARTS if levels[part] != MISSING]
    if not found:
        return MISSING
    if ELSE in found:
        return ELSE
    return next((level for level in reversed(found) if level != "exact"), "exact")


def _verdict(level: str, left: str, right: str) -> str:
    if level == MISSING:
        # Compared by nothing, though both say something: a text that matching cannot read.
        return DIFFERS if left and right and left != right else NOTHING
    if level == ELSE:
        return DIFFERS
    return SAME if level in ("exact", "same-house") else NEAR


def _shown(
    key: str, left: str, right: str, level: str, verdict: str
) -> tuple[Sequence[Piece], Sequence[Piece]]:
    if key in NUMBERS and (verdict == SAME or not (left and right)):
        return _whole(masked(left) if left else ""), _whole(masked(right) if right else "")
    if verdict in (SAME, NOTHING) or key == "sex":
        return _whole(left), _whole(right)
    if key in ("name", "address", "mother"):
        read = bare_text if level == "without-marks" else str.casefold
        return _words_marked(left.split(), right.split(), read)
    return _signs_marked(left, right)


def _whole(text: str) -> list[Piece]:
    return [Piece(text)] if text else []


def _words_marked(
    left: Sequence[str], right: Sequence[str], read: Callable[[str], str]
) -> tuple[list[Piece], list[Piece]]:
    """Return both texts with the words marked that the other does not have, as `read` reads."""
    pieces: tuple[list[Piece], list[Piece]] = ([], [])
    matcher = SequenceMatcher(None, [*map(read, left)], [*map(read, right)], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        for side, found in zip(pieces, (left[a:b], right[c:d]), strict=True):
            if found:
                if side:
                    side.append(Piece(" "))
                side.append(Piece(" ".join(found), tag != "equal"))
    return pieces


def _signs_marked(left: str, right: str) -> tuple[list[Piece], list[Piece]]:
    """Return both texts with the signs marked that are another at the same place."""
    pieces: tuple[list[Piece], list[Piece]] = ([], [])
    for one, other in zip_longest(left, right, fillvalue=""):
        for side, sign in zip(pieces, (one, other), strict=True):
            differs = one != other
            if side and sign and side[-1].differs is differs:
                side[-1] = Piece(side[-1].text + sign, differs)
            elif sign:
                side.append(Piece(sign, differs))
    return pieces
