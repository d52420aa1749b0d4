"""The order of rows in a table, where the rows themselves do not tell it.

STT tells the order of nearly every file. Where it does not (missing, doubled, not
rising), each row's resource says its place.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.mapping.lexical import read_integer
from trucyte.intake.claims.mapping.paths import EXTENSION
from trucyte.intake.claims.tables import Row

_PLACE = EXTENSION + "row-place"


def mark_order(rows: Sequence[Row], homes: Iterable[Resource]) -> None:
    """Let each home say its place where STT would not give the order back."""
    if len(rows) < 2:
        return
    numbers = [read_integer(row.get("STT", "")) for row in rows]
    known = [number for number in numbers if number is not None]
    if len(known) == len(rows) and all(a < b for a, b in pairwise(known)):
        return
    for place, home in enumerate(homes, start=1):
        home.setdefault("extension", []).append({"url": _PLACE, "valueInteger": place})


def in_order(found: Iterable[tuple[Resource, Row]]) -> list[Row]:
    """Return rows in the order of the file."""

    def place(entry: tuple[Resource, Row]) -> tuple[int, int]:
        resource, row = entry
        for extension in resource.get("extension", ()):
            if extension["url"] == _PLACE:
                return int(extension["valueInteger"]), 0
        return 0, read_integer(row.get("STT", "")) or 0

    return [row for _, row in sorted(found, key=place)]
