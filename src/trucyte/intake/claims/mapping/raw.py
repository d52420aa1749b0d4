"""The raw text that travels beside a resource where FHIR holds a field in another form.

One extension a field: its name, and its text as sent. A field that is empty where it is
implied elsewhere (a row without MA_LK) is told by a name without text. Names of fields
of an older decision than the model's start with `old.`.

The order of rows travels the same way: STT tells it in nearly every file; where it does
not (missing, doubled, not rising), each row's resource says its place.
"""

import base64
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.mapping.lexical import STRING_LENGTH_MAX, read_integer
from trucyte.intake.claims.mapping.paths import EXTENSION, RAW_TEXT
from trucyte.intake.claims.tables import Row

OLD = "old."
_PLACE = EXTENSION + "row-place"


def keep_raw(anchor: dict[str, Any], field: str, raw: str | None) -> None:
    """Let the raw text of `field` travel on `anchor`; None says that it was empty."""
    parts: list[dict[str, Any]] = [{"url": "field", "valueCode": field}]
    if raw is not None:
        if len(raw) > STRING_LENGTH_MAX or not raw.strip():
            data = base64.b64encode(raw.encode("utf-8", "surrogatepass")).decode()
            parts.append({"url": "bytes", "valueBase64Binary": data})
        else:
            parts.append({"url": "text", "valueString": raw})
    anchor.setdefault("extension", []).append({"url": RAW_TEXT, "extension": parts})


def raws_of(anchor: dict[str, Any]) -> dict[str, str | None]:
    """Return what `keep_raw` put on `anchor`, by field."""
    found: dict[str, str | None] = {}
    for entry in anchor.get("extension", ()):
        if entry["url"] == RAW_TEXT:
            parts = {part["url"]: part for part in entry["extension"]}
            found[parts["field"]["valueCode"]] = _text(parts)
    return found


def _text(parts: dict[str, dict[str, Any]]) -> str | None:
    if "text" in parts:
        text: str = parts["text"]["valueString"]
        return text
    if "bytes" in parts:
        data = base64.b64decode(parts["bytes"]["valueBase64Binary"])
        return data.decode("utf-8", "surrogatepass")
    return None


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
