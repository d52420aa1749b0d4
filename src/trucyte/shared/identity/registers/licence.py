"""Licences to practise, as a Practitioner carries them (Law 15/2023/QH15 on treatment).

A licence is a `qualification`: its number as identifier, the title as code, first and last
day as period, the issuer. Two extensions say what R4 has no element for: the scope of
practice, and the states it was in (suspended, revoked, replaced) with their days. What
cannot be understood of a state bars, for a licence must not come into force by a misspelling.

Moments are microseconds since 1970 as `fhir.search.moments` has them; ranges are half open.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from trucyte.fhir.search.moments import EARLIEST, LATEST, moment_range

SCOPE: Final = "https://trucyte.vn/fhir/StructureDefinition/practice-scope"
STATE: Final = "https://trucyte.vn/fhir/StructureDefinition/licence-state"
SCOPES: Final = "https://trucyte.vn/fhir/CodeSystem/practice-scope"
TITLES: Final = "https://trucyte.vn/fhir/CodeSystem/practice-title"
NUMBERS: Final = "http://fhir.hl7.org.vn/core/sid/cchn"
SOCIAL: Final = "http://fhir.hl7.org.vn/core/sid/bhxh"

Element = Mapping[str, Any]
Range = tuple[int, int]


class State(Enum):
    """What a licence can be in for a while, or from a day on."""

    SUSPENDED = "suspended"  # đình chỉ hành nghề
    REVOKED = "revoked"  # thu hồi giấy phép
    REPLACED = "replaced"  # cấp đổi: a newer one holds instead


@dataclass(frozen=True, slots=True)
class Spell:
    """A licence was in a state for a time."""

    state: State
    low: int
    high: int
    decision: str = ""  # number of the decision, as written


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence or certificate of one person."""

    number: str  # in its normal form
    low: int
    high: int
    scopes: frozenset[str] = frozenset()  # codes and words; empty: not recorded
    spells: tuple[Spell, ...] = ()
    title: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Practice:
    """Where someone practises, and when."""

    organisation: str  # "Organization/<id>", or a facility's code; "" where none is named
    low: int
    high: int
    names: frozenset[str] = frozenset()  # all the ways the place is called


def normal_number(text: str) -> str:
    """Return a licence number as numbers are compared: no blanks, capitals."""
    return "".join(text.split()).upper()


def licences_of(practitioner: Element) -> tuple[Licence, ...]:
    """Return the licences among the qualifications of a Practitioner."""
    found = (_licence(one) for one in _elements(practitioner.get("qualification")))
    return tuple(licence for licence in found if licence is not None)


def numbers_of(practitioner: Element) -> frozenset[tuple[str, str]]:
    """Return (system, value) of what a practitioner is known by in registers."""
    held = [
        *_elements(practitioner.get("identifier")),
        *(i for q in _elements(practitioner.get("qualification"))
          for i in _elements(q.get("identifier"))),
    ]  # fmt: skip
    return frozenset(filter(None, map(register_number, held)))


def register_number(identifier: Element) -> tuple[str, str] | None:
    """Return an identifier that registers go by, in its normal form; None for any other."""
    system, value = identifier.get("system"), identifier.get("value")
    if system not in (NUMBERS, SOCIAL) or not isinstance(value, str):
        return None
    number = normal_number(value)
    return (str(system), number) if number else None


def practice_of(role: Element) -> Practice:
    """Return what a PractitionerRole says; one that is not active is nowhere at any time."""
    organisation = role.get("organization")
    organisation = organisation if isinstance(organisation, Mapping) else {}
    identifier = organisation.get("identifier")
    value = identifier.get("value") if isinstance(identifier, Mapping) else None
    target = str(organisation.get("reference", ""))
    names = frozenset(str(name) for name in (target, value) if name)
    low, high = range_of(role.get("period"))
    if role.get("active") is False:
        low, high = EARLIEST, EARLIEST
    return Practice(target, low, high, names)


def range_of(period: object) -> Range:
    """Return what a Period covers; open where it is silent, nothing where it is no period."""
    if period is None:
        return EARLIEST, LATEST
    if not isinstance(period, Mapping):
        return EARLIEST, EARLIEST
    try:
        low = moment_range(str(period["start"]))[0] if "start" in period else EARLIEST
        high = moment_range(str(period["end"]))[1] if "end" in period else LATEST
    except ValueError:
        return EARLIEST, EARLIEST
    return low, high


def _licence(qualification: Element) -> Licence | None:
    number = next(
        (
            found[1]
            for one in _elements(qualification.get("identifier"))
            if (found := register_number(one)) and found[0] == NUMBERS
        ),
        "",
    )
    code = qualification.get("code")
    code = code if isinstance(code, Mapping) else {}
    titles = [c for c in _elements(code.get("coding")) if c.get("system") == TITLES]
    if not number and not titles:
        return None  # a degree, or another country's
    issuer = qualification.get("issuer")
    low, high = range_of(qualification.get("period"))
    return Licence(
        number=number,
        low=low,
        high=high,
        scopes=frozenset(_scopes(qualification)),
        spells=tuple(_spells(qualification)),
        title=str(code.get("text") or next((c.get("display", "") for c in titles), "")),
        issuer=str(issuer.get("display", "")) if isinstance(issuer, Mapping) else "",
    )


def _scopes(qualification: Element) -> Iterator[str]:
    for extension in _extensions(qualification, SCOPE):
        concept = extension.get("valueCodeableConcept")
        if isinstance(concept, Mapping):
            if concept.get("text"):
                yield str(concept["text"])
            yield from (str(c["code"]) for c in _elements(concept.get("coding")) if "code" in c)


def _spells(qualification: Element) -> Iterator[Spell]:
    for extension in _extensions(qualification, STATE):
        parts = {str(p.get("url", "")): p for p in _elements(extension.get("extension"))}
        code = str(parts.get("state", {}).get("valueCode", ""))
        if code == "in-force":
            continue
        period = parts.get("period", {}).get("valuePeriod")
        low, high = range_of(period)
        if low >= high:  # its days cannot be read, and the licence is in some state
            low, high = EARLIEST, LATEST
        known = {one.value: one for one in State}
        decision = str(parts.get("decision", {}).get("valueString", ""))
        yield Spell(known.get(code, State.SUSPENDED), low, high, decision)


def _extensions(element: Element, url: str) -> Iterator[Element]:
    """Yield extensions of a kind; some write one that changes meaning as a modifier."""
    for name in ("extension", "modifierExtension"):
        yield from (one for one in _elements(element.get(name)) if one.get("url") == url)


def _elements(items: object) -> Iterable[Element]:
    """Return the objects of a list; a null in it stands for an element left out."""
    return [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else ()
