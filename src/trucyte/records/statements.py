"""Named queries of this package, read once from their file."""

from functools import cache
from importlib.resources import files
from typing import LiteralString, cast


@cache
def statements() -> dict[str, LiteralString]:
    """Return the queries by name: each begins with a line `-- name`."""
    text = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    found: dict[str, LiteralString] = {}
    for block in text.split("\n\n"):
        first, _, rest = block.partition("\n")
        # The file is part of the program, so its text is as good as a literal.
        found[first.removeprefix("-- ").strip()] = cast(LiteralString, rest)
    return found
