"""The named queries of this package."""

from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    forget_pairs: str
    add_pairs: str
    circles_of: str
    pairs_among: str
    forget_linked: str
    add_linked: str
    clear: str
    members_of_ids: str
    members_of_references: str
    persons_with: str
    states: str


QUERIES = load_queries(Queries, "trucyte.records.persons")
