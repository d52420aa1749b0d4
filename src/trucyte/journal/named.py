"""The named queries of this package, for each schema that a journal lies in."""

import re
from functools import cache
from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    hold_tail: str
    read_tail: str
    read_heads: str
    bound_asking: str
    find_batch: str
    copy_changes: str
    insert_heads: str
    update_heads: str
    close_batch: str
    move_partition_end: str
    insert_key: str
    insert_checkpoint: str
    note_checkpoint: str
    start_epoch: str
    bodies: str
    lines: str
    current: str
    follow: str
    follow_types: str
    rows_of_source: str
    line_of_versions: str
    read_cursor: str
    move_cursor: str
    forget_cursor: str
    batch_of: str
    batches_numbered: str
    leaves: str
    last_checkpoint: str
    read_key: str
    read_erasure: str
    lines_between: str
    line_outside: str
    all_batches: str
    all_checkpoints: str
    all_keys: str
    first_wrong_head: str
    primary_key: str
    insert_dictionary: str
    read_dictionary: str
    register_organisation: str
    organisation: str
    stand: str
    standing: str
    tell_behalf: str
    behalf_of_source: str
    speaking_sources: str
    behalf_of_places: str


QUERIES = load_queries(Queries, "trucyte.journal")


@cache
def queries_of(schema: str) -> Queries:
    """Return the queries of the journal that lies in `schema`, a name of the program.

    Tables, the lock of writers and the channel of listeners all bear the schema's name.
    """
    assert re.fullmatch("[a-z]{1,30}", schema)
    return Queries(*(re.sub(r"\bjournal\b", schema, query) for query in QUERIES))
