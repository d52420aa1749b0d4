"""Write Vietnamese words as bad keyboards, old encodings and hurried clerks write them.

Each function takes and gives NFC text but for `decomposed`; words are few, so results are
kept. These tables are written apart from the readers of `vietnam`, which must not be
measured against themselves.
"""

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

_TONE_KEYS: Final = {  # mark -> Telex, VNI, VNI-Windows
    "\u0301": ("s", "1", "ù"),
    "\u0300": ("f", "2", "ø"),
    "\u0309": ("r", "3", "û"),
    "\u0303": ("x", "4", "õ"),
    "\u0323": ("j", "5", "ï"),
}
_LETTER_KEYS: Final = {  # letter -> Telex, VNI
    "ă": ("aw", "a8"),
    "â": ("aa", "a6"),
    "ê": ("ee", "e6"),
    "ô": ("oo", "o6"),
    "ơ": ("ow", "o7"),
    "ư": ("uw", "u7"),
    "đ": ("dd", "d9"),
}
# TCVN 5712:1993 (VN3), the letters of a byte from 0xA1 on; a dot is a byte without a letter.
_TCVN3: Final = (
    "ĂÂÊÔƠƯĐăâêôơưđ......àảãáạ.ằẳẵắ.......ặầẩẫấậè.ẻẽéẹềểễếệìỉ...ĩíịò.ỏõóọồổỗốộờởỡớợù.ủũúụừửữứựỳỷỹýỵ"
)
_VNI_WHOLE: Final = {"đ": "ñ", "ì": "ì", "í": "í", "ỉ": "æ", "ĩ": "ó", "ị": "ò", "ỵ": "î"}
_VNI_BASE: Final = {"â": "a", "ê": "e", "ô": "o", "ă": "a", "ơ": "ô", "ư": "ö"}
_VNI_ROUND: Final = dict(zip(("", *_TONE_KEYS), "âáàåãä", strict=True))
_VNI_BREVE: Final = dict(zip(("", *_TONE_KEYS), "êéèúüë", strict=True))
_OPEN: Final = {  # open syllables whose tone two schools place differently
    first + tone + second: first + second + tone
    for first, second in (("o", "a"), ("o", "e"), ("u", "y"))
    for tone in _TONE_KEYS
}


def decomposed(text: str) -> str:
    """Return the text in NFD."""
    return unicodedata.normalize("NFD", text)


@lru_cache(maxsize=1)
def _bare() -> Mapping[int, str]:
    table = {ord("đ"): "d", ord("Đ"): "D"}
    for code in (*range(0xC0, 0x1B1), *range(0x1EA0, 0x1EFA)):
        letters = decomposed(chr(code))
        if len(letters) > 1:
            table[code] = letters[0]
    return table


def unaccented(text: str) -> str:
    """Return the text without any mark."""
    return text.translate(_bare())


def telex(text: str) -> str:
    """Return what the keys of Telex leave where the method is off."""
    return _by_word(text, _telex_word)


def vni_typing(text: str) -> str:
    """Return what the keys of VNI leave where the method is off."""
    return _by_word(text, _vni_word)


def vni_bytes(text: str) -> str:
    """Return VNI-Windows text read as Latin."""
    return _by_word(text, _vni_font)


def tcvn3_bytes(text: str) -> str:
    """Return TCVN3 (ABC) text read as Latin."""
    return text.translate(_tcvn3())


def tone_moved(text: str) -> str:
    """Return the text with the tones of oa, oe and uy at the end of words placed otherwise."""
    return _by_word(text, _moved)


def _by_word(text: str, change: Callable[[str], str]) -> str:
    return " ".join([change(word) for word in text.split(" ")])


@lru_cache(maxsize=8192)
def _telex_word(word: str) -> str:
    return _keys(word, 0)


@lru_cache(maxsize=8192)
def _vni_word(word: str) -> str:
    return _keys(word, 1)


def _keys(word: str, method: int) -> str:
    parts, end = [], ""
    for letter in word:
        base, tone = _split(letter)
        lower = base.lower()
        keys = _LETTER_KEYS[lower][method] if lower in _LETTER_KEYS else base
        parts.append(keys if base == lower else keys.capitalize())
        if tone:
            end = _TONE_KEYS[tone][method]
    text = "".join(parts) + end
    return text.upper() if len(word) > 1 and word.isupper() else text


def _split(letter: str) -> tuple[str, str]:
    """Return a letter without its tone, and the tone."""
    for mark in decomposed(letter)[1:]:
        if mark in _TONE_KEYS:
            bare = decomposed(letter).replace(mark, "")
            return unicodedata.normalize("NFC", bare), mark
    return letter, ""


@lru_cache(maxsize=8192)
def _vni_font(word: str) -> str:
    text = "".join([_vni_letter(letter) for letter in word])
    return text.upper() if len(word) > 1 and word.isupper() else text


def _vni_letter(letter: str) -> str:
    lower = letter.lower()
    if lower in _VNI_WHOLE:
        written = _VNI_WHOLE[lower]
    else:
        base, tone = _split(lower)
        if base in "âêô":
            written = _VNI_BASE[base] + _VNI_ROUND[tone]
        elif base == "ă":
            written = _VNI_BASE[base] + _VNI_BREVE[tone]
        else:
            mark = _TONE_KEYS[tone][2] if tone else ""
            written = _VNI_BASE.get(base, base) + mark
    if letter == lower:
        return written
    return written[0].upper() + written[1:]


@lru_cache(maxsize=1)
def _tcvn3() -> Mapping[int, str]:
    table = {ord(letter): chr(0xA1 + place) for place, letter in enumerate(_TCVN3) if letter != "."}
    # Capitals with tones have no byte: a capital font shows the small ones.
    for letter in _TCVN3:
        upper = letter.upper()
        if letter != "." and ord(upper) not in table:
            table[ord(upper)] = table[ord(letter)]
    return table


@lru_cache(maxsize=8192)
def _moved(word: str) -> str:
    letters = decomposed(word)
    tail = letters[-3:].lower()
    if letters[:1].lower() == "q":  # in "quý" the u belongs to the consonant
        return word
    for one, other in _OPEN.items():
        for found, instead in ((one, other), (other, one)):
            if tail == found:
                ending = letters[-3:].upper() if letters.isupper() else ""
                made = instead.upper() if ending else instead
                return unicodedata.normalize("NFC", letters[:-3] + made)
    return word
