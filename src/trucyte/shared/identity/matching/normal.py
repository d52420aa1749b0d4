"""Normal form of what is compared, kept quick: a name is a few words out of few thousand.

Three layers of a word: plain (lower case, NFC, tone marks in the new places), bare (no
marks, đ as d, ASCII only), sound (spellings that are one name or one sound in some region
brought together). Each word is folded once and remembered, up to a bound.
"""

import re
from functools import lru_cache

from trucyte.vietnam.fold import composed, folded, plain

NAME_LETTERS_MAX = 200
_WORDS_KEPT = 60_000
_SPLIT = re.compile(r"[\s\-.,;/_|]+")
_NOT_BARE = re.compile(r"[^a-z0-9]+")
_MEET = {"huynh": "hoang", "vo": "vu", "phuoc": "phuc", "nguyet": "nguyet", "thy": "thi"}
_HEADS = (("tr", "ch"), ("gi", "d"), ("s", "x"), ("r", "d"))


@lru_cache(maxsize=_WORDS_KEPT)
def layers(word: str) -> tuple[str, str, str]:
    """Return plain, bare and sound of one word."""
    bare = _NOT_BARE.sub("", folded(word))
    return plain(word), bare, _sound(bare)


def _sound(bare: str) -> str:
    if bare in _MEET:
        return _MEET[bare]
    for head, meets in _HEADS:
        if bare.startswith(head) and len(bare) > len(head):
            bare = meets + bare[len(head) :]
            break
    return bare.replace("y", "i")


def words_of(text: str) -> list[str]:
    """Return the words of a name, at most `NAME_LETTERS_MAX` letters of it."""
    return [word for word in _SPLIT.split(composed(text[:NAME_LETTERS_MAX])) if word]


def bare_text(text: str) -> str:
    """Return the words of any text without marks, in lower case, single spaces between."""
    return " ".join(filter(None, _NOT_BARE.split(folded(text[:NAME_LETTERS_MAX]))))
