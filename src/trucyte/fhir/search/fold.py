"""Fold text for searching: with or without Vietnamese marks, in any case or form.

`fold("Nguyễn Thị Đào") == fold("NGUYEN THI DAO")`. Composed and decomposed Unicode
fold alike (R4 3.1.1.4.9: case- and accent-insensitive by default).
"""

import unicodedata

from trucyte.base.normal_form import normal_form

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "ø": "o", "ł": "l", "ħ": "h", "ı": "i"})


def fold(text: str) -> str:
    """Return `text` without marks, in lower case, with single spaces."""
    if not text.isascii():
        decomposed = normal_form("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
        text = text.casefold().translate(_LETTERS)
    return " ".join(text.lower().split())
