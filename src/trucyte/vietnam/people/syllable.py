"""Which letters in a row are a Vietnamese syllable, and where its tone mark goes.

A syllable is onset + rhyme + tone; rhymes that end in c, ch, p or t bear only the rising
and the heavy tone. Text without marks counts when some marks would make it a syllable.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache

TONES = "\u0301\u0300\u0309\u0303\u0323"  # sắc, huyền, hỏi, ngã, nặng
VOWELS = frozenset("aăâeêioôơuưy")
_ONSETS = "b c ch d đ g gh gi h k kh l m n ng ngh nh p ph r s t th tr v x"
_FRONT = frozenset("eêiy")  # before these c, g, ng are written k, gh, ngh
_BEFORE_FRONT = frozenset(("k", "gh", "ngh"))
_NOT_BEFORE_FRONT = frozenset(("c", "g", "ng"))
_STOPS = ("c", "ch", "p", "t")
_RHYMES = (
    "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây "
    "e ec em en eng eo ep et ê êch êm ên ênh êp êt êu i ia ich im in inh ip it iu "
    "iêc iêm iên iêng iêp iêt iêu o oc oi om on ong op ot oa oac oach oai oam oan oang oanh "
    "oao oap oat oay oăc oăm oăn oăng oăt oe oen oeo oet ooc oong ô ôc ôi ôm ôn ông ôp "
    "ôt ơ ơi ơm ơn ơp ơt u ua uc ui um un ung up ut uân uâng uât uây uê uêch uên uênh uơ uy "
    "uya uych uyn uynh uyp uyt uyu uyên uyêt uôc uôi uôm uôn uông uôt ư ưa ưc ưi ưng ưt ưu "
    "ươc ươi ươm ươn ương ươp ươt ươu y"
)
_ALONE = "yêm yên yêng yêt yêu gi gin giêng giêt"
_AFTER_QU = (
    "a ac ach ai an ang anh ao at ay ăc ăm ăn ăng ăp ăt ân âng ât ây e en eo et ê êch ên ênh "
    "êt i in inh ich it y yên yêt ynh yt yn ơ ôc ôt"
)


def is_syllable(word: str) -> bool:
    """Say whether lower case NFC letters are a syllable, with its marks or wholly without."""
    if word.isascii():
        return word in _bare_syllables()
    base, tone = split_tone(word)
    if base not in _syllables():
        return False
    return not tone or tone in "\u0301\u0323" or not base.endswith(_STOPS)


def split_tone(word: str) -> tuple[str, str]:
    """Return the NFC letters without the tone mark, and the mark (none: empty)."""
    found = ""
    letters = []
    for letter in unicodedata.normalize("NFD", word):
        if letter in TONES:
            if found:  # two tones are no syllable
                return word, found
            found = letter
        else:
            letters.append(letter)
    return unicodedata.normalize("NFC", "".join(letters)), found


def with_tone(base: str, tone: str) -> str:
    """Put a tone mark where people put it by hand: hòa, thúy, but hoàn, nguyễn."""
    if not tone:
        return base
    place = _tone_place(base)
    return unicodedata.normalize("NFC", base[: place + 1] + tone + base[place + 1 :])


def _tone_place(base: str) -> int:
    start = 2 if base.startswith(("qu", "gi")) and any(c in VOWELS for c in base[2:]) else 0
    places = [at for at in range(start, len(base)) if base[at] in VOWELS]
    for place in reversed(places):
        if base[place] in "ăâêôơư" and not (base[place] == "ư" and place + 1 in places):
            return place
    if len(places) == 1:
        return places[0]
    closed = places[-1] < len(base) - 1
    return places[1] if closed or len(places) == 3 else places[0]


def bare(word: str) -> str:
    """Return the letters without any mark; đ becomes d."""
    if word.isascii():
        return word
    spread = unicodedata.normalize("NFD", word)
    return "".join(c for c in spread if not unicodedata.combining(c)).replace("đ", "d")


@cache
def _syllables() -> frozenset[str]:
    return frozenset(_all_syllables())


@cache
def _bare_syllables() -> frozenset[str]:
    return frozenset(bare(word) for word in _all_syllables())


def _all_syllables() -> Iterable[str]:
    yield from _ALONE.split()
    yield from (f"qu{rhyme}" for rhyme in _AFTER_QU.split())
    for rhyme in _RHYMES.split():
        yield rhyme
        is_front = rhyme[0] in _FRONT
        for onset in _ONSETS.split():
            if onset not in (_NOT_BEFORE_FRONT if is_front else _BEFORE_FRONT):
                yield onset + rhyme
