"""Unicode normal forms in linear time.

Normalising sorts each run of combining marks, in the square of its length; no language
has a run of 64, so a longer one is an attack and is left out.
"""

import re
import unicodedata
from typing import Literal

MARKS_RUN = re.compile(r"[^\w\x00-\x7f]{64,}")


def normal_form(form: Literal["NFC", "NFD", "NFKD"], text: str) -> str:
    """Return the text in a normal form, without overlong runs of marks."""
    return text if text.isascii() else unicodedata.normalize(form, MARKS_RUN.sub("", text))
