"""SNOMED CT in RF2, snapshot files, for holders of its licence. Nothing of it is shipped.

Reads the active concepts, their descriptions and is-a relations from the folder of a
release. The display is the preferred term where a language reference set is there, else
the fully specified name without its tag.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from trucyte.shared.terminology.concept import make_concept, text_property
from trucyte.shared.terminology.loaders.report import Progress, Reading
from trucyte.shared.terminology.problems import ListFileTooLarge, ListFileUnreadable

URL: Final = "http://snomed.info/sct"
LINES_MAX: Final = 20_000_000
_LINE_MAX: Final = 65_536
_ROWS_AT_ONCE: Final = 5000
_FSN: Final = "900000000000003001"
_SYNONYM: Final = "900000000000013009"
_PREFERRED: Final = "900000000000548007"
_IS_A: Final = "116680003"
_IDENTIFIER: Final = re.compile(r"[1-9][0-9]{5,17}")
_TAG: Final = re.compile(r" \(([^()]+)\)$")
_CONCEPTS: Final = ("id", "effectiveTime", "active", "moduleId", "definitionStatusId")
_DESCRIPTIONS: Final = (
    "id", "effectiveTime", "active", "moduleId", "conceptId", "languageCode", "typeId", "term",
    "caseSignificanceId",
)  # fmt: skip
_RELATIONS: Final = (
    "id", "effectiveTime", "active", "moduleId", "sourceId", "destinationId",
    "relationshipGroup", "typeId", "characteristicTypeId", "modifierId",
)  # fmt: skip
_LANGUAGE: Final = (
    "id", "effectiveTime", "active", "moduleId", "refsetId", "referencedComponentId",
    "acceptabilityId",
)  # fmt: skip


def read_snomed(folder: Path, progress: Progress | None = None) -> Reading:
    """Read a release folder. Raises ListFileUnreadable, ListFileTooLarge."""
    reading = Reading()
    concepts = _concepts(folder, reading)
    parents = _parents(folder, concepts)
    preferred = {
        line[5]
        for line in _lines(folder, "der2_cRefset_Language*Snapshot*.txt", _LANGUAGE, optional=True)
        if line[6] == _PREFERRED
    }
    names, synonyms, fsn = _names(folder, concepts, preferred)
    for code in concepts:
        reading.rows += 1
        full = fsn.get(code, "")
        tag = _TAG.search(full)
        reading.take(
            make_concept(
                code,
                names.get(code) or _TAG.sub("", full),
                parents=parents.get(code, ()),
                verified=True,
                designations=[{"value": word} for word in synonyms.get(code, ())],
                properties=[text_property("semantic-tag", tag[1])] if tag else (),
            )
        )
        if not full:
            reading.warn(reading.rows, "no-name", code)
        if progress is not None and reading.rows % _ROWS_AT_ONCE == 0:
            progress(reading.rows)
    return reading


def _concepts(folder: Path, reading: Reading) -> dict[str, None]:
    found: dict[str, None] = {}
    for number, line in enumerate(_lines(folder, "sct2_Concept_*Snapshot*.txt", _CONCEPTS), 2):
        if not _IDENTIFIER.fullmatch(line[0]):
            reading.fault(number, "code", "id")
        else:
            found[line[0]] = None
    return found


def _parents(folder: Path, concepts: dict[str, None]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _lines(folder, "sct2_Relationship_*Snapshot*.txt", _RELATIONS):
        if line[7] == _IS_A and line[4] in concepts and line[5] in concepts:
            found.setdefault(line[4], []).append(line[5])
    return found


def _names(
    folder: Path, concepts: dict[str, None], preferred: set[str]
) -> tuple[dict[str, str], dict[str, list[str]], dict[str, str]]:
    names: dict[str, str] = {}
    synonyms: dict[str, list[str]] = {}
    fsn: dict[str, str] = {}
    for line in _lines(folder, "sct2_Description_*Snapshot*.txt", _DESCRIPTIONS):
        identifier, concept, kind, term = line[0], line[4], line[6], line[7]
        if concept not in concepts:
            continue
        if kind == _FSN:
            fsn.setdefault(concept, term)
        elif kind == _SYNONYM and identifier in preferred and concept not in names:
            names[concept] = term
        elif kind == _SYNONYM:
            synonyms.setdefault(concept, []).append(term)
    return names, synonyms, fsn


def _lines(
    folder: Path, pattern: str, columns: tuple[str, ...], *, optional: bool = False
) -> Iterator[list[str]]:
    """Give the active lines of the one file of a kind, each with its columns."""
    files = sorted(folder.rglob(pattern))
    if not files and optional:
        return
    if not files:
        raise ListFileUnreadable(reason=f"the folder has no file like {pattern}")
    for file in files:
        yield from _lines_of(file, columns)


def _lines_of(file: Path, columns: tuple[str, ...]) -> Iterator[list[str]]:
    with file.open(encoding="utf-8-sig", newline="\n") as opened:
        try:
            heading = opened.readline(_LINE_MAX).rstrip("\r\n").split("\t")
            if tuple(heading[: len(columns)]) != columns:
                raise ListFileUnreadable(reason=f"other columns than RF2 has in {columns[0]} files")
            count = 0
            while text := opened.readline(_LINE_MAX):
                count += 1
                line = text.rstrip("\r\n").split("\t")
                if count > LINES_MAX or (not text.endswith("\n") and len(text) >= _LINE_MAX):
                    raise ListFileTooLarge(what="lines of RF2", most=LINES_MAX)
                if len(line) < len(columns):
                    raise ListFileUnreadable(reason=f"line {count + 1} has too few columns")
                if line[2] == "1":
                    yield line
        except UnicodeDecodeError:
            raise ListFileUnreadable(reason="not UTF-8") from None
