"""Mend words of a name that a keyboard or an old encoding spoilt.

Only where the whole name becomes Vietnamese: a name whose words are all right is never
touched, and one word alone that could be foreign (Lee, Max) is left as it is.
"""

import re
from collections.abc import Callable, Sequence

from trucyte.vietnam.people import words as kinds
from trucyte.vietnam.people.keystrokes import from_telex, from_vni
from trucyte.vietnam.people.legacy import from_tcvn3, from_vni_windows, may_be_legacy
from trucyte.vietnam.people.syllable import is_syllable
from trucyte.vietnam.people.words import tone_placed

Mended = tuple[list[str], str]  # the words, and what was undone

_DIGIT = re.compile(r"[a-zA-ZÀ-ỹ][0-9]|[0-9][a-zA-ZÀ-ỹ]")


def mend_encoding(text: str) -> tuple[str, str]:
    """Return a name whose bytes were misread as it was meant, and the encoding ("": none)."""
    words = text.split()
    if not may_be_legacy(text) or all(is_syllable(word.lower()) for word in words):
        return text, ""
    for name, decode in (("tcvn3", from_tcvn3), ("vni", from_vni_windows)):
        decoded = decode(text).split()
        if decoded != words and all(map(_fits, words, decoded)):
            return " ".join(decoded), name
    return text, ""


def _fits(before: str, after: str) -> bool:
    """Say whether a word came out right: a syllable, or ASCII that no encoding changes."""
    return is_syllable(after.lower()) or (before == after and before.isascii())


def mend(words: Sequence[str]) -> Mended:
    """Return the words as they were meant, and what was undone ("": nothing)."""
    if all(is_syllable(word.lower()) for word in words):
        return list(words), ""
    if _DIGIT.search(" ".join(words)):
        return _by_keys(words, from_vni, "vni-keys", _is_vni_evidence)
    return _by_keys(words, from_telex, "telex", _is_telex_evidence)


def _by_keys(
    words: Sequence[str],
    method: Callable[[str], str],
    name: str,
    is_evidence: Callable[[str, str], bool],
) -> Mended:
    """Undo one method word by word; all or nothing stands on one word that proves it."""
    found, proven = [], False
    for word in words:
        lower = word.lower()
        typed = "" if is_syllable(lower) else method(lower)
        proven = proven or (bool(typed) and is_evidence(lower, typed))
        found.append(_in_case(word, typed) if typed else word)
    if not proven:
        return list(words), ""
    return found, name


def _is_telex_evidence(typed: str, word: str) -> bool:
    """A word that names are made of, from more than one doubled letter (Lee is a name too)."""
    return tone_placed(word) in kinds.name_words() and len(typed) - len(word) + _tone(word) > 1


def _tone(word: str) -> int:
    return int(kinds.is_vietnamese_marked(word) and len(word) > 2)


def _is_vni_evidence(typed: str, word: str) -> bool:
    return tone_placed(word) in kinds.name_words() or sum(c.isdigit() for c in typed) > 1


def _in_case(model: str, word: str) -> str:
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word
