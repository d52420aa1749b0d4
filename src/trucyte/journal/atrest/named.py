"""The named queries of this package."""

from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    read_wrapping: str
    add_wrapping: str
    keys_numbered: str
    keys_of: str
    add_keys: str
    lose_flush: str
    keys_there: str
    keys_wrapped_before: str
    rewrap_keys: str
    count_keys: str
    lines_unsealed: str
    reseal_lines: str


QUERIES = load_queries(Queries, "trucyte.journal.atrest")
