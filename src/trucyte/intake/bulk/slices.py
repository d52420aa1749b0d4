"""Cut a file of NDJSON into slices of whole lines, without holding more than one of them.

A line that is longer than allowed is passed over, and told with its number.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from trucyte.intake.limits import Limits

SLICE_BYTES = 1 << 20
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes from `start` to `end` of a file: whole lines, or the whole file."""

    start: int
    end: int
    first_line: int  # from 1
    lines: int  # line ends in it
    is_whole: bool = False  # not lines: one JSON value, or nothing that can be read
    is_too_long: bool = False  # a line beyond the limit


class _Object(msgspec.Struct):
    """Any JSON object."""


class _Resource(msgspec.Struct):
    """Any resource."""

    type: str = msgspec.field(name="resourceType")


_OBJECT = msgspec.json.Decoder(_Object)
_RESOURCE = msgspec.json.Decoder(_Resource)
_ANY = msgspec.json.Decoder(_Object | list[_Object])


def slices(
    path: Path, limits: Limits, *, start: int = 0, line: int = 1, size: int = SLICE_BYTES
) -> Iterator[Slice]:
    """Yield the slices of a file from byte `start`, where line number `line` begins."""
    with path.open("rb") as file:
        if start == 0 and not is_lines(file, limits):
            end = path.stat().st_size
            if end:
                yield Slice(0, end, 1, 1, is_whole=True)
            return
        while True:
            found = _next(file, start, line, limits, size)
            if found is None:
                return
            yield found
            start, line = found.end, line + found.lines


def is_lines(file: BinaryIO, limits: Limits) -> bool:
    """Say whether a file has a resource a line; else it is one JSON value over many lines.

    A broken first line does not make a file one value: its other lines can be read. One that
    breaks off as the first of a laid-out value does is taken for that only where the whole
    file is such a value, or no other line could be read by itself.
    """
    file.seek(0)
    first = b"\n"
    while first and not first.strip():
        first = file.readline(limits.line + 1)
    if len(first) > limits.line:
        # A bundle in one line may be as long as a bundle may be.
        return _too_long(file, 0, 1).end < file.seek(0, 2) or file.tell() > limits.bundle
    try:
        _OBJECT.decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        breaks_off = first.rstrip().endswith((b"{", b"[", b","))
        return not breaks_off or (not _is_one(file, limits) and _has_resource(file, limits))
    return True


def _is_one(file: BinaryIO, limits: Limits) -> bool:
    """Say whether a file is one JSON value, no longer than a bundle may be."""
    file.seek(0)
    data = file.read(limits.bundle + 1)
    if len(data) > limits.bundle:
        return False
    try:
        _ANY.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _has_resource(file: BinaryIO, limits: Limits) -> bool:
    """Say whether a line is a resource by itself; what is indented lies within another."""
    file.seek(0)
    begins = True
    while line := file.readline(limits.line + 1):
        if begins and line.startswith(b"{"):
            with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                _RESOURCE.decode(line)
                return True
        begins = line.endswith(b"\n")
    return False


def _next(file: BinaryIO, start: int, line: int, limits: Limits, size: int) -> Slice | None:
    file.seek(start)
    data = file.read(size)
    if not data:
        return None
    end = data.rfind(b"\n")
    while end < 0 and len(data) <= limits.line:
        more = file.read(_BLOCK)
        if not more:
            return Slice(start, start + len(data), line, 1)  # the last line, without its end
        place = more.rfind(b"\n")
        end = len(data) + place if place >= 0 else -1
        data += more
    if end < 0:
        return _too_long(file, start, line)
    return Slice(start, start + end + 1, line, data.count(b"\n", 0, end + 1))


def _too_long(file: BinaryIO, start: int, line: int) -> Slice:
    file.seek(start)
    at = start
    while block := file.read(_BLOCK):
        place = block.find(b"\n")
        if place >= 0:
            return Slice(start, at + place + 1, line, 1, is_too_long=True)
        at += len(block)
    return Slice(start, at, line, 1, is_too_long=True)
