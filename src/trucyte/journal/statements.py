"""The SQL of the journal, by name, from the `.sql` files beside this module."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast


@cache
def statements(file_name: str = "queries.sql") -> Mapping[str, LiteralString]:
    """Return the statements of a file; each begins at a line `-- name` after an empty line."""
    text = files("trucyte.journal").joinpath(file_name).read_text("utf-8")
    named = {}
    for block in text.split("\n\n"):
        first, _, body = block.strip().partition("\n")
        named[first.removeprefix("-- ")] = body
    # They are ours and never hold a value of anyone.
    return cast(Mapping[str, LiteralString], named)
