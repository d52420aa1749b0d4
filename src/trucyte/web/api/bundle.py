"""Bundles put together as bytes: the accepted bodies go out without being parsed again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One entry: where the resource lives, its bytes, and what stands beside it."""

    url: str
    body: bytes  # b"" for a deleted version
    extra: bytes = b""  # further members as JSON, e.g. b'"search":{"mode":"match"}'


MATCH = b'"search":{"mode":"match"}'


def bundle(
    kind: str, entries: Iterable[BundleEntry], links: Sequence[tuple[str, str]], total: int | None
) -> bytes:
    """Return a Bundle of `kind` (searchset, history) with its links (R4 §3.1.1, §3.2.1)."""
    parts = [b'{"resourceType":"Bundle","type":"', kind.encode(), b'"']
    if total is not None:
        parts += [b',"total":', str(total).encode()]
    shown = [{"relation": relation, "url": url} for relation, url in links]
    parts += [b',"link":', orjson.dumps(shown)]
    written = [_entry(entry) for entry in entries]
    if written:  # an empty array is not allowed in FHIR's JSON
        parts += [b',"entry":[', b",".join(written), b"]"]
    parts.append(b"}")
    return b"".join(parts)


def _entry(entry: BundleEntry) -> bytes:
    members = [b'"fullUrl":' + orjson.dumps(entry.url)]
    if entry.body:
        members.append(b'"resource":' + entry.body)
    if entry.extra:
        members.append(entry.extra)
    return b"{" + b",".join(members) + b"}"
