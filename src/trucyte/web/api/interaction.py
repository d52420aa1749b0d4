"""What a request is, by its method and path: the word that logs, metrics and limits use.

The words are a closed list, FHIR's own where FHIR has one (R4 §3.1), so that none of them
can hold an id, a name or anything else that a caller sent.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

OPERATIONS: Final = (
    "document", "everything", "expand", "export", "graphql", "import", "lookup", "match", "meta",
    "reindex", "run", "subsumes", "summary", "translate", "validate", "validate-code",
)  # fmt: skip
_FHIR: Final = (
    "read", "vread", "create", "update", "patch", "delete", "search-type", "search-system",
    "history-instance", "history-type", "history-system", "batch", "capabilities",
)  # fmt: skip
_OTHERS: Final = ("operation", "door", "page", "static", "health", "metrics", "openapi", "other")
INTERACTIONS: Final = (*_FHIR, *(f"operation-{name}" for name in OPERATIONS), *_OTHERS)

_BASE: Final = re.compile(r"/fhir(?=/|$)")
_KNOWN_OPERATIONS: Final = frozenset(OPERATIONS)
_OF_SYSTEM: Final[Mapping[tuple[str, str], str]] = {
    ("GET", ""): "search-system",
    ("POST", ""): "batch",
    ("DELETE", ""): "delete",
    ("GET", "metadata"): "capabilities",
    ("GET", "_history"): "history-system",
    ("POST", "_search"): "search-system",
}
_OF_TYPE: Final[Mapping[str, str]] = {
    "GET": "search-type",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_OF_INSTANCE: Final[Mapping[str, str]] = {
    "GET": "read",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_OF_NODE: Final[Mapping[str, str]] = {
    "/health": "page",
    "/metrics": "metrics",
    "/api/openapi.json": "openapi",
}


class Lane(Enum):
    """Which threads do the work, so that one kind cannot starve the others."""

    READS = "reads"
    SEARCHES = "searches"
    WRITES = "writes"
    LONG = "long"


_LANES: Final[Mapping[str, Lane]] = {
    **dict.fromkeys(("create", "update", "patch", "delete", "batch", "door"), Lane.WRITES),
    **dict.fromkeys(
        ("search-type", "search-system", "history-instance", "history-type", "history-system"),
        Lane.SEARCHES,
    ),
    **{
        f"operation-{name}": Lane.LONG
        for name in ("document", "everything", "export", "import", "match", "run", "summary")
    },
    **{
        f"operation-{name}": Lane.SEARCHES
        for name in OPERATIONS
        if name not in ("document", "everything", "export", "import", "match", "run", "summary")
    },
    "operation": Lane.LONG,
}


def lane_of(interaction: str) -> Lane:
    """Return whose work an interaction is."""
    return _LANES.get(interaction, Lane.READS)


def interaction_of(method: str, path: str) -> str:
    """Return the word for a request; HEAD counts as GET."""
    method = "GET" if method == "HEAD" else method
    base = _BASE.match(path)
    if base:
        return _of_fhir(method, path[base.end() :].strip("/").split("/"))
    if path in _OF_NODE:
        return _OF_NODE[path]
    for prefix, word in (("/static/", "static"), ("/health/", "health"), ("/api/", "door")):
        if path.startswith(prefix):
            return word
    return "page"


def _of_fhir(method: str, parts: list[str]) -> str:
    last = parts[-1]
    if last.startswith("$"):
        name = last[1:]
        return f"operation-{name}" if name in _KNOWN_OPERATIONS else "operation"
    if len(parts) == 1 and (not last or not last[0].isupper()):
        return _OF_SYSTEM.get((method, last), "other")
    if len(parts) == 1:
        return _OF_TYPE.get(method, "other")
    return _deeper(method, parts[1:])


def _deeper(method: str, parts: list[str]) -> str:
    """Return the word for what stands behind a type."""
    if parts == ["_search"]:
        return "search-type"
    if parts[-1] == "_history":
        return "history-type" if len(parts) == 1 else "history-instance"
    if len(parts) == 1:
        return _OF_INSTANCE.get(method, "other")
    if len(parts) == 3 and parts[1] == "_history":
        return "vread" if method == "GET" else "other"
    return "search-type"  # of a compartment
