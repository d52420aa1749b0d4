"""Undo what a keyboard left: Telex (Nguyeenx) and VNI (Nguye6n4) typed with the method off.

A word is changed only where all its keys are used up and a Vietnamese syllable comes out.
"""

from trucyte.vietnam.people.syllable import is_syllable, with_tone

_TELEX_TONES = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_VNI_TONES = dict(zip("12345", "\u0301\u0300\u0309\u0303\u0323", strict=True))
_ROUND = {"a": "â", "e": "ê", "o": "ô"}
_HORN = {"a": "ă", "o": "ơ", "u": "ư"}
_VOWELS = frozenset("aeiouyăâêôơư")
_LENGTH_MAX = 12  # "nghieengx" has nine keys


def from_telex(word: str) -> str:
    """Return the syllable that Telex keys stand for; an empty string where they are none."""
    if len(word) > _LENGTH_MAX or not word.isascii():
        return ""
    letters: list[str] = []
    tone = ""
    for key in word:
        if key in _TELEX_TONES and any(letter in _VOWELS for letter in letters):
            if tone:
                return ""
            tone = _TELEX_TONES[key]
        elif not _telex_key(letters, key):
            letters.append(key)
    return _settled(letters, tone)


def _telex_key(letters: list[str], key: str) -> bool:
    """Apply one key that marks a letter before it; False where it is a letter itself."""
    if key == "w":
        return _horn(letters) or _lone_horn(letters)
    if key == "d" and "d" in letters[:1]:
        letters[0] = "đ"
        return True
    return key in _ROUND and _mark(letters, key, _ROUND[key], near=True)


def _lone_horn(letters: list[str]) -> bool:
    """A w with nothing to mark stands for ư."""
    letters.append("ư")
    return True


def from_vni(word: str) -> str:
    """Return the syllable that VNI digits stand for; an empty string where they are none."""
    if len(word) > _LENGTH_MAX:
        return ""
    letters: list[str] = []
    tone = ""
    for key in word:
        if key in _VNI_TONES:
            if tone or not letters:
                return ""
            tone = _VNI_TONES[key]
        elif not key.isdigit():
            letters.append(key)
        elif not _vni_key(letters, key):
            return ""
    return _settled(letters, tone)


def _vni_key(letters: list[str], key: str) -> bool:
    if key == "6":
        return any(_mark(letters, plain, _ROUND[plain], near=False) for plain in "eoa")
    if key == "7":
        return _horn(letters)
    if key == "8":
        return _mark(letters, "a", "ă", near=False)
    if key == "9" and letters[:1] == ["d"]:
        letters[0] = "đ"
        return True
    return False


def _horn(letters: list[str]) -> bool:
    """Mark uo as ươ, else the last o, u or a."""
    for at in range(len(letters) - 1, 0, -1):
        if letters[at] in "oơ" and letters[at - 1] in "uư" and letters[:1] != ["q"]:
            changed = letters[at - 1 : at + 1] != ["ư", "ơ"]
            letters[at - 1 : at + 1] = ["ư", "ơ"]
            return changed
    for at in range(len(letters) - 1, -1, -1):
        if letters[at] in _HORN:
            letters[at] = _HORN[letters[at]]
            return True
    return False


def _mark(letters: list[str], plain: str, marked: str, *, near: bool) -> bool:
    """Mark the last `plain`; `near`: only consonants may stand between it and the key."""
    for at in range(len(letters) - 1, -1, -1):
        if letters[at] == plain:
            letters[at] = marked
            return True
        if near and letters[at] in _VOWELS:
            return False
    return False


def _settled(letters: list[str], tone: str) -> str:
    base = "".join(letters)
    word = with_tone(base, tone) if any(letter in _VOWELS for letter in base) else ""
    return word if word and is_syllable(word) else ""
