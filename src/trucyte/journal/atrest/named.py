"""The named queries of this package."""

from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    read_wrapping: str
    add_wrapping: str
    keys_numbered: str
    find_or_add_keys: str
    keys_there: str
    keys_wrapped_before: str
    rewrap_keys: str
    count_keys: str
    lines_unsealed: str
    reseal_lines: str
    begin_erasing: str
    begin_erasing_again: str
    move_erasing_number: str
    add_left: str
    open_erasings: str
    read_erasing: str
    erasings_since: str
    lines_of_erasing: str
    blocks_of_erasing: str
    next_left: str
    drop_left: str
    lines_of_person: str
    lines_of_resource: str
    lines_numbered: str
    add_erasures: str
    clear_bodies: str
    block_lines: str
    add_blocks: str
    blocked_rows: str
    heads_among: str
    destroy_keys: str
    finish_erasing: str
    columns_of: str
    end_signing_keys: str
    count_unsealed: str


QUERIES = load_queries(Queries, "trucyte.journal.atrest")
