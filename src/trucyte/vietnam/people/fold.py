"""Fold Vietnamese text so that the same words written differently meet.

Three layers, from strict to loose: `composed` (NFC, one spelling of spaces), `plain` (tone
marks put where the new rules put them, lower case), `folded` (no marks at all, đ as d).
Search indexes fold on their own terms; this is for names, lists and matching.
"""

import re
import unicodedata

from trucyte.base.normal_form import normal_form

_SPACES = re.compile(r"\s+")
_TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot below
# Old placement puts the tone on the first vowel of an open oa, oe, uy; new on the second.
_OLD = re.compile(rf"\b(\w*?)(o)([{_TONES}])([ae])\b|\b(\w*?)(u)([{_TONES}])(y)\b")


def composed(text: str) -> str:
    """Return the text in NFC with single spaces."""
    return _SPACES.sub(" ", normal_form("NFC", text)).strip()


def plain(text: str) -> str:
    """Return lower case NFC text with tones in the new places (òa is oà, úy is uý)."""
    decomposed = normal_form("NFD", composed(text).lower())
    return normal_form("NFC", _OLD.sub(_moved, decomposed))


def _moved(found: re.Match[str]) -> str:
    lead, first, tone, second = found.groups()[:4]
    if first is None:
        lead, first, tone, second = found.groups()[4:]
    if lead.endswith("q") and first == "u":  # in "quý" the u belongs to the consonant
        return found.group()
    return f"{lead}{first}{second}{tone}"


def folded(text: str) -> str:
    """Return lower case text without any mark; đ becomes d."""
    decomposed = normal_form("NFD", composed(text).lower())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return bare.replace("đ", "d")


def given_name(name: str) -> str:
    """Return the given name: the last word of a Vietnamese name."""
    return composed(name).rpartition(" ")[2]


def family_name(name: str) -> str:
    """Return the family name: the first word."""
    return composed(name).partition(" ")[0]
