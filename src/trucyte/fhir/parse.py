"""FHIR JSON to Python values, decimal-safe, and cheap looks at the head of a body.

Fractions become `Decimal` with every digit they came with (R4 2.24.0.1: precision is
part of the value); integers stay int. Bodies from outside pass `text.scan` first,
which refuses what a decoder would let through in silence.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.text import SIZE_MAX, NotAnObject, NotJson


class LineTooLong(Problem):
    """Line {line} of the NDJSON is longer than {size_max} bytes."""

    kind = Kind.TOO_LARGE
    code = "ndjson-line-too-long"


class Coding(msgspec.Struct, frozen=True):
    """As much of a Coding as labels need."""

    system: str = ""
    code: str = ""


class Meta(msgspec.Struct, frozen=True):
    """As much of `meta` as doors and gates need."""

    profile: tuple[str | None, ...] = ()
    security: tuple[Coding, ...] = ()
    tag: tuple[Coding, ...] = ()
    version_id: str | None = msgspec.field(default=None, name="versionId")
    last_updated: str | None = msgspec.field(default=None, name="lastUpdated")


class Head(msgspec.Struct, frozen=True):
    """What a resource is, without what it says."""

    type: str = msgspec.field(default="", name="resourceType")
    id: str | None = None
    meta: Meta = Meta()


class EntryRequest(msgspec.Struct, frozen=True):
    """What a bundle entry asks for."""

    method: str = ""
    url: str = ""
    if_none_match: str | None = msgspec.field(default=None, name="ifNoneMatch")
    if_modified_since: str | None = msgspec.field(default=None, name="ifModifiedSince")
    if_match: str | None = msgspec.field(default=None, name="ifMatch")
    if_none_exist: str | None = msgspec.field(default=None, name="ifNoneExist")


class BundleEntry(msgspec.Struct, frozen=True):
    """One entry; `resource` is its exact bytes (an empty `Raw` where there is none)."""

    full_url: str | None = msgspec.field(default=None, name="fullUrl")
    resource: msgspec.Raw = msgspec.Raw()
    request: EntryRequest | None = None


class BundleHead(msgspec.Struct, frozen=True):
    """A bundle with its entries' resources left as bytes."""

    type: str = ""
    entry: tuple[BundleEntry, ...] = ()
    id: str | None = None


_RESOURCE = msgspec.json.Decoder(float_hook=Decimal)
_HEAD = msgspec.json.Decoder(Head)
_BUNDLE = msgspec.json.Decoder(BundleHead)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation, TypeError)


def parse(body: bytes | memoryview) -> dict[str, Any]:
    """Return a resource as dicts, lists, str, int, Decimal, bool and None.

    Raises `NotJson` or `NotAnObject`. `text.scan` gives the same and checks more.
    """
    try:
        resource = _RESOURCE.decode(body)
    except _UNREADABLE:
        raise NotJson(offset=0) from None
    if not isinstance(resource, dict):
        raise NotAnObject(offset=0)
    return resource


def head(body: bytes | memoryview) -> Head:
    """Return type, id and meta, without building the rest; raises `NotJson`."""
    try:
        return _HEAD.decode(body)
    except _UNREADABLE:
        raise NotJson(offset=0) from None


def bundle(body: bytes | memoryview) -> BundleHead:
    """Return a bundle's entries with each resource as its own bytes; raises `NotJson`."""
    try:
        return _BUNDLE.decode(body)
    except _UNREADABLE:
        raise NotJson(offset=0) from None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of NDJSON that is not blank."""

    number: int  # from 1
    body: bytes


def lines(chunks: Iterable[bytes], *, size_max: int = SIZE_MAX) -> Iterator[Line]:
    r"""Cut NDJSON into its lines, in the memory of one line and one chunk.

    A byte order mark at the start, `\r` before `\n` and blank lines are passed over.
    Raises `LineTooLong` as soon as a line exceeds `size_max` bytes.
    """
    number = 0
    for number, body in enumerate(_raw_lines(chunks, size_max), start=1):
        stripped = (body.removeprefix(b"\xef\xbb\xbf") if number == 1 else body).strip(b" \t\r")
        if stripped:
            yield Line(number, stripped)


def _raw_lines(chunks: Iterable[bytes], size_max: int) -> Iterator[bytes]:
    number = 1
    waiting: list[bytes] = []
    size = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        waiting.append(first)
        size += len(first)
        for piece in others:
            if size > size_max:
                raise LineTooLong(line=number, size_max=size_max)
            yield b"".join(waiting)
            number += 1
            waiting, size = [piece], len(piece)
        if size > size_max:
            raise LineTooLong(line=number, size_max=size_max)
    yield b"".join(waiting)
