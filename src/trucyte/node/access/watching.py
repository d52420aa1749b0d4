"""Wires the alerts over the trail of a node: who follows, who lists, who judges."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from trucyte.base.problem import Problem
from trucyte.node.wiring import Node
from trucyte.shared.access.staff.account import NotNoted, Rights
from trucyte.shared.access.staff.accounts import StaffAccounts
from trucyte.shared.access.staff.problems import StaffUnknown
from trucyte.shared.audit.alerts.following import Watching
from trucyte.shared.audit.alerts.knowledge import NodeKnowledge, RecordsKin
from trucyte.shared.audit.alerts.rule import read_rules

STOP_SECONDS_MAX = 30


def make_watching(node: Node) -> Watching:
    """Return what follows the trail of a node and raises alerts. Raises RulesUnreadable."""
    accounts = StaffAccounts(node.database, node.clock, NotNoted())

    def rights_of(name: str) -> Rights | None:
        try:
            return accounts.find(name).rights
        except StaffUnknown:
            return None

    known = NodeKnowledge(node.database, node.clock, rights_of, RecordsKin(node.records))
    return Watching(node.database, node.trail.journal, read_rules(node.settings.data), known)


@contextmanager
def watching(node: Node, waits: Callable[[Problem], None]) -> Iterator[None]:
    """Follow the trail until the block is left."""
    stop, follower = Event(), make_watching(node)
    thread = Thread(target=follower.run, args=(stop, waits), name="alerts")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS_MAX)
