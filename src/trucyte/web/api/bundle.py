"""Bundles put together as bytes: the accepted bodies go out without being parsed again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

# Up to here a bundle is one piece of known length; beyond, it leaves in chunks.
WHOLE_BYTES_MAX = 1 << 20
CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One entry: where the resource lives, its bytes, and what stands beside it."""

    url: str  # "" where it has none
    body: bytes  # b"" for a deleted version
    extra: bytes = b""  # further members as JSON, e.g. b'"search":{"mode":"match"}'


MATCH = b'"search":{"mode":"match"}'
INCLUDED = b'"search":{"mode":"include"}'
OUTCOME = b'"search":{"mode":"outcome"}'


def bundle(
    kind: str,
    entries: Iterable[BundleEntry],
    links: Sequence[tuple[str, str]] = (),
    total: int | None = None,
) -> bytes | Iterator[bytes]:
    """Return a Bundle of `kind` with its links (R4 §3.1.1, §3.2.1): bytes, or chunks of it."""
    parts = [b'{"resourceType":"Bundle","type":"', kind.encode(), b'"']
    if total is not None:
        parts += [b',"total":', str(total).encode()]
    if links:
        shown = [{"relation": relation, "url": url} for relation, url in links]
        parts += [b',"link":', orjson.dumps(shown)]
    separator = b',"entry":['
    for entry in entries:
        parts.append(separator)
        parts += _entry(entry)
        separator = b","
    # An empty array is not allowed in FHIR's JSON.
    parts.append(b"]}" if separator == b"," else b"}")
    if sum(map(len, parts)) <= WHOLE_BYTES_MAX:
        return b"".join(parts)
    return _chunks(parts)


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _entry(entry: BundleEntry) -> Iterator[bytes]:
    members = []
    if entry.url:
        members.append(b'"fullUrl":' + orjson.dumps(entry.url))
    if entry.body:
        members.append(b'"resource":' + entry.body)
    if entry.extra:
        members.append(entry.extra)
    yield b"{"
    yield b",".join(members)
    yield b"}"
