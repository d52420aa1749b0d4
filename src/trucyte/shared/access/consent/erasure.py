"""Erasing data of a person: decided here, done by the journal.

What a law says to keep is not erased but restricted, with the article; what nothing keeps any
more is erased; while a legal hold stands nothing is. A plan shows what would happen, and is made
anew when it is carried out. A restriction is a Consent that denies, so that it hides in the same
transaction from everyone whose rules ask for consents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.hashing import opaque_id
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.journal.change import Key
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.shared.access.consent.consent import REASONS, SCOPES, SYSTEM, moment
from trucyte.shared.access.consent.holds import Hold, Holds
from trucyte.shared.access.consent.retention import Kept, kept
from trucyte.shared.access.consent.writing import Write, transaction, writing
from trucyte.shared.access.local import system_access

RESTRICTION: Final = "restriction"
BECAUSE: Final = "https://trucyte.vn/fhir/StructureDefinition/restricted-because"
RULE: Final = "data-subject-erasure"
ARTICLE: Final = "Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15 (quyền xóa)"
_COUNT: Final = 1000
_OWN: Final = 0


class ErasureHeld(Problem):
    """A legal hold stands on data of this person; nothing is erased before it ends."""

    kind = Kind.FORBIDDEN
    code = "erasure-held"


class ErasureNotHere(Problem):
    """This node decides on erasing but cannot carry it out yet; what must stay is restricted."""

    kind = Kind.UNSUPPORTED
    code = "erasure-not-here"


class Erase(Protocol):
    """`Journal.erase`: removes bodies and keys; the lines stay and say who, when, by which rule."""

    def __call__(self, keys: Sequence[Key], *, rule: str, by: str, article: str) -> object:
        """Erase all versions of resources (origin, type, id)."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What would become of a person's data today."""

    person: str
    today: date
    holds: Sequence[Hold]
    kept: Sequence[Kept]  # must stay: restricted
    free: Sequence[Kept]  # nothing keeps it: erased

    @property
    def until(self) -> date | None:
        """The day on which the last of it may go; None where no end is known."""
        ends = [one.until for one in self.kept]
        return None if None in ends else max((day for day in ends if day), default=None)

    @property
    def articles(self) -> Sequence[str]:
        """The articles by which something stays, each once."""
        return tuple(dict.fromkeys(one.article for one in self.kept))


@dataclass(frozen=True, slots=True)
class Done:
    """What was carried out."""

    erased: int  # resources
    restricted: bool


class Erasures:
    """Decides on erasing and restricting. Safe to share between threads."""

    def __init__(
        self,
        records: Records,
        write: Write,
        holds: Holds,
        clock: Clock,
        *,
        ids: bytes,
        erase: Erase | None = None,
        count: int = _COUNT,
    ) -> None:
        """`erase` is the journal's; None: a node that cannot erase yet. Reads `count` at once."""
        self._records = records
        self._write = write
        self._holds = holds
        self._clock = clock
        self._ids = ids
        self._erase = erase
        self._count = count

    @property
    def can_erase(self) -> bool:
        """Whether the journal of this node erases."""
        return self._erase is not None

    def plan(self, access: Access, person: str) -> Plan:
        """Return what erasing a person's data would come to; shows kinds and days, no content.

        Raises as reading the Patient does.
        """
        today = self._clock.now().astimezone(VIETNAM).date()
        self._records.read(access, "Patient", person.partition("/")[2])
        lines = kept(self._all_of(person))
        return Plan(
            person,
            today,
            self._holds.standing(person),
            [one for one in lines if not one.is_over(today)],
            [one for one in lines if one.is_over(today)],
        )

    def carry_out(self, access: Access, person: str) -> Done:
        """Restrict what must stay, with its articles, and erase what may go.

        Raises ErasureHeld, ErasureNotHere where something may go and this node cannot erase;
        then nothing is done.
        """
        plan = self.plan(access, person)
        if plan.holds:
            raise ErasureHeld
        if plan.free and self._erase is None:
            raise ErasureNotHere
        if plan.kept:
            self.restrict(access, person, article="; ".join(plan.articles), until=plan.until)
        if plan.free and self._erase is not None:
            keys = [(_OWN, one.type, one.id) for one in plan.free]
            self._erase(keys, rule=RULE, by=access.caller, article=ARTICLE)
        return Done(len(plan.free), restricted=bool(plan.kept))

    def restrict(
        self, access: Access, person: str, *, article: str, until: date | None = None
    ) -> None:
        """Hide a person's data from all whose rules ask for consents; says by which article."""
        self._set(access, person, article, until, "active")

    def lift(self, access: Access, person: str) -> None:
        """End a restriction; none there is no failure."""
        current = self._current(person)
        if current is not None and current[0]["status"] == "active":
            self._set(access, person, article_of(current[0]), None, "inactive")

    def restriction(self, person: str) -> str | None:
        """Return the article by which a person's data are restricted now, None where not."""
        current = self._current(person)
        if current is None or current[0]["status"] != "active":
            return None
        return article_of(current[0])

    def _set(
        self, access: Access, person: str, article: str, until: date | None, status: str
    ) -> None:
        current = self._current(person)
        resource = restriction_of(
            self._id(person), person, status=status, article=article, at=moment(self._clock.now()),
            until=until.isoformat() if until else "",
        )  # fmt: skip
        version = current[1] if current else 0
        self._write(writing(access), transaction([(resource, version)]))

    def _current(self, person: str) -> tuple[Mapping[str, Any], int] | None:
        found = self._records.read_all(
            system_access("erasure"), "Consent", [self._id(person)], "read Consent"
        )
        return (parse(found[0].body), found[0].version) if found else None

    def _id(self, person: str) -> str:
        return opaque_id(self._ids, RESTRICTION, person)

    def _all_of(self, person: str) -> Iterator[Mapping[str, Any]]:
        """Yield all of a person and of whom it is one person with: the law asks of all."""
        access = system_access("erasure")
        id = person.partition("/")[2]
        page = self._records.everything(access, "Patient", id, count=self._count)
        yield from (parse(one.body) for one in page.entries if _is_of(one.type))
        while page.next is not None:
            page = self._records.everything(access, "Patient", id, page=page.next)
            yield from (parse(one.body) for one in page.entries if _is_of(one.type))


# What a person's resources point to is of others too.
_OF_OTHERS: Final = frozenset(
    {
        "Organization", "Practitioner", "PractitionerRole", "Location", "Medication", "Device",
        "HealthcareService", "Substance", "Endpoint",
    }
)  # fmt: skip


def _is_of(type: str) -> bool:
    return type not in _OF_OTHERS


def article_of(resource: Mapping[str, Any]) -> str:
    """Return the article that a restriction names."""
    for one in resource.get("extension", ()):
        if one.get("url") == BECAUSE:
            return str(one.get("valueString", ""))
    return ""


def restriction_of(
    id: str, person: str, *, status: str, article: str, at: str, until: str
) -> dict[str, Any]:
    """Return the Consent that restricts a person's data: a denial of everything to everyone."""
    provision: dict[str, Any] = {"type": "deny"}
    if until:
        provision["period"] = {"end": until}
    return {
        "resourceType": "Consent",
        "id": id,
        "extension": [{"url": BECAUSE, "valueString": article}],
        "status": status,
        "scope": {"coding": [{"system": SCOPES, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": SYSTEM, "code": RESTRICTION}]}],
        "patient": {"reference": person},
        "dateTime": at,
        "policyRule": {"coding": [{"system": REASONS, "code": "PATRQT"}], "text": article},
        "provision": provision,
    }
