"""The SQL of intake, by name, from the `.sql` file beside this module."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast


@cache
def statements() -> Mapping[str, LiteralString]:
    """Return the statements; each begins at a line `-- name` after an empty line."""
    text = files("trucyte.intake.keeping").joinpath("queries.sql").read_text("utf-8")
    named = {}
    for block in text.split("\n\n"):
        first, _, body = block.strip().partition("\n")
        named[first.removeprefix("-- ")] = body
    # They are ours and never hold a value of anyone.
    return cast("Mapping[str, LiteralString]", named)
