"""The named queries of this package."""

from functools import cache
from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    lock: str
    lead: str
    notify: str
    put: str
    seen: str
    refuse: str
    drop: str
    clear: str
    every: str
    one: str
    count_events: str
    add_events: str
    events: str
    due: str
    next_due: str
    taken: str
    failed: str
    open_socket: str
    end_over: str
    retry: str
    untold: str
    told: str
    sweep: str
    keep_bounds: str
    bounds: str


@cache
def statements() -> Queries:
    """Return the queries, read once."""
    return load_queries(Queries, "trucyte.exchange.subscriptions")
