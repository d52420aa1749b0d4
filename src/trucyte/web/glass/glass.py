"""How pages break the glass and review who did: what they need of the node, as one value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access
from trucyte.shared.access.emergency import Emergencies, Emergency, Ground, Verdict
from trucyte.shared.access.subject import Subject

if TYPE_CHECKING:
    from trucyte.web.render import Call

OPENERS = frozenset({"doctor", "nurse"})


class PersonUnclear(Problem):
    """No one person is found by that; look at the number again."""

    kind = Kind.NOT_FOUND
    code = "person-unclear"


@dataclass(frozen=True, slots=True)
class Found:
    """The person that an emergency is about."""

    patient: str  # id
    person: int  # key


@dataclass(frozen=True, slots=True)
class Glass:
    """What pages ask."""

    emergencies: Emergencies
    access: Callable[[Subject, Emergency], Access]  # raises AccessDenied
    # By a number on a paper, or by the id of a Patient; None: none, or several persons.
    by_number: Callable[[str], Found | None]
    by_id: Callable[[str], Found | None]

    def open(
        self, subject: Subject, ground: Ground, reason: str, *, number: str = "", id: str = ""
    ) -> Emergency:
        """Open a person's record. Raises PersonUnclear, AccessDenied, EmergencyReasonMissing."""
        found = self.by_id(id) if id else self.by_number(number)
        if found is None:
            raise PersonUnclear
        return self.emergencies.open(
            subject, person=found.person, patient=found.patient, ground=ground, reason=reason
        )

    def opened(self, subject: Subject, told: str) -> Emergency | None:
        """Return the emergency of a subject that an address names, where it is still open."""
        is_number = told.isascii() and told.isdecimal() and len(told) < 18
        if not is_number or subject.kind != "staff":
            return None
        return self.emergencies.open_numbered(subject, int(told))

    def review(self, subject: Subject, number: int, verdict: Verdict, reason: str) -> Emergency:
        """Judge one; raises the Problems of reviewing."""
        return self.emergencies.review(subject, number, verdict, reason)

    def waiting(self) -> Sequence[Emergency]:
        """Return those that wait, by deadline."""
        return self.emergencies.waiting()

    def reviewed(self) -> Sequence[Emergency]:
        """Return those that were judged, the last first."""
        return self.emergencies.reviewed()


def may_open(subject: Subject) -> bool:
    """Say whether to offer it: whether rules let is asked when it is opened."""
    return subject.kind == "staff" and bool(subject.roles & OPENERS)


def glass_of(call: "Call") -> str:
    """Return the address of breaking the glass of the person of a page, "" where none is offered.

    It is the same whether there is such a person or not: a denial tells nothing.
    """
    parts = call.request.url.path.split("/")
    is_offered = call.services.glass is not None and may_open(call.subject)
    if not is_offered or len(parts) < 3 or parts[1] not in ("people", "visits"):
        return ""
    return f"/people/{parts[2]}/emergency" if parts[1] == "people" else "/emergency"
