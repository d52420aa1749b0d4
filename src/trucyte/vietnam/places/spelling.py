"""One spelling for names of places, so that all ways of writing one meet.

Marks, y for i, leading zeros and punctuation do not count; kinds are words of their own.
"""

import re

from trucyte.base.normal_form import normal_form
from trucyte.vietnam.people.syllable import bare

# The kinds of units as keys, longest first, and what each is.
KINDS = {
    "thanh pho": "TP", "thi xa": "TX", "thi tran": "T", "dac khu": "D", "phuong": "P",
    "huien": "H", "quan": "Q", "tinh": "TINH", "xa": "X",
}  # fmt: skip
_WORD = re.compile(r"\w+")
_LAST_Y = re.compile(r"y(?!\w)|(?<!\w)y(?=\w)|(?<=u)y")


def key_of(name: str) -> str:
    """Return the key of a name: lower case, no marks, i for y, no leading zeros."""
    words = _WORD.findall(bare(normal_form("NFC", name).lower()))
    return " ".join(word_key(word) for word in words)


def word_key(word: str) -> str:
    """Return the key of one word without marks."""
    if word[0] == "0":
        return word.lstrip("0") or "0"
    return word.replace("y", "i") if "y" in word else word


def kind_and_short(key: str) -> tuple[str, str]:
    """Take the kind off the front of a key: "phuong ben nghe" -> ("P", "ben nghe")."""
    for words, kind in KINDS.items():
        if key.startswith(words) and key[len(words) : len(words) + 1] == " ":
            return kind, key[len(words) + 1 :]
    return "", key
