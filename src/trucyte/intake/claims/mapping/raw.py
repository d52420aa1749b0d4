"""The raw text that travels beside a resource where FHIR holds a field in another form.

One extension a field: its name, and its text as sent. A field that is empty where it is
implied elsewhere (a row without MA_LK) is told by a name without text. Names of fields
of an older decision than the model's start with `old.`.
"""

import base64
from typing import Any

from trucyte.intake.claims.mapping.lexical import STRING_LENGTH_MAX
from trucyte.intake.claims.mapping.paths import RAW_TEXT

OLD = "old."


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
