"""The national pack: the packaged lists of the country as CodeSystems, value sets and maps.

Everything comes from `vietnam/data` by code, so the same program writes the same resources:
loading the pack again writes nothing. Each list says its legal basis and where its rows
were taken from, each row whether it was verified. Lists that are not open are not here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trucyte.shared.terminology.concept import Concept, make_concept, text_property
from trucyte.shared.terminology.edition import (
    Edition,
    machine_name,
    provenance,
    resource_id,
    whole_value_set,
)
from trucyte.shared.terminology.names import KEEPER, LIST_NAME, PACK
from trucyte.vietnam.lists import Term
from trucyte.vietnam.packaged_lists import PackagedLists
from trucyte.vietnam.systems import load_systems
from trucyte.vietnam.tables import read_toml

VERSION: Final = "2026.11"  # of the pack; raised when rows of `vietnam/data` change
_OWN: Final = "https://trucyte.vn/fhir/"
_CCCD: Final = "cccd-tinh"


@dataclass(frozen=True, slots=True)
class Pack:
    """What the national pack holds."""

    editions: Sequence[Edition]
    others: Sequence[dict[str, Any]]  # value sets and concept maps


def system_of(name: str) -> str:
    """Return the URL of the code system of a list; KeyError where the pack has no such list."""
    key = read_toml("pack")[name].get("system")
    return load_systems()[key].uri if key else f"{_OWN}CodeSystem/{name}"


def value_set_of(name: str) -> str:
    """Return the URL of the value set of all codes of a list."""
    return f"{_OWN}ValueSet/{name}"


def title_of(name: str) -> str:
    """Return the Vietnamese title of a list."""
    return str(read_toml("pack")[name]["title"])


def list_names() -> Sequence[str]:
    """Return every list the pack has a name for, with or without rows."""
    return tuple(read_toml("pack"))


def national_pack(lists: PackagedLists | None = None) -> Pack:
    """Make the pack from the packaged lists."""
    lists = lists or PackagedLists()
    editions = [edition for name in list_names() if (edition := _edition(name, lists))]
    others = [whole_value_set(edition, value_set_of(edition.name)) for edition in editions]
    by_name = {edition.name: edition for edition in editions}
    for name, row in read_toml("pack").items():
        if "map" in row and name in by_name:
            others.append(_map(by_name[name], row["map"], lists))
    return Pack(editions, others)


def _edition(name: str, lists: PackagedLists) -> Edition | None:
    row = read_toml("pack")[name]
    terms = _prefixes(lists) if name == _CCCD else lists.terms(name)
    concepts = [concept for term in terms if (concept := _concept(term))]
    if not concepts:
        return None
    return Edition(
        name=name,
        url=system_of(name),
        version=VERSION,
        title=row["title"],
        keeper=PACK,
        concepts=_together(concepts),
        legal=row.get("legal") or lists.legal_source(name),
        source=row["source"],
        is_whole=bool(row.get("whole", False)) or lists.is_loaded(name),
    )


def _prefixes(lists: PackagedLists) -> Iterator[Term]:
    """Give the three digits a personal number begins with, one for each old province."""
    for term in lists.terms("tinh"):
        if term.valid_to is not None:
            yield Term(f"0{term.code}", term.vi, verified=term.verified, extra={"tinh": term.code})


def _concept(term: Term) -> Concept | None:
    """Return a row as a concept; codes of published samples are no part of a list."""
    if term.extra.get("list") == "mau":
        return None
    return make_concept(
        term.code,
        term.vi,
        english=term.en,
        valid_from=term.valid_from,
        valid_to=term.valid_to,
        verified=term.verified,
        properties=[text_property(name, value) for name, value in term.extra.items()],
    )


def _together(concepts: Sequence[Concept]) -> Sequence[Concept]:
    """Put the terms of one code together, the newest last, in the order of the list."""
    by_code: dict[str, list[Concept]] = {}
    for concept in concepts:
        by_code.setdefault(concept.code, []).append(concept)
    return [concept for same in by_code.values() for concept in same]


def _map(edition: Edition, row: Mapping[str, str], lists: PackagedLists) -> dict[str, Any]:
    column, to = row["column"], row["to"]
    target = system_of(to) if to in read_toml("pack") else to
    elements: dict[str, dict[str, Any]] = {}
    for term in lists.terms(edition.name):
        if column not in term.extra:
            continue
        same = term.extra[column] == term.code and to == edition.name
        elements[term.code] = {
            "code": term.code,
            "display": term.vi,
            "target": [
                {
                    "code": term.extra[column],
                    "equivalence": "equal" if same else row["equivalence"],
                }
            ],
        }
    return {
        "resourceType": "ConceptMap",
        "id": resource_id(PACK, "cm", row["name"]),
        "meta": {"tag": [{"system": KEEPER, "code": PACK}]},
        "extension": provenance(edition),
        "url": f"{_OWN}ConceptMap/{row['name']}",
        "identifier": {"system": LIST_NAME, "value": row["name"]},
        "version": VERSION,
        "name": machine_name(row["name"]),
        "title": f"{edition.title} → {row['name']}",
        "status": "active",
        "sourceUri": value_set_of(edition.name),
        "group": [{"source": edition.url, "target": target, "element": list(elements.values())}],
    }
