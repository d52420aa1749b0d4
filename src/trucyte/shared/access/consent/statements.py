"""Named queries of this package, read once from their file."""

from typing import NamedTuple

from trucyte.database.queries import load_queries
from trucyte.shared.access.consent.catalogue import PACKAGE


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    add_request: str
    add_step: str
    keep_request: str
    move_request: str
    one_request: str
    steps_of: str
    open_requests: str
    ended_requests: str
    requests_of: str
    add_hold: str
    end_hold: str
    list_holds: str
    note_holder: str
    holders_of: str
    add_notice: str
    notices_of: str
    open_notices: str
    move_notice: str


QUERIES = load_queries(Queries, PACKAGE)
