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


class FactQueries(NamedTuple):
    """One query a field, as `facts.sql` has them."""

    end_relations: str
    add_relations: str
    clear_relations: str
    sweep_relations: str
    end_memberships: str
    add_memberships: str
    clear_memberships: str
    end_provisions: str
    copy_provisions: str
    clear_provisions: str
    provisions_of: str


QUERIES = load_queries(Queries, "trucyte.records.persons")
FACTS = load_queries(FactQueries, "trucyte.records.persons", "facts.sql")
