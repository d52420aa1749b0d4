"""Puts together what decides on access: rules, emergencies, releases, alerts."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from trucyte.node.wiring import Node
from trucyte.records.access import Access, Recorder
from trucyte.records.shown import ResourceGone, ResourceNotFound
from trucyte.shared.access.alerts import Alerts
from trucyte.shared.access.emergency import PURPOSE, Emergencies, Emergency
from trucyte.shared.access.local import Unshown, system_access
from trucyte.shared.access.oauth.subjects import DOOR, Base
from trucyte.shared.access.policy import AccessDenied, Decider, RuleBook, load_book
from trucyte.shared.access.policy.explaining import effect_of, local_step
from trucyte.shared.access.policy.facts import Overseen, circles_in
from trucyte.shared.access.policy.sets import note_rule_set
from trucyte.shared.access.policy.vocabulary import default_purpose
from trucyte.shared.access.release import Releases
from trucyte.shared.access.subject import Subject
from trucyte.web.api.interactions.explaining import Ruled, RulesOf
from trucyte.web.glass.glass import Found, Glass

_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{3,39}")
_SAME_MAX: Final = 64  # records of one person


@dataclass(frozen=True, slots=True)
class Deciding:
    """What doors and commands ask."""

    decider: Decider
    emergencies: Emergencies
    releases: Releases
    alerts: Alerts


def make_deciding(node: Node) -> Deciding:
    """Read the rules of a node and put together what decides by them. Raises RulesRefused."""
    releases = Releases(node.database, node.clock)
    decider = Decider(
        load_book(node.settings.data),
        below=Overseen(node.records, node.clock),
        circles=circles_in(node.database),
        release_of=releases.open_of,
    )
    emergencies = Emergencies(node.database, node.clock, check=partial(_check, decider))
    return Deciding(decider, emergencies, releases, Alerts(node.database, node.clock))


def note_rules(node: Node, decider: Decider) -> bool:
    """Enter the rules in force in the trail where they are others than before."""

    def enter(digest: str) -> None:
        node.trail.enter(system_access("access"), "rule-change", code=digest, door="cli").result()

    return note_rule_set(node.database, node.clock, decider.book.digest, enter)


def _check(decider: Decider, subject: Subject, emergency: Emergency) -> None:
    """Raise AccessDenied where no rule lets a subject open an emergency."""
    if subject.kind == "local":  # it has no account, so nobody could ask it why
        raise AccessDenied(rule="emergency-one-person")
    decider.access(subject, PURPOSE, Unshown(), door="pages", emergency=emergency)


def make_glass(node: Node, deciding: Deciding) -> Glass:
    """Return what pages need to break the glass."""
    decider, circles = deciding.decider, circles_in(node.database)

    def access(subject: Subject, emergency: Emergency) -> Access:
        return decider.access(subject, PURPOSE, node.trail, door="pages", emergency=emergency)

    def by_id(id: str) -> Found | None:
        try:
            patient = node.records.read(system_access("access"), "Patient", id)
        except (ResourceNotFound, ResourceGone):
            return None
        return Found(patient.id, patient.person)

    def by_number(number: str) -> Found | None:
        if not _NUMBER.fullmatch(number):
            return None
        asked = [("identifier", number), ("_count", str(_SAME_MAX + 1))]
        page = node.records.search(system_access("access"), "Patient", asked)
        found = [Found(entry.id, entry.person) for entry in page.entries]
        if not 0 < len(found) <= _SAME_MAX:
            return None
        # Several records are one person, or it is not known who is meant.
        circle = circles(frozenset({found[0].person}))
        return found[0] if all(one.person in circle for one in found) else None

    return Glass(deciding.emergencies, access, by_number, by_id)


def rules_of(book: RuleBook) -> RulesOf:
    """Return what tells which rules decided an access."""

    def told(access: Access, language: str) -> list[Ruled]:
        if access.grants is None:
            step = local_step()
            return [Ruled(step.rule, step.effect, step.words.of(language), "", True)]
        found = [rule for id in access.why if (rule := book.find(id)) is not None]
        return [
            Ruled(
                rule.id, effect_of(rule), rule.words.of(language), rule.law.text, rule.law.verified
            )
            for rule in found
        ]

    return told


def tokens_access(decider: Decider) -> Base:
    """Return what gives the holder of a token what its account may; the token narrows that."""

    def access(subject: Subject, recorder: Recorder) -> Access:
        account = replace(subject, scopes=None)  # its scopes narrow what comes back
        purpose = default_purpose(subject.kind, subject.roles)
        return decider.access(account, purpose, recorder, door=DOOR)

    return access


def pages_access(decider: Decider, recorder: Recorder) -> Callable[[Subject, str], Access]:
    """Return what gives pages the access of whoever is before them."""

    def access(subject: Subject, purpose: str) -> Access:
        fitting = decider.fitting_purpose(subject, purpose)
        return decider.access(subject, fitting, recorder, door="pages")

    return access
