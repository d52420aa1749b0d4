"""For what a person may agree to something, and the words of it: read from `purposes.toml`.

A text never changes; a new one is a row with the day it begins. What was agreed to is proved
by the SHA-256 of the exact words, in the language they were shown in.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from trucyte.base.problem import Kind, Problem

PACKAGE: Final = "trucyte.shared.access.consent"
LANGUAGES: Final = ("vi", "en")


class PurposeUnknown(Problem):
    """There is no such purpose to agree to."""

    kind = Kind.NOT_FOUND
    code = "consent-purpose-unknown"


@dataclass(frozen=True, slots=True)
class Text:
    """The words that are agreed to, from one day on."""

    purpose: str
    version: str
    valid_from: date
    words: Mapping[str, str]  # by language

    def digest(self, language: str) -> str:
        """Return the SHA-256 of the words in a language, in hex."""
        return sha256(self.words[language].encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Purpose:
    """One thing to agree to."""

    id: str
    code: str  # v3 PurposeOfUse
    scope: str  # code of consentscope
    shares: bool  # data go to somebody: a permit is written
    receiver: str  # "": nobody is named; "may", "must": one organisation
    years: int
    article: str
    verified: bool
    words: Mapping[str, str]
    texts: Sequence[Text]  # the oldest first

    def text(self, day: date) -> Text:
        """Return the text in force on a day; before the first one, the first."""
        begun = [text for text in self.texts if text.valid_from <= day]
        return begun[-1] if begun else self.texts[0]

    def text_of(self, version: str) -> Text | None:
        """Return a text by its version."""
        return next((text for text in self.texts if text.version == version), None)


def read_table(name: str) -> dict[str, Any]:
    """Return a table of this package."""
    return tomllib.loads(files(PACKAGE).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def words_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the words of a row by language."""
    return {language: row[language] for language in LANGUAGES}


def read_purposes(table: Mapping[str, Any]) -> dict[str, Purpose]:
    """Return the purposes of a table by their id."""
    texts = [
        Text(row["purpose"], row["version"], row["valid_from"], words_of(row))
        for row in table["text"]
    ]
    return {
        row["id"]: Purpose(
            row["id"], row["code"], row["scope"], row["shares"], row["receiver"], row["years"],
            row["article"], row["verified"], words_of(row),
            sorted((t for t in texts if t.purpose == row["id"]), key=lambda t: t.valid_from),
        )
        for row in table["purpose"]
    }  # fmt: skip


@cache
def purposes() -> Mapping[str, Purpose]:
    """Return the purposes in their order."""
    return read_purposes(read_table("purposes"))


def purpose_of(id: str, among: Mapping[str, Purpose] | None = None) -> Purpose:
    """Return a purpose; raises PurposeUnknown."""
    found = (purposes() if among is None else among).get(id)
    if found is None:
        raise PurposeUnknown
    return found
