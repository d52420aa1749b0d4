"""One edition of one list, and the resources it is written as.

A list of up to `INLINE_MAX` terms is one CodeSystem. A larger one is a CodeSystem without
concepts that names its parts: CodeSystems (content "fragment") whose ids come from what
they hold, so that loading a list again writes only what changed.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any, Final

import msgspec

from trucyte.shared.terminology.concept import Concept, written, written_period
from trucyte.shared.terminology.names import (
    EFFECTIVE,
    KEEPER,
    LEGAL,
    LIST_NAME,
    NOT_SELECTABLE,
    NOT_SELECTABLE_URI,
    PARENT,
    PARENT_URI,
    PART,
    PART_OF,
    SOURCE,
)

INLINE_MAX: Final = 1000
PART_MAX: Final = 500
_ID_MAX: Final = 64
_TYPES: Final = {
    "valueString": "string",
    "valueBoolean": "boolean",
    "valueCode": "code",
    "valueInteger": "integer",
    "valueDecimal": "decimal",
    "valueDateTime": "dateTime",
    "valueCoding": "Coding",
}


@dataclass(frozen=True, slots=True)
class Edition:
    """A list as it stands from one day on."""

    name: str  # short, as rules and settings name it: icd10
    url: str
    version: str  # of the list: its decision or its first day
    title: str
    keeper: str  # pack or operator
    concepts: Sequence[Concept]  # the terms of one code stand together, newest last
    legal: str = ""
    source: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    is_whole: bool = True

    @property
    def id(self) -> str:
        """The id of its CodeSystem; an edition without a first day replaces the one before."""
        return resource_id(self.keeper, self.name, self.version if self.valid_from else "")

    def until(self, end: date | None) -> "Edition":
        """Return the edition ending on a day."""
        return replace(self, valid_to=end)


def resource_id(*words: str) -> str:
    """Return a readable id from words; one that would be too long ends in a hash."""
    text = re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(filter(None, words))).strip("-")
    if len(text) <= _ID_MAX:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[: _ID_MAX - 13]}-{digest}"


def machine_name(*words: str) -> str:
    """Return a name that machines take (R4 csd-0): a capital, then letters and digits."""
    parts = re.findall(r"[A-Za-z0-9]+", " ".join(words))
    return "".join(part[:1].upper() + part[1:] for part in parts)


def resources_of(edition: Edition) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the parts of an edition (none for a short list) and its CodeSystem."""
    concepts = [written(list(terms)) for _, terms in groupby(edition.concepts, _code)]
    main = _head(edition, len(concepts))
    if len(concepts) <= INLINE_MAX:
        main["content"] = "complete" if edition.is_whole else "fragment"
        return [], _ended(main, edition, concepts)
    parts = [
        _part(edition, concepts[at : at + PART_MAX]) for at in range(0, len(concepts), PART_MAX)
    ]
    # The resource itself has none of the concepts: that is what not-present says.
    main["content"] = "not-present" if edition.is_whole else "fragment"
    main["extension"] += [{"url": PART, "valueString": part["id"]} for part in parts]
    return parts, _ended(main, edition, ())


def _code(concept: Concept) -> str:
    return concept.code


def _head(edition: Edition, count: int) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "id": edition.id,
        "meta": {"tag": [{"system": KEEPER, "code": edition.keeper}]},
        "extension": provenance(edition),
        "url": edition.url,
        "identifier": [{"system": LIST_NAME, "value": edition.name}],
        "version": edition.version,
        "name": machine_name(edition.name),
        "title": edition.title,
        "status": "active",
        "caseSensitive": True,
        "hierarchyMeaning": "is-a",
        "content": "",
        "count": count,
    }


def provenance(edition: Edition) -> list[dict[str, Any]]:
    """Return the extensions that say since when, by what and from where."""
    found: list[dict[str, Any]] = []
    period = written_period(edition.valid_from, edition.valid_to)
    if period:
        found.append({"url": EFFECTIVE, "valuePeriod": period})
    if edition.legal:
        found.append({"url": LEGAL, "valueString": edition.legal})
    if edition.source:
        found.append({"url": SOURCE, "valueString": edition.source})
    return found


def _ended(
    main: dict[str, Any], edition: Edition, concepts: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    properties = _declared(edition.concepts)
    if properties:
        main["property"] = properties
    if concepts:
        main["concept"] = list(concepts)
    if not main["extension"]:
        del main["extension"]
    if not any(concept.parents for concept in edition.concepts):
        del main["hierarchyMeaning"]
    return main


def _part(edition: Edition, concepts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    held = msgspec.json.encode(concepts)
    digest = hashlib.sha256(held).hexdigest()[:16]
    return {
        "resourceType": "CodeSystem",
        "id": resource_id("part", edition.name[:24], digest),
        "meta": {"tag": [{"system": KEEPER, "code": edition.keeper}]},
        "extension": [{"url": PART_OF, "valueString": edition.url}],
        "status": "active",
        "caseSensitive": True,
        "content": "fragment",
        "concept": list(concepts),
    }


def _declared(concepts: Iterable[Concept]) -> list[dict[str, str]]:
    found: dict[str, str] = {}
    has_parents = False
    for concept in concepts:
        has_parents = has_parents or bool(concept.parents)
        for item in concept.more.get("property", ()):
            kind = next((_TYPES[key] for key in item if key in _TYPES), "string")
            found.setdefault(item["code"], kind)
    declared = [_declaration(code, kind) for code, kind in found.items()]
    if has_parents:
        declared.insert(0, {"code": PARENT, "uri": PARENT_URI, "type": "code"})
    return declared


def _declaration(code: str, kind: str) -> dict[str, str]:
    uri = {"uri": NOT_SELECTABLE_URI} if code == NOT_SELECTABLE else {}
    return {"code": code, **uri, "type": kind}


def whole_value_set(edition: Edition, url: str) -> dict[str, Any]:
    """Return the value set of all codes of a list, whatever its edition."""
    return {
        "resourceType": "ValueSet",
        "id": resource_id(edition.keeper, "vs", edition.name),
        "meta": {"tag": [{"system": KEEPER, "code": edition.keeper}]},
        "url": url,
        "identifier": [{"system": LIST_NAME, "value": edition.name}],
        "name": machine_name(edition.name, "all"),
        "title": edition.title,
        "status": "active",
        "compose": {"include": [{"system": edition.url}]},
    }
