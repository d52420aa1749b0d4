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
    entries: Iterable[BundleEntry | bytes],
    links: Sequence[tuple[str, str]] = (),
    total: int | None = None,
) -> bytes | Iterator[bytes]:
    """Return a Bundle of `kind` with its links (R4 §3.1.1, §3.2.1): bytes, or chunks of it.

    An entry may be written already, as `searched` does.
    """
    parts = [b'{"resourceType":"Bundle","type":"', kind.encode(), b'"']
    if total is not None:
        parts += [b',"total":', str(total).encode()]
    if links:
        shown = [{"relation": relation, "url": url} for relation, url in links]
        parts += [b',"link":', orjson.dumps(shown)]
    written = [entry if isinstance(entry, bytes) else _entry(entry) for entry in entries]
    # An empty array is not allowed in FHIR's JSON.
    opening, end = (b',"entry":[', b"]}") if written else (b"", b"}")
    parts.append(opening)
    if sum(map(len, written)) <= WHOLE_BYTES_MAX:
        return b"%b%b%b" % (b"".join(parts), b",".join(written), end)
    return _chunks([*parts, *_separated(written), end])


def _separated(written: Iterable[bytes]) -> Iterator[bytes]:
    separator = b""
    for entry in written:
        yield separator
        yield entry
        separator = b","


def searched(base: str, resources: Iterable[tuple[str, str, bytes]], extra: bytes) -> list[bytes]:
    """Write entries of a search: (type, id, bytes) of resources that live below `base`.

    Types and ids have no character that JSON would escape (R4 §2.24.0.1).
    """
    # The address of the base is written once; its closing quote comes behind each id.
    front = b'{"fullUrl":%b/' % orjson.dumps(base)[:-1]
    return [
        b'%b%b/%b","resource":%b,%b}' % (front, type_.encode(), id_.encode(), body, extra)
        for type_, id_, body in resources
    ]


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


def _entry(entry: BundleEntry) -> bytes:
    members = []
    if entry.url:
        members.append(b'"fullUrl":' + orjson.dumps(entry.url))
    if entry.body:
        members.append(b'"resource":' + entry.body)
    if entry.extra:
        members.append(entry.extra)
    return b"{%b}" % b",".join(members)
