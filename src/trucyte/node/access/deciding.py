"""Puts together what decides on access: rules, emergencies, releases, alerts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from trucyte.node.wiring import Node
from trucyte.records.access import Access, Recorder
from trucyte.shared.access.alerts import Alerts
from trucyte.shared.access.emergency import PURPOSE, Emergencies, Emergency
from trucyte.shared.access.local import Unshown, system_access
from trucyte.shared.access.policy import AccessDenied, Decider, load_book
from trucyte.shared.access.policy.facts import Overseen, circles_in
from trucyte.shared.access.policy.sets import note_rule_set
from trucyte.shared.access.release import Releases
from trucyte.shared.access.subject import Subject


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


def pages_access(decider: Decider, recorder: Recorder) -> Callable[[Subject, str], Access]:
    """Return what gives pages the access of whoever is before them."""

    def access(subject: Subject, purpose: str) -> Access:
        fitting = decider.fitting_purpose(subject, purpose)
        return decider.access(subject, fitting, recorder, door="pages")

    return access
