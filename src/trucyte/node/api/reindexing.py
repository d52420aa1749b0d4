"""Indexing of users' search parameters, wired: its walk, and what pages and API ask of it."""

from trucyte.node.wiring import Node
from trucyte.records.parameters.progress import read_progress
from trucyte.records.parameters.walk import Walk
from trucyte.web.api.operations.reindex import Reindex


def walk_of(node: Node) -> Walk:
    """Return what walks the rows of a node."""
    return Walk(node.database, node.journal, node.parts.index, node.clock)


def reindex_of(node: Node) -> Reindex:
    """Return how far the walk is, and how it is stopped and resumed."""
    walk = walk_of(node)
    return Reindex(
        progress=lambda: read_progress(node.database, node.parts.index.book),
        stop=walk.stop,
        resume=walk.resume,
    )
