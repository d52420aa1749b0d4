"""What is known of a code system, value set or concept map without its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from trucyte.shared.terminology.concept import read_day
from trucyte.shared.terminology.names import EFFECTIVE, KEEPER, LIST_NAME, PART


@dataclass(frozen=True, slots=True)
class Artefact:
    """One current resource of a terminology type."""

    type: str
    id: str
    seq: int
    version: int  # of the resource
    url: str
    edition: str  # business version
    title: str
    status: str
    content: str  # CodeSystem.content, empty for the others
    list: str  # short name of a national list, empty: none
    keeper: str  # pack, operator; empty: came as any resource
    concepts: int
    valid_from: date | None
    valid_to: date | None

    def is_in_force(self, on: date | None) -> bool:
        """Say whether it holds that day; without a day it does."""
        return on is None or (
            (self.valid_from is None or self.valid_from <= on)
            and (self.valid_to is None or on <= self.valid_to)
        )

    @property
    def age(self) -> tuple[int, date, int]:
        """What sorts editions of one URL: an operator's over the pack's, then by start."""
        return (
            {"operator": 2, "": 1}.get(self.keeper, 0),
            self.valid_from or date.min,
            self.seq,
        )


def read_artefact(
    resource: Mapping[str, Any], *, seq: int, version: int, concepts: int
) -> Artefact:
    """Read the head of a resource."""
    period = extension_value(resource, EFFECTIVE) or {}
    tags = resource.get("meta", {}).get("tag", ())
    identifiers = resource.get("identifier", ())
    if isinstance(identifiers, Mapping):  # a ConceptMap has one
        identifiers = (identifiers,)
    return Artefact(
        type=resource["resourceType"],
        id=resource["id"],
        seq=seq,
        version=version,
        url=resource.get("url", "").partition("|")[0],
        edition=resource.get("version", ""),
        title=resource.get("title") or resource.get("name", ""),
        status=resource.get("status", ""),
        content=resource.get("content", ""),
        list=next((i.get("value", "") for i in identifiers if i.get("system") == LIST_NAME), ""),
        keeper=next((tag.get("code", "") for tag in tags if tag.get("system") == KEEPER), ""),
        concepts=concepts,
        valid_from=read_day(period.get("start")),
        valid_to=read_day(period.get("end")),
    )


def extension_value(resource: Mapping[str, Any], url: str) -> Any:
    """Return the value of the first extension of that URL, None where there is none."""
    return next(iter(extension_values(resource, url)), None)


def extension_values(resource: Mapping[str, Any], url: str) -> list[Any]:
    """Return the values of all extensions of that URL."""
    return [
        value
        for extension in resource.get("extension", ())
        if extension.get("url") == url
        for key, value in extension.items()
        if key.startswith("value")
    ]


def parts_of(resource: Mapping[str, Any]) -> list[str]:
    """Return the ids of the CodeSystems that hold this one's concepts."""
    return [str(value) for value in extension_values(resource, PART)]
