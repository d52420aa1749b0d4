"""Take a person's name apart, mend how it was typed, and fold it in layers for matching.

`read_name` answers for any text and never raises: an empty name, one letter, another
script, thousands of letters (cut at 200). A clean name is never changed but for capitals.

The layers, each loses more: `plain` (lower case, tones in the new places), `skeleton` (no
marks, đ is d), `sounds` (the spellings of one word from north to south, i for y). All three
are words in the order family, middle, given, with single spaces between.
"""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from trucyte.base.normal_form import normal_form
from trucyte.vietnam.people import words as kinds
from trucyte.vietnam.people.heads import split_newborn, split_nickname, split_saint, split_title
from trucyte.vietnam.people.mending import mend, mend_encoding
from trucyte.vietnam.people.parts import Parts, family_length, take_apart
from trucyte.vietnam.people.words import Word, read_word

LENGTH_MAX = 200

_UNUSUAL = re.compile(r"[^a-zA-ZÀ-ɏḀ-ỿ\s]")
_FIRST = kinds.TITLE | kinds.SAINT | kinds.NEWBORN | kinds.COMPOUND | kinds.GIVEN_FIRST
_APOSTROPHES = re.compile("[’‘ʼ`´′]")
_MARK = re.compile(r"\b([HYK])'\s*(?=\w)", re.IGNORECASE)
_INITIAL = re.compile(r"\b([^\W\d_])\.", re.IGNORECASE)
_NOT_WORDS = re.compile(r"[^\w\s']|_")
_LATIN = re.compile("[a-zA-Zªº¡-ɏḀ-ỿ]")
_VOWELS = frozenset("aeiouy")


class Name(msgspec.Struct, frozen=True):
    """A name as it was understood."""

    family: str  # as people write it; two words for a double or a compound family name
    middle: tuple[str, ...]
    given: str
    plain: str
    skeleton: str
    sounds: str
    marks: bool = False  # bears Vietnamese marks
    script: str = "latin"  # or "other"
    is_initials: bool = False  # the given name is a letter
    newborn_of: str = ""  # "Con bà Trần Thị A": the parent's name; no parts then
    newborn_number: str = ""  # of twins: "1", "2"
    title: str = ""
    saint: str = ""
    nickname: str = ""
    given_first: bool = False  # was written in the order of the West
    repaired: str = ""  # what was undone: "telex", "vni-keys", "tcvn3", "vni"
    cut: bool = False  # was longer than LENGTH_MAX; the rest does not count

    @property
    def text(self) -> str:
        """The name in one line, as people write it."""
        return " ".join(part for part in (self.family, *self.middle, self.given) if part)


NOBODY = Name("", (), "", "", "", "")


def read_name(text: str) -> Name:
    """Read a name. Answers for any text, in time bounded by LENGTH_MAX letters."""
    if len(text) > LENGTH_MAX:
        return _read_unusual(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if _UNUSUAL.search(text):
        return _read_unusual(text)
    words = [read_word(word) for word in text.split()]
    if len(words) < 2 or words[0].flags & _FIRST or words[-1].flags & kinds.LAST_FAMILY:
        return _read_unusual(text)
    flags = 0
    for word in words:
        flags |= word.flags
    if flags & (kinds.ODD | kinds.LETTER | kinds.CALLED):
        return _read_unusual(text)
    count = 1 if len(words) < 4 else family_length(words)
    return Name(
        words[0].shown if count == 1 else " ".join([word.shown for word in words[:count]]),
        tuple([word.shown for word in words[count:-1]]),
        words[-1].shown,
        " ".join([word.plain for word in words]),
        " ".join([word.skeleton for word in words]),
        " ".join([word.sounds for word in words]),
        bool(flags & kinds.MARKED),
    )


def _read_unusual(text: str) -> Name:
    cut = len(text) > LENGTH_MAX
    text, misread = mend_encoding(normal_form("NFC", text[:LENGTH_MAX]))
    name, nickname = split_nickname(_APOSTROPHES.sub("'", text))
    if not any(letter.isalnum() for letter in name):
        return msgspec.structs.replace(NOBODY, cut=cut)
    if _is_other_script(name):
        return _other(name, nickname, cut=cut)
    newborn = split_newborn(" ".join(name.split()))
    if newborn:
        return _newborn(name, *newborn, cut=cut)
    return _latin(name, nickname, misread, cut=cut)


def _is_other_script(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * len(_LATIN.findall(text)) < len(letters)


def _other(text: str, nickname: str, *, cut: bool) -> Name:
    shown = " ".join(text.split())
    plain = " ".join(normal_form("NFKD", shown).casefold().split())
    return Name(
        "", (), shown, plain, plain, plain, script="other", nickname=nickname, cut=cut
    )  # fmt: skip


def _newborn(text: str, parent: str, number: str, *, cut: bool) -> Name:
    words = [read_word(word) for word in _NOT_WORDS.sub(" ", text).split()]
    return Name(
        "", (), "", *_layers(words),
        marks=any(word.flags & kinds.MARKED for word in words),
        newborn_of=" ".join(read_word(word).shown for word in parent.split()),
        newborn_number=number, cut=cut,
    )  # fmt: skip


def _latin(text: str, nickname: str, misread: str, *, cut: bool) -> Name:
    initials = {letter.upper() for letter in _INITIAL.findall(text)}
    text = _MARK.sub(lambda found: f"{found.group(1).upper()}' ", text)
    spelt, repaired = mend(_NOT_WORDS.sub(" ", text).split())
    words: Sequence[Word] = [read_word(word) for word in spelt if not word.isdigit()]
    title, words = split_title(words)
    saint, words = split_saint(words)
    parts = take_apart(words)
    ordered = [*parts.family, *parts.middle, *parts.given]
    return Name(
        " ".join(word.shown for word in parts.family),
        tuple(word.shown for word in parts.middle),
        " ".join(word.shown for word in parts.given),
        *_layers(ordered),
        marks=any(word.flags & kinds.MARKED for word in ordered),
        is_initials=_is_initials(parts, initials),
        title=title,
        saint=saint,
        nickname=nickname,
        given_first=parts.given_first,
        repaired=misread or repaired,
        cut=cut,
    )


def _is_initials(parts: Parts, initials: set[str]) -> bool:
    """Say whether the given name is a letter that stands for one (A, Y, Ý are names too)."""
    if not parts.given or len(parts.given[-1].skeleton) != 1:
        return False
    letter = parts.given[-1]
    others = [*parts.family, *parts.middle]
    return (
        letter.shown in initials
        or letter.skeleton not in _VOWELS
        or (letter.plain == letter.skeleton and all(len(word.plain) == 1 for word in others))
    )


def _layers(words: Sequence[Word]) -> tuple[str, str, str]:
    return (
        " ".join([word.plain for word in words]),
        " ".join([word.skeleton for word in words]),
        " ".join([word.sounds for word in words]),
    )
