"""Permits become closures: each answers why it does not apply, or what it gives.

Conditions that a permit does not have cost nothing when it is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trucyte.records.access import Agreed, Related
from trucyte.shared.access.emergency import Emergency
from trucyte.shared.access.policy.rule import (
    Consenting,
    Need,
    Organisations,
    Permit,
    Persons,
    Relation,
    Who,
)
from trucyte.shared.access.release import Release
from trucyte.shared.access.subject import Subject

APPLIES: Final = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what, and what it brings."""

    subject: Subject
    purpose: str
    door: str
    emergency: Emergency | None = None
    release: Release | None = None


Below = Callable[[str], frozenset[str]]
Check = Callable[[Asked], bool]
Match = Callable[[Asked], str]  # the reason why not, "" where it applies


def compiled_who(who: Who, checks: list[tuple[str, Check]] | None = None) -> Match:
    """Return what tells why a rule does not bear on a request; further `checks` come last."""
    asked: list[tuple[str, Check]] = [*_who_checks(who), *(checks or ())]

    def match(request: Asked) -> str:
        for reason, holds in asked:
            if not holds(request):
                return reason
        return APPLIES

    return match


def _who_checks(who: Who) -> list[tuple[str, Check]]:
    found: list[tuple[str, Check]] = []
    kinds, purposes, roles, doors = who.kinds, who.purposes, who.roles, who.doors
    if kinds:
        found.append(("kind", lambda asked: asked.subject.kind in kinds))
    if purposes:
        found.append(("purpose", lambda asked: asked.purpose in purposes))
    if roles:
        found.append(("role", lambda asked: not roles.isdisjoint(asked.subject.roles)))
    if doors:
        found.append(("door", lambda asked: asked.door in doors))
    if who.assurance > 1:
        found.append(("assurance", lambda asked: asked.subject.assurance >= who.assurance))
    return found


def compiled_permit(permit: Permit) -> Match:
    """Return what tells why a permit does not apply."""
    checks: list[tuple[str, Check]] = []
    if permit.relation:
        holders = compiled_holders(permit.relation)
        checks.append(("relation", lambda asked: bool(holders(asked.subject))))
    if _asks_organisation(permit):
        checks.append(("organisation", lambda asked: bool(asked.subject.organisation)))
    if permit.persons is Persons.OWN:
        checks.append(("person", lambda asked: bool(asked.subject.persons)))
    if permit.consenting is Consenting.PERMITTED:
        checks.append(("actor", lambda asked: bool(actors(asked.subject))))
    if Need.EMERGENCY in permit.needs:
        checks.append(("emergency", lambda asked: asked.emergency is not None))
    if Need.RELEASE in permit.needs:
        checks.append(("release", lambda asked: asked.release is not None))
    return compiled_who(permit.who, checks)


def _asks_organisation(permit: Permit) -> bool:
    """Say whether a permit is of no use without one: a system of none sees what is of nobody."""
    return permit.organisations is not Organisations.ALL and permit.who.kinds != {"system"}


def compiled_holders(relation: frozenset[Relation]) -> Callable[[Subject], tuple[str, ...]]:
    """Return what gives the references of a subject that a relation may be with."""
    by_practitioner = Relation.PRACTITIONER in relation
    by_ward, by_organisation = Relation.WARD in relation, Relation.ORGANISATION in relation

    def holders(subject: Subject) -> tuple[str, ...]:
        found = [subject.practitioner] if by_practitioner and subject.practitioner else []
        if by_ward:
            found.extend(subject.wards)
        if by_organisation and subject.organisation:
            found.append(subject.organisation)
        return tuple(found)

    return holders


def actors(subject: Subject) -> tuple[str, ...]:
    """Return for whom a subject acts, as consents name them."""
    return tuple(filter(None, (subject.organisation, subject.practitioner)))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a permit says of whose data it is, for one request."""

    sees_organisations: frozenset[str] | None
    persons: frozenset[int] | None
    related: Related | None
    agreed: Agreed | None


def compiled_bounds(permit: Permit, below: Below) -> Callable[[Asked], Bounds]:
    """Return what gives the bounds of a permit that applies."""
    holders = compiled_holders(permit.relation) if permit.relation else None
    asks_consent = permit.consenting is not Consenting.UNASKED
    needs_permit = permit.consenting is Consenting.PERMITTED

    def bounds(asked: Asked) -> Bounds:
        subject = asked.subject
        agreed = Agreed(asked.purpose, actors(subject), needs_permit) if asks_consent else None
        return Bounds(
            _organisations(permit.organisations, subject.organisation, below),
            _persons(permit.persons, asked),
            Related(holders(subject)) if holders else None,
            agreed,
        )

    return bounds


def _organisations(scope: Organisations, own: str, below: Below) -> frozenset[str] | None:
    if scope is Organisations.ALL:
        return None
    seen = frozenset({own} if own else ())
    return seen | below(own) if scope is Organisations.BELOW and own else seen


def _persons(scope: Persons, asked: Asked) -> frozenset[int] | None:
    if scope is Persons.ALL:
        return None
    if scope is Persons.OWN:
        return asked.subject.persons
    if scope is Persons.EMERGENCY:
        assert asked.emergency is not None, "the permit applies"
        return frozenset({asked.emergency.person})
    return frozenset()
