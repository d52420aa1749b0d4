"""Which words of a name are family, middle and given.

Vietnamese order is family, middle, given. A family name that is hardly ever a given name,
standing last where the first word is none, shows the order of the West. Peoples of the
Central Highlands write the mark of sex first and the family last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from trucyte.vietnam.people import words as kinds
from trucyte.vietnam.people.words import Word

Words = Sequence[Word]

_MARKERS = ("thi", "van")  # middle words: what stands before them was not the middle


@dataclass(frozen=True, slots=True)
class Parts:
    """The words of a name by what they are."""

    family: Words
    middle: Words
    given: Words
    given_first: bool = False


def take_apart(words: Words) -> Parts:
    """Sort the words of a name; one word alone is a given name."""
    if len(words) < 2:
        return Parts((), (), words)
    if _is_highland(words):
        return Parts(words[-1:], words[:-2], words[-2:-1], given_first=True)
    if _is_western(words):
        return _western(words)
    count = family_length(words)
    return Parts(words[:count], words[count:-1], words[-1:])


def family_length(words: Words) -> int:
    """Return how many words at the beginning are the family name (1 or more)."""
    if words[0].flags & kinds.COMPOUND:
        for compound in _compounds().get(words[0].skeleton, ()):
            if tuple(word.skeleton for word in words[: len(compound)]) == compound:
                return min(len(compound), len(words) - 1)
    if len(words) >= 4 and words[0].flags & words[1].flags & kinds.LAST_FAMILY:
        return 2
    return 1


def _is_highland(words: Words) -> bool:
    last = words[-1].flags
    return bool(last & kinds.GIVEN_FIRST) and not words[0].flags & kinds.GIVEN_FIRST


def _is_western(words: Words) -> bool:
    first, last = words[0].flags, words[-1].flags
    if not last & kinds.LAST_FAMILY or first & kinds.LAST_FAMILY:
        return False
    if words[0].skeleton in _MARKERS and len(words) > 2:
        return True
    # Without marks "nguyen" is also Nguyên, a given name.
    is_sure = last & kinds.FIRST_NEVER and last & kinds.MARKED
    return bool(is_sure) or not first & kinds.FAMILY


def _western(words: Words) -> Parts:
    """Sort given, middle, family; with Thị or Văn first only the family has moved."""
    family, rest = words[-1:], words[:-1]
    if len(rest) > 1 and rest[1].skeleton in _MARKERS:
        return Parts(family, rest[1:], rest[:1], given_first=True)
    return Parts(family, rest[:-1], rest[-1:], given_first=True)


@cache
def _compounds() -> Mapping[str, Sequence[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for name in kinds.people()["surnames"]["compound"]:
        bare = tuple(kinds.read_word(word).skeleton for word in name.split())
        found.setdefault(bare[0], []).append(bare)
    return found
