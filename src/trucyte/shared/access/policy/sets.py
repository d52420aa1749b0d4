"""Which set of rules was in force since when: a change of it is entered in the trail."""

from collections.abc import Callable
from typing import Final, NamedTuple

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.alerts import raise_alert


class Queries(NamedTuple):
    """The named queries of this module."""

    lock_rule_sets: str
    last_rule_set: str
    add_rule_set: str


QUERIES: Final = load_queries(Queries, "trucyte.shared.access.policy", "sets.sql")
OFFICERS: Final = "security_officer"


def note_rule_set(
    database: Database, clock: Clock, digest: str, enter: Callable[[str], None]
) -> bool:
    """Note the rules in force, and say whether they are others than before.

    `enter` writes the trail and returns once that is durable; it is called before the note
    is, so a crash between them enters twice and never not at all. Several processes that
    start together note once.
    """
    with database.connection() as connection, connection.transaction():
        connection.execute(QUERIES.lock_rule_sets)
        row = connection.execute(QUERIES.last_rule_set).fetchone()
        if row is not None and row[0] == digest:
            return False
        enter(digest)
        now = clock.now()
        connection.execute(QUERIES.add_rule_set, {"digest": digest, "now": now})
        if row is not None:  # the first rules of a node are no change
            raise_alert(connection, "rules-changed", f"rules/{digest[:12]}", now, role=OFFICERS)
    return True
