"""What stands before or beside a name and is none: titles, saints, nicknames, "con bà".

A newborn who has no name yet is written by its mother's ("CON BÀ TRẦN THỊ A", "CB …", of
twins "CON BÀ … 2"): that name is the parent's and never the child's.
"""

import re
from collections.abc import Sequence
from functools import cache

from trucyte.vietnam.people import words as kinds
from trucyte.vietnam.people.syllable import bare
from trucyte.vietnam.people.words import Word

_BRACKETS = re.compile(r"[(\[{]([^)\]}]*)[)\]}]?")
_CALLED = re.compile(r"\b(?:thường gọi|tên gọi khác|tên thường gọi|hay gọi)(?: là)?\b:?", re.I)
_NUMBER = re.compile(r"\b(?:số|so|thứ|thu|lần|bé)?\s*([1-9])\b\s*$", re.I)
_NUMBER_FIRST = re.compile(r"^(con|cb|bé|be)\s*(?:số|so|thứ|thu)?\s*([1-9])\b", re.I)


def split_nickname(text: str) -> tuple[str, str]:
    """Return the name and what stands in brackets or after "thường gọi là"."""
    called = _CALLED.split(text, maxsplit=1)
    if len(called) == 2:
        return called[0].strip(" ,;-"), called[1].strip(" ()")
    found = _BRACKETS.search(text)
    if found is None:
        return text, ""
    return _BRACKETS.sub(" ", text), found.group(1).strip()


def split_newborn(text: str) -> tuple[str, str] | None:
    """Return the parent's name and the number of the twin; None for a name of one's own."""
    number = ""
    first = _NUMBER_FIRST.search(text)
    if first:
        number, text = first.group(2), first.group(1) + text[first.end() :]
    skeleton = bare(text.lower())
    if len(skeleton) != len(text):  # marks that stand apart: no place would be right
        return None
    found = _newborn_heads().match(skeleton)
    if found is None:
        return None
    parent = text[found.end() :].strip(" .:-,")
    last = _NUMBER.search(parent)
    if last and not number:
        number, parent = last.group(1), parent[: last.start()].strip(" .:-,")
    return (parent, number) if parent else None


def split_title(words: Sequence[Word]) -> tuple[str, Sequence[Word]]:
    """Return titles before a name and the rest; a title may be a name where no family follows."""
    titles = []
    while len(words) > 2 and words[0].flags & kinds.TITLE and _title_goes(words):
        titles.append(words[0].shown)
        words = words[1:]
    return " ".join(titles), words


def _title_goes(words: Sequence[Word]) -> bool:
    """A title that is a family name too (Ông, Chu) goes only where marks tell, before another."""
    following = words[1]
    if following.skeleton in ("van", "thi"):
        return False
    if words[0].flags & kinds.FAMILY:
        return bool(following.flags & kinds.LAST_FAMILY and words[0].flags & kinds.MARKED)
    return bool(following.flags & (kinds.FAMILY | kinds.TITLE | kinds.SAINT))


def split_saint(words: Sequence[Word]) -> tuple[str, Sequence[Word]]:
    """Return the name of a saint before a name, and the rest."""
    count = 0
    while count < len(words) and words[count].flags & kinds.SAINT:
        count += 1
    if not count or len(words) - count < 2 or not words[count].flags & kinds.FAMILY:
        return "", words
    return " ".join(word.shown for word in words[:count]), words[count:]


@cache
def _newborn_heads() -> re.Pattern[str]:
    heads = sorted(kinds.people()["newborn"]["heads"], key=len, reverse=True)
    spaced = "|".join(r"\s+".join(head.split()) for head in heads)
    return re.compile(rf"\s*(?:{spaced})\b[\s.:]*")
