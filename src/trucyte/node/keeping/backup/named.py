"""The named queries of this package."""

from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    tables: str
    references: str
    indexes: str
    identities: str
    positions: str
    heads: str
    batch_at: str
    batches_from: str
    cut_tail: str
    mark: str
    unmark: str
    is_marked: str
    own_schemas: str
    is_empty: str
    spare_keys: str
    lost_parts: str
    plan_of_index: str
    cut_lines: str
    cut_batches: str
    cut_erasures: str
    cut_blocks: str
    cut_checkpoints: str


QUERIES = load_queries(Queries, "trucyte.node.keeping.backup")
