"""A Linkage about two Patients: what it says of them, read from the resource; pure.

One Linkage speaks of one pair, under an id made of the pair: so that there is one answer to
whether two Patients are one person, and the versions of it are the history of that answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from trucyte.base.hashing import opaque_id
from trucyte.base.problem import Kind, Problem

TYPE: Final = "Linkage"
EXTENSION: Final = "https://trucyte.vn/fhir/StructureDefinition/identity-link"
_PATIENT: Final = re.compile(
    r"(?:/?from/([A-Za-z0-9][A-Za-z0-9._-]{0,63})/fhir/)?Patient/([A-Za-z0-9.-]{1,64})", re.ASCII
)
_LEAD: Final = re.compile(r"(?:/?from/[^/]{1,64}/fhir/)?Patient/", re.ASCII)
_TWO: Final = 2


class LinkageRefused(Problem):
    """This Linkage of Patients cannot be: {reason}. Use Patient/$merge and Patient/$unmerge."""

    kind = Kind.INVALID
    code = "linkage-refused"


class LinkState(StrEnum):
    """What is known of two Patients."""

    LINKED = "linked"  # one person
    DIFFERENT = "different"  # two persons: never to be proposed again
    BROKEN = "broken"  # they were linked and are no more; only a person may link them again


@dataclass(frozen=True, slots=True, order=True)
class PatientAt:
    """A Patient by the node that first accepted it; `node` "" is this one."""

    node: str
    id: str

    @property
    def reference(self) -> str:
        """The reference as Linkages have it."""
        return f"from/{self.node}/fhir/Patient/{self.id}" if self.node else f"Patient/{self.id}"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a Linkage says: `source` is the one to go on with, for those who show one alone."""

    source: PatientAt
    alternate: PatientAt
    state: LinkState


def patient_at(reference: str) -> PatientAt | None:
    """Return the Patient that a reference names, `Patient/x` or `from/NODE/fhir/Patient/x`."""
    shape = _PATIENT.fullmatch(reference)
    return PatientAt(shape[1] or "", shape[2]) if shape else None


def pair_id(key: bytes, one: PatientAt, other: PatientAt) -> str:
    """Return the id of the Linkage of two Patients, whichever is named first."""
    first, second = sorted((one, other))
    return opaque_id(key, "linkage", first.reference, second.reference)


def read_statement(resource: Mapping[str, Any]) -> Statement | None:
    """Return what a Linkage says of two Patients; None where it is about anything else.

    Raises LinkageRefused for one about Patients that says nothing clear.
    """
    items = [item for item in resource.get("item", ()) if isinstance(item, dict)]
    named = [(str(item.get("type")), _reference(item)) for item in items]
    if not any(_LEAD.match(reference) for _, reference in named):
        return None
    if len(named) != _TWO or {kind for kind, _ in named} != {"source", "alternate"}:
        raise LinkageRefused(reason="it has one source and one alternate")
    by_kind = {kind: patient_at(reference) for kind, reference in named}
    source, alternate = by_kind["source"], by_kind["alternate"]
    if source is None or alternate is None or source == alternate:
        raise LinkageRefused(reason="it is about two different Patients, by relative references")
    return Statement(source, alternate, _state(resource))


def _reference(item: Mapping[str, Any]) -> str:
    held = item.get("resource")
    return str(held.get("reference") or "") if isinstance(held, dict) else ""


def _state(resource: Mapping[str, Any]) -> LinkState:
    """Return the state; a Linkage of the standard alone says linked, or no more."""
    is_active = resource.get("active", True) is not False
    codes = [
        part.get("valueCode")
        for extension in resource.get("extension", ())
        if extension.get("url") == EXTENSION
        for part in extension.get("extension", ())
        if part.get("url") == "state"
    ]
    if not codes:
        return LinkState.LINKED if is_active else LinkState.BROKEN
    if len(codes) > 1 or codes[0] not in set(LinkState):
        raise LinkageRefused(reason="its state is linked, different or broken")
    state = LinkState(codes[0])
    if (state is LinkState.LINKED) != is_active:
        raise LinkageRefused(reason="it is active where the two are linked, and only there")
    return state
