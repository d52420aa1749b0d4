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
    """Return a name whose bytes were misread as it was meant, and the encoding ("": none).

    A word that was no syllable must have become one, and none may have been lost.
    """
    words = text.split()
    if not may_be_legacy(text):
        return text, ""
    for name, decode in (("tcvn3", from_tcvn3), ("vni", from_vni_windows)):
        decoded = decode(text).split()
        pairs = list(zip(words, decoded, strict=False))
        if all(_fits(*pair) for pair in pairs) and any(_is_mended(*pair) for pair in pairs):
            return " ".join(decoded), name
    return text, ""


def _fits(before: str, after: str) -> bool:
    """Say whether a word came out right: a syllable, or ASCII that no encoding changes."""
    return is_syllable(after.lower()) or (before == after and before.isascii())


def _is_mended(before: str, after: str) -> bool:
    return before != after and not is_syllable(before.lower())


def mend(words: Sequence[str]) -> Mended:
    """Return the words as they were meant, and what was undone ("": nothing)."""
    if all(is_syllable(word.lower()) for word in words):
        return list(words), ""
    if _DIGIT.search(" ".join(words)):
        if all(word.isascii() for word in words):
            return _by_keys(words, from_vni, "vni-keys")
        bare = (word.rstrip("0123456789") for word in words)  # a number put to a namesake
        return [word for word in bare if word], ""
    return _by_keys(words, from_telex, "telex")


def _by_keys(words: Sequence[str], method: Callable[[str], str], name: str) -> Mended:
    """Undo one method word by word; all of it stands on words that prove it."""
    found = []
    typed: list[tuple[str, str]] = []  # what stands there, what it means
    for word in words:
        lower = word.lower()
        is_right = is_syllable(lower)
        # "Công" typed as "coong" is a syllable too, but names have none with oo.
        meant = method(lower) if not is_right or "oo" in lower else ""
        if meant and not is_right:
            typed.append((lower, meant))
        found.append(_in_case(word, meant) if meant else word)
    if not _is_proven(typed, len(words)):
        return list(words), ""
    return found, name


def _is_proven(typed: Sequence[tuple[str, str]], count: int) -> bool:
    """Say whether words show that keys were left; Lee and Max alone are names of others."""
    if len(typed) > 1 and count > 2:
        return True
    return any(_proves(keys, word, count) for keys, word in typed)


def _proves(keys: str, word: str, count: int) -> bool:
    """Say whether one word is enough: names have the word, and nobody is called its keys."""
    if tone_placed(word) not in kinds.name_words() or keys in kinds.people()["foreign"]["words"]:
        return False
    return count > 2 or len(keys) - len(word) > 1 or len(keys) > 4 or not keys.isalpha()


def _in_case(model: str, word: str) -> str:
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word
