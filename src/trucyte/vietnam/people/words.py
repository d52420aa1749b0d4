"""One word of a name, looked at once: its three layers of folding, and what it may be.

Words are few (a few thousand syllables), names are many: what is learnt of a word is kept
in a bounded cache, so that reading a name is mostly looking up its words.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import msgspec

from trucyte.vietnam.people.syllable import bare, is_syllable, split_tone
from trucyte.vietnam.tables import read_toml

_WORDS_KEPT = 65_536

# What a word may be; a name of plain syllables without these is read the short way.
ODD = 1  # no Vietnamese syllable
TITLE = 2
SAINT = 4
NEWBORN = 8  # may begin "con bà"
MARK = 16  # Y, H, K before a given name
LETTER = 32  # one letter alone
LAST_FAMILY = 64  # a family name that is hardly ever a given name
COMPOUND = 128  # may begin a family name of several words
FAMILY = 256  # a family name
MINORITY = 512  # a family name that no grammar of syllables knows
MARKED = 1024  # bears a Vietnamese mark
FIRST_NEVER = 2048  # never a given name
GIVEN_FIRST = 4096  # a family name that is written last
CALLED = 8192  # stands between a name and a nickname


class Word(msgspec.Struct, frozen=True):
    """A word in its layers."""

    shown: str  # NFC, capitalised
    plain: str  # lower case, tone in the new place
    skeleton: str  # without marks
    sounds: str  # the skeleton after i for y and the spelling of the north
    flags: int


@lru_cache(maxsize=_WORDS_KEPT)
def read_word(text: str) -> Word:
    """Look at a word (NFC, no spaces)."""
    lower = unicodedata.normalize("NFC", text.lower())
    plain = tone_placed(lower).replace("'", "") or lower
    skeleton = bare(plain)
    return Word(
        shown=capitalised(text, lower),
        plain=plain,
        skeleton=skeleton,
        sounds=_sounds(plain, skeleton),
        flags=_flags(lower, plain, skeleton),
    )


def tone_placed(lower: str) -> str:
    """Return a word with its tone in the new place: òa is oà, úy is uý."""
    if lower.isascii() or not any(pair in bare(lower) for pair in ("oa", "oe", "uy")):
        return lower
    base, tone = split_tone(lower)
    if not tone or base[-2:] not in ("oa", "oe", "uy") or base.startswith("qu"):
        return lower
    return unicodedata.normalize("NFC", base + tone)


def capitalised(text: str, lower: str) -> str:
    """Return the word with capitals where a name has them; unusual ones stay as written."""
    if text in (lower, text.upper()) or is_syllable(lower):
        return "'".join(part[:1].upper() + part[1:] for part in lower.split("'"))
    return text


def _sounds(plain: str, skeleton: str) -> str:
    northern = _regional().marked.get(plain)
    word = bare(northern) if northern else skeleton
    word = _regional().skeletons.get(word, word)
    if word.endswith("y") and len(word) > 1 and (word[-2] not in "aeou" or word[-3:-1] == "qu"):
        word = f"{word[:-1]}i"
    return word


@dataclass(frozen=True, slots=True)
class _Regional:
    skeletons: Mapping[str, str]
    marked: Mapping[str, str]


@cache
def _regional() -> _Regional:
    data = people()["regional"]
    return _Regional(
        skeletons={south: north for north, south in data["skeletons"]},
        marked={tone_placed(south): north for north, south in data["marked"]},
    )


def _flags(lower: str, plain: str, skeleton: str) -> int:
    known = lexicon()
    flags = known.get(skeleton, 0)
    # A word with marks is what its marks make it: Đan is not Đàn, Trân is not Trần.
    exact = known.get(plain)
    if exact is not None and not plain.isascii():
        flags = exact | (flags & SAINT)
    elif not plain.isascii():
        flags &= SAINT
    if not plain.isascii() and is_vietnamese_marked(plain):
        flags |= MARKED
    if len(lower) == 1:
        flags |= LETTER
    if not flags & MINORITY and not is_syllable(lower):
        flags |= ODD
    return flags


def is_vietnamese_marked(plain: str) -> bool:
    """Say whether a word bears a mark at all (đ counts)."""
    return bare(plain) != plain


@cache
def lexicon() -> Mapping[str, int]:
    """Return what words may be, by their plain form and by their skeleton."""
    found: dict[str, int] = {}
    for words, flag in _entries(people()):
        for word in words:
            lower = word.lower()
            for form in (tone_placed(lower), bare(lower)):
                found[form] = found.get(form, 0) | flag
    return found


def _entries(data: dict[str, Any]) -> Iterable[tuple[Iterable[str], int]]:
    surnames, minority = data["surnames"], data["minority"]
    yield read_toml("names")["surnames"], FAMILY
    yield surnames["more"].split(), FAMILY
    yield surnames["never_given"], FAMILY | LAST_FAMILY | FIRST_NEVER
    yield surnames["seldom_given"], FAMILY | LAST_FAMILY
    yield (name.split()[0] for name in surnames["compound"]), COMPOUND
    yield minority["families"].split(), FAMILY | MINORITY
    yield minority["given_first"].split(), GIVEN_FIRST | LAST_FAMILY
    yield minority["marks"], MARK
    yield (data["titles"]["dotted"] + " " + data["titles"]["words"]).split(), TITLE
    yield data["saints"]["words"].split(), SAINT
    yield ["gọi"], CALLED
    yield {head.split()[0] for head in data["newborn"]["heads"]}, NEWBORN


@cache
def people() -> dict[str, Any]:
    """Return the packaged table of words in names."""
    return read_toml("people")


@cache
def name_words() -> frozenset[str]:
    """Return the words that names are made of, with their marks, in the new tone places."""
    data = read_toml("names")
    words = set(data["surnames"]) | set(people()["surnames"]["more"].split())
    for sex in ("male", "female"):
        for era in data[sex].values():
            words |= set(era["middle"]) | set(era["given"]["names"].split())
    return frozenset(tone_placed(word.lower()) for word in words if word)
