"""Which language a page speaks, and its words.

Vietnamese is the source: its words stand in the templates. English lies in a gettext
catalogue, compiled when the program starts.
"""

import gettext
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("vi", "en")
SOURCE = "vi"
COOKIE = "language"
CATALOGUES = Path(__file__).parent / "locale"

Translate = Callable[[str], str]


def marked(message: str) -> str:
    """Return `message` as it is: marks words in a table for the catalogue."""
    return message


def chosen_language(asked: str | None, remembered: str | None, accepted: str) -> str:
    """Return the language: asked for in the address, else remembered, else the browser's."""
    for wish in (asked, remembered):
        if wish in LANGUAGES:
            return wish
    for part in accepted.split(","):
        tag = part.split(";")[0].strip().lower()[:2]
        if tag in LANGUAGES:
            return tag
    return SOURCE


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the catalogue of a language; the source's is empty."""
    if language == SOURCE:
        return gettext.NullTranslations()
    path = CATALOGUES / language / "LC_MESSAGES" / "trucyte.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
