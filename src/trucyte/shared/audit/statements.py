"""The named queries of this package."""

from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    copy_shown: str
    clear_shown: str
    entries: str
    entries_of_persons: str
    time_of: str
    shown_between: str
    patients: str
    watched: str


QUERIES = load_queries(Queries, "trucyte.shared.audit")
