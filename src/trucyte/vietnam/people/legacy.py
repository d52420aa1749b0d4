"""TCVN3 (ABC) and VNI-Windows: Vietnamese bytes from before Unicode, and text misread from them.

Both were written with fonts, so bytes carry no name of their encoding, and capitals with
marks were often small letters in a capital font; `upright` puts those right.
"""

import re
from collections.abc import Mapping
from functools import cache

from trucyte.base.normal_form import normal_form

# TCVN 5712:1993, VN3: byte -> letter. Runs of bytes that follow each other.
_TCVN3_RUNS = (
    (0xA1, "ĂÂÊÔƠƯĐăâêôơưđ"),
    (0xB5, "àảãáạ"),
    (0xBB, "ằẳẵắ"),
    (0xC6, "ặầẩẫấậè"),
    (0xCE, "ẻẽéẹềểễếệìỉ"),
    (0xDC, "ĩíịò"),
    (0xE1, "ỏõóọồổỗốộờởỡớợù"),
    (0xF1, "ủũúụừửữứựỳỷỹýỵ"),
)
_VNI_TONES = dict(zip("ùøûõï", "\u0301\u0300\u0309\u0303\u0323", strict=True))
_VNI_ROUND = dict(zip("âáàåãä", ("", *"\u0301\u0300\u0309\u0303\u0323"), strict=True))
_VNI_BREVE = dict(zip("êéèúüë", ("", *"\u0301\u0300\u0309\u0303\u0323"), strict=True))
_VNI_ALONE = {
    "ñ": "đ", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "ô": "ơ", "ö": "ư",
}  # fmt: skip
_PIECE = re.compile(r"[^;,\t\n|]+")
_HIGH = re.compile(r"[\xa1-\xff]")
_NO_BYTE = re.compile(r"[\u0100-\u024f\u1e00-\u1eff]")


def from_tcvn3(text: str) -> str:
    """Return text whose TCVN3 bytes were read as Windows-1252, as it was meant."""
    return upright(text.translate(_tcvn3_letters()))


def from_vni_windows(text: str) -> str:
    """Return text whose VNI-Windows bytes were read as Windows-1252, as it was meant."""
    pattern, letters = _vni_letters()
    return pattern.sub(lambda found: letters[found.group()], text)


def may_be_legacy(text: str) -> bool:
    """Say whether text has letters that misread bytes have."""
    return bool(_HIGH.search(text)) and not _NO_BYTE.search(text)


def upright(text: str) -> str:
    """Make small letters capital where the letters around them are (NGUYễN THị)."""
    return _PIECE.sub(_raised, text)


def _raised(found: re.Match[str]) -> str:
    piece = found.group()
    plain = [letter for letter in piece if letter.isascii() and letter.isalpha()]
    return piece.upper() if len(plain) > 1 and all(map(str.isupper, plain)) else piece


@cache
def _tcvn3_letters() -> Mapping[int, str]:
    found: dict[int, str] = {}
    for first, letters in _TCVN3_RUNS:
        for step, letter in enumerate(letters):
            found[ord(bytes([first + step]).decode("cp1252"))] = letter
    return found


@cache
def _vni_letters() -> tuple[re.Pattern[str], Mapping[str, str]]:
    small: dict[str, str] = {}
    for base, stem in [*((c, c) for c in "aeiouy"), ("ô", "ơ"), ("ö", "ư")]:
        for sign, tone in _VNI_TONES.items():
            small[base + sign] = normal_form("NFC", stem + tone)
    for signs, stems in ((_VNI_ROUND, {"a": "â", "e": "ê", "o": "ô"}), (_VNI_BREVE, {"a": "ă"})):
        for sign, tone in signs.items():
            for base, stem in stems.items():
                small[base + sign] = normal_form("NFC", stem + tone)
    small |= _VNI_ALONE
    both = dict(small)
    for typed, letter in small.items():
        both[typed.upper()] = letter.upper()
        both[typed[0].upper() + typed[1:]] = letter.upper()
    ordered = sorted(both, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))), both
