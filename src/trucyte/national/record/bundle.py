"""A document put together: what stands in it, and where references lead within it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from trucyte.base.clock import VIETNAM
from trucyte.fhir.types import TYPE_NUMBERS

Json = Mapping[str, Any]
_DEPTH_MAX: Final = 100
_ID_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One entry: where it lives, and its bytes."""

    url: str
    body: bytes


def document(identifier: str, at: datetime, parts: Iterable[Part]) -> bytes:
    """Return a document Bundle (R4 2.36.2, 3.3.1); its first part is the Composition.

    `identifier` is a URN; the bodies go in as they are.
    """
    head = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": identifier},
        "type": "document",
        "timestamp": at.astimezone(VIETNAM).isoformat(timespec="milliseconds"),
    }
    entries = b",".join(
        b'{"fullUrl":' + orjson.dumps(part.url) + b',"resource":' + part.body + b"}"
        for part in parts
    )
    return orjson.dumps(head)[:-1] + b',"entry":[' + entries + b"]}"


def references(value: Any, base: str) -> Iterator[tuple[str, str]]:
    """Yield (type, id) of every resource of this node that something points to, in order.

    A reference is relative, or absolute below `base`; a version behind it is not looked at.
    """
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        here, depth = waiting.pop()
        if depth > _DEPTH_MAX:
            continue
        if isinstance(here, dict):
            found = here.get("reference")
            key = key_of(found, base) if isinstance(found, str) else None
            if key is not None:
                yield key
            waiting += [(one, depth + 1) for one in reversed(list(here.values()))]
        elif isinstance(here, list):
            waiting += [(one, depth + 1) for one in reversed(here)]


def key_of(reference: str, base: str) -> tuple[str, str] | None:
    """Return (type, id) of a reference to a resource of this node, None for any other."""
    parts = reference.removeprefix(base + "/").partition("#")[0].split("/")
    is_one = len(parts) == 2 or (len(parts) == 4 and parts[2] == "_history")
    if not is_one or parts[0] not in TYPE_NUMBERS or not 0 < len(parts[1]) <= _ID_MAX:
        return None
    return parts[0], parts[1]


def by_type(keys: Iterable[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    """Return the ids of each type, each once."""
    found: dict[str, dict[str, None]] = {}
    for type_name, id_ in keys:
        found.setdefault(type_name, {})[id_] = None
    return {type_name: list(ids) for type_name, ids in found.items()}
