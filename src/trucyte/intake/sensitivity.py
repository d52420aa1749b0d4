"""Whether bytes that could not be mapped may hold what is sensitive.

A visit that was mapped carries its labels. For one that could not be read the signs are
looked for in the text, base64 opened; what cannot be opened counts as sensitive.
"""

import binascii
import re

_SIGNS = re.compile(
    rb"(?i)HIV|AIDS|ARV|\bB2[0-4]\b|\bZ21\b|\bZ20\.?6\b|XML6<|XML15<|>1\.9<|LAO_"
    rb"|DINH_CHI_THAI>1|\bF[0-9]{2}(?:\.[0-9])?\b"
)
_PACKED = re.compile(rb"[A-Za-z0-9+/\s]{64,}={0,2}")
_BLANKS = b" \t\r\n"


def may_be_sensitive(data: bytes) -> bool:
    """Say whether signs of sensitive content stand in `data`, or may stand in it.

    Nothing to look at (a source that could not be cut) counts as sensitive.
    """
    if not data or _SIGNS.search(data):
        return True
    for packed in _PACKED.finditer(data):
        text = packed[0].translate(None, _BLANKS)
        try:
            opened = binascii.a2b_base64(text[: len(text) // 4 * 4])
        except binascii.Error:
            return True
        if _SIGNS.search(opened):
            return True
    return False
