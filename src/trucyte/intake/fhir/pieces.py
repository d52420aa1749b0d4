"""Cut FHIR JSON into pieces: a bundle or resource is one, a line of NDJSON is one.

Nothing is parsed here beyond finding the ends of lines and the kind of the content.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from trucyte.intake.limits import Limits
from trucyte.intake.piece import Form, Piece
from trucyte.intake.unreadable import FileTooLarge

_CHUNK = 1 << 20
_ID = re.compile(rb'"id"\s*:\s*"([A-Za-z0-9.-]{1,64})"')


class _Head(msgspec.Struct):
    """Enough of a resource to know its kind."""

    resource_type: str = msgspec.field(name="resourceType", default="")


_HEAD = msgspec.json.Decoder(_Head)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # the reader says why


def json_pieces(file: BinaryIO, head: bytes, limits: Limits) -> Iterator[Piece]:
    """Yield the pieces of a JSON file of which `head` was read already."""
    first, newline, rest = head.partition(b"\n")
    while not newline and len(first) <= limits.line:
        chunk = file.read(_CHUNK)
        if not chunk:
            break
        more, newline, rest = chunk.partition(b"\n")
        first += more
    if newline and _is_object(first):
        yield from _lines(file, first + newline + rest, limits)
        return
    data = first + newline + rest
    data += file.read(limits.bundle + 1 - len(data))
    if len(data) > limits.bundle:
        raise FileTooLarge(limit=limits.bundle)
    yield _piece(data)


def _is_object(line: bytes) -> bool:
    """Say whether a line is a JSON object by itself, which makes the file NDJSON."""
    try:
        _HEAD.decode(line)
    except _UNREADABLE:
        return False
    return True


def _lines(file: BinaryIO, begun: bytes, limits: Limits) -> Iterator[Piece]:
    while True:
        lines = begun.split(b"\n")
        begun = lines.pop()
        for line in lines:
            if line.strip():
                yield _piece(line)
        if len(begun) > limits.line:
            raise FileTooLarge(limit=limits.line)
        chunk = file.read(_CHUNK)
        if not chunk:
            break
        begun += chunk
    if begun.strip():
        yield _piece(begun)


def _piece(data: bytes) -> Piece:
    try:
        is_bundle = _HEAD.decode(data).resource_type == "Bundle"
    except _UNREADABLE:
        is_bundle = False
    found = _ID.search(data, 0, 4096)
    partition = found[1].decode() if found else ""
    return Piece(0, Form.BUNDLE if is_bundle else Form.RESOURCE, data, partition=partition)
