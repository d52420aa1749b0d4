"""Named queries of this package, read once from their file."""

from functools import cache
from importlib.resources import files
from typing import LiteralString

from trucyte.database.queries import parse_queries


@cache
def statements() -> dict[str, LiteralString]:
    """Return the queries by name."""
    text = (
        files("trucyte.shared.identity.newcomers")
        .joinpath("queries.sql")
        .read_text(encoding="utf-8")
    )
    return dict(parse_queries(text))
