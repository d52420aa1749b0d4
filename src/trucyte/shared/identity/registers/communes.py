"""In which unit an address lies on a day, after communes were merged and divided.

Addresses are kept as they were told; the commune's code stands in an extension as claims
have it. What became of it by a day is answered when it is asked, never written back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from trucyte.vietnam.places import Unit, predecessors, read_address, successors, unit
from trucyte.vietnam.places.history import NEW_FROM, FormerUnitsNotBuilt
from trucyte.vietnam.places.units import UnitsNotBuilt

COMMUNE: Final = "https://trucyte.vn/fhir/StructureDefinition/commune"
COMMUNES: Final = "https://trucyte.vn/fhir/CodeSystem/commune"
SURE: Final = 0.8  # of an address that is read from its words
_WHOLE: Final = "whole"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lies:
    """A unit that an address lies in, or may lie in."""

    unit: Unit
    share: str  # "whole": surely; "part": the commune was divided; "inferred": perhaps


def coded(code: str) -> dict[str, Any]:
    """Return the extension of an Address that holds a commune's code."""
    coding = {"system": COMMUNES, "code": code}
    return {"url": COMMUNE, "valueCodeableConcept": {"coding": [coding]}}


def lies_in(address: Json, on: date) -> Sequence[Lies]:
    """Return the communes an address lies in on a day; none where that is not known.

    A code in use both before and since July 2025 is read by the address's own period, else
    as one in force.
    """
    try:
        code = next(_codes(address), "")
        if code:
            return _of_code(code, _day(address), on)
        return _of_words(address, on)
    except (FormerUnitsNotBuilt, UnitsNotBuilt):
        return ()


def commune_code(text: str, province: str) -> str:
    """Return the code of a commune of a list, told by code or name; "" where it is not sure."""
    try:
        if text.isascii() and text.isdigit():
            found = unit(text.zfill(5))
            return found.code if found and found.level == "commune" else ""
        read = read_address(", ".join(filter(None, (text, province))))
    except (FormerUnitsNotBuilt, UnitsNotBuilt):
        return ""
    named = read.commune or read.former_commune
    return named.code if named and read.confidence >= SURE else ""


def full_name(one: Unit) -> str:
    """Return a unit's name with its province's of the same time."""
    above = unit(one.province, one.valid_from or one.valid_to)
    return f"{one.name}, {above.name}" if above else one.name


def _of_code(code: str, told: date | None, on: date) -> Sequence[Lies]:
    named = unit(code, told) or unit(code)
    if named is None:
        return ()
    if named.is_in_force(on):
        return (Lies(named, _WHOLE),)
    if on >= NEW_FROM:
        return tuple(Lies(one.unit, one.share) for one in successors(named.code))
    if named.valid_from is None or named.valid_from <= on:
        return (Lies(named, _WHOLE),)  # merged before; the day is not known exactly
    before = predecessors(named.code)
    share = _WHOLE if len(before) == 1 else "part"
    return tuple(Lies(one.unit, share) for one in before if one.unit.level == "commune")


def _of_words(address: Json, on: date) -> Sequence[Lies]:
    parts = [str(address[name]) for name in ("text", "state") if address.get(name)]
    read = read_address(", ".join(parts))
    named = read.former_commune or read.commune
    if named is None or read.confidence < SURE:
        return ()
    told = named.valid_from or named.valid_to
    return _of_code(named.code, told, on)


def _codes(address: Json) -> Iterator[str]:
    for extension in address.get("extension", ()):
        if extension.get("url") == COMMUNE:
            for coding in extension.get("valueCodeableConcept", {}).get("coding", ()):
                yield str(coding.get("code", ""))


def _day(address: Json) -> date | None:
    period = address.get("period", {})
    text = str(period.get("end") or period.get("start") or "")
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
