"""From an operator's file to an edition of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from trucyte.shared.terminology.edition import Edition
from trucyte.shared.terminology.loaders.catalogue import read_catalogue
from trucyte.shared.terminology.loaders.icd10 import read_icd10
from trucyte.shared.terminology.loaders.loinc import URL as LOINC
from trucyte.shared.terminology.loaders.loinc import read_loinc
from trucyte.shared.terminology.loaders.report import Progress, Reading
from trucyte.shared.terminology.loaders.snomed import URL as SNOMED
from trucyte.shared.terminology.loaders.snomed import read_snomed
from trucyte.shared.terminology.names import OPERATOR
from trucyte.shared.terminology.national import list_names, system_of, title_of
from trucyte.shared.terminology.problems import ListFileUnreadable

_OWN_SYSTEM: Final = "https://trucyte.vn/fhir/CodeSystem/"
_LICENSED: Final = {"loinc": (LOINC, "LOINC"), "snomed": (SNOMED, "SNOMED CT")}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator says of a file."""

    name: str  # of the list: icd10, thuoc, dich-vu, loinc, snomed, or a new one
    path: Path
    valid_from: date | None = None
    valid_to: date | None = None
    version: str = ""
    legal: str = ""
    url: str = ""
    title: str = ""
    sheet: str | None = None
    code_width: int = 0  # digits of a code that a spreadsheet keeps as a number


def read_list(asked: Asked, progress: Progress | None = None) -> Reading:
    """Read the file as its list is written.

    Raises ListFileUnreadable, ListFileTooLarge; faulty rows are in the reading.
    """
    if asked.name == "icd10":
        return read_icd10(asked.path, progress, asked.sheet)
    if asked.name == "loinc":
        return read_loinc(asked.path, progress)
    if asked.name == "snomed":
        return read_snomed(asked.path, progress)
    return read_catalogue(asked.path, progress, asked.sheet, asked.code_width)


def edition_of(asked: Asked, reading: Reading) -> Edition:
    """Return the edition a reading makes. Raises ListRowsFaulty, ListFileUnreadable."""
    reading.check()
    concepts = reading.terms()
    if not concepts:
        raise ListFileUnreadable(reason="no rows below the heading")
    url, title = _named(asked)
    return Edition(
        name=asked.name,
        url=url,
        version=asked.version or (asked.valid_from.isoformat() if asked.valid_from else "undated"),
        title=title,
        keeper=OPERATOR,
        concepts=concepts,
        legal=asked.legal,
        source=asked.path.name,
        valid_from=asked.valid_from,
        valid_to=asked.valid_to,
    )


def known_lists() -> Sequence[str]:
    """Return the names of the lists this node has a place for."""
    return (*list_names(), *_LICENSED)


def _named(asked: Asked) -> tuple[str, str]:
    if asked.name in _LICENSED:
        url, title = _LICENSED[asked.name]
    elif asked.name in list_names():
        url, title = system_of(asked.name), title_of(asked.name)
        title = "ICD-10" if asked.name == "icd10" else title
    else:
        url, title = f"{_OWN_SYSTEM}{asked.name}", asked.name
    return asked.url or url, asked.title or title
