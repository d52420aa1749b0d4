"""Find out in which encoding Vietnamese bytes are written, and read them.

A file says nothing of its encoding, but its words do: the encoding under which most words
with marks are Vietnamese syllables is the one. UTF-8 that was made of misread bytes (a
TCVN3 file opened as Windows-1252 and saved) is seen through as well. Nothing raises.
"""

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from trucyte.base.normal_form import normal_form
from trucyte.vietnam.people.legacy import from_tcvn3, from_vni_windows
from trucyte.vietnam.people.syllable import is_syllable

SAMPLE_BYTES = 262_144  # what is looked at
_WORDS_MAX = 3000
_WORDS_ENOUGH = 3  # fewer words with marks prove little
_MISREAD = 0.5  # UTF-8 with fewer right words may be made of misread bytes
_BELIEVED = 0.8
_LEAST = 0.5

_MARKED = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_MARKED_TEXT = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\W\d_]*")
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_LETTERS = re.compile(r"[^\W\d_]+")

Decoder = Callable[[bytes], str]


class Decoded(NamedTuple):
    """Text, the encoding it was in, and how sure that is (0 to 1)."""

    text: str
    encoding: str
    confidence: float


def decode_text(data: bytes) -> Decoded:
    """Read bytes in whatever encoding they are; the text is in NFC.

    Encodings: "ascii", "utf-8", "utf-16", "tcvn3", "vni", "windows-1258", "windows-1252" (the
    last resort), and "utf-8+tcvn3", "utf-8+vni", "utf-8+utf-8" for what was misread before.
    """
    encoding, confidence = detect_encoding(data)
    return Decoded(decode_as(data, encoding), encoding, confidence)


def detect_encoding(data: bytes) -> tuple[str, float]:
    """Return the encoding of bytes and how sure that is; looks at their first part only."""
    wide = _wide(data)
    if wide:
        return wide, 1.0
    sample = data[:SAMPLE_BYTES]
    if sample.isascii() and data.isascii():
        return "ascii", 1.0
    if _is_utf8(data):
        return _seen_through(data)
    words = _MARKED.findall(sample if not sample.isascii() else data)[:_WORDS_MAX]
    shares = {name: _share([decode(word) for word in words]) for name, decode in _BYTES.items()}
    best = max(shares, key=lambda name: shares[name])
    if shares[best] < _LEAST:
        return "windows-1252", round(1 - shares[best], 3) * 0.5
    return best, round(shares[best] * min(1.0, len(words) / _WORDS_ENOUGH), 3)


def decode_as(data: bytes, encoding: str) -> str:
    """Read bytes in an encoding that `detect_encoding` named; the text is in NFC."""
    if encoding in _WIDE:
        text = data.decode(_WIDE[encoding], errors="replace")
    elif encoding in _BYTES:
        text = _BYTES[encoding](data)
    elif encoding == "windows-1252":
        text = _western(data)
    else:
        text = data.decode("utf-8-sig", errors="replace")
        _, _, inner = encoding.partition("+")
        if inner:
            text = _AGAIN[inner](text)
    return normal_form("NFC", text.removeprefix("\ufeff"))


def _wide(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:1024]
    if head.count(0) * 3 < len(head) or not head:
        return ""
    return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _seen_through(data: bytes) -> tuple[str, float]:
    """Say whether UTF-8 is what was meant, or letters of misread bytes."""
    head = data[:SAMPLE_BYTES].decode("utf-8", errors="ignore")
    text = normal_form("NFC", head if not head.isascii() else data.decode("utf-8"))
    words = _MARKED_TEXT.findall(text)[:_WORDS_MAX]
    own = _share(words)
    if own >= _MISREAD:
        return "utf-8", 1.0
    sample = " ".join(_around(text))
    shares = {name: _share(_MARKED_TEXT.findall(way(sample))) for name, way in _AGAIN.items()}
    best = max(shares, key=lambda name: shares[name])
    if shares[best] < _BELIEVED or shares[best] <= own:
        return "utf-8", 1.0
    return f"utf-8+{best}", round(shares[best], 3)


def _around(text: str) -> Sequence[str]:
    """Return the pieces between spaces that are not ASCII."""
    pieces = re.split(r"[ \t\r\n]+", text)  # a no-break space is part of misread UTF-8
    return [piece for piece in pieces if not piece.isascii()][:_WORDS_MAX]


def _share(words: Sequence[str]) -> float:
    """Return which part of words are Vietnamese syllables with marks."""
    right = total = 0
    for word in words:
        parts = _LETTERS.findall(normal_form("NFC", word).lower())
        marked = [part for part in parts if not part.isascii()]
        total += max(len(marked), 1)
        if "".join(parts) == normal_form("NFC", word).lower():
            right += sum(map(is_syllable, marked))
    return right / total if total else 0.0


def _western(data: bytes) -> str:
    """Read Windows-1252; its five undefined bytes as the controls of Latin-1."""
    if not _UNDEFINED.search(data):
        return data.decode("cp1252")
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in data)


def _misread_utf8(text: str) -> str:
    """Return UTF-8 that was read as Windows-1252, as it was meant."""
    found = bytearray()
    for letter in text:
        try:
            found += letter.encode("cp1252")
        except UnicodeEncodeError:
            found += letter.encode("latin-1") if ord(letter) < 256 else letter.encode()
    return found.decode("utf-8", errors="replace")


_WIDE: Mapping[str, str] = {
    "utf-16": "utf-16", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be",
}  # fmt: skip
_BYTES: Mapping[str, Decoder] = {
    "tcvn3": lambda data: from_tcvn3(data.decode("latin-1")),
    "vni": lambda data: from_vni_windows(data.decode("latin-1")),
    "windows-1258": lambda data: data.decode("cp1258", errors="replace"),
}
_AGAIN: Mapping[str, Callable[[str], str]] = {
    "tcvn3": from_tcvn3,
    "vni": from_vni_windows,
    "utf-8": _misread_utf8,
}
