"""NDJSON in chunks of whole lines, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from trucyte.base.problem import Problem
from trucyte.fhir.text import SIZE_MAX, NotUtf8, TooLarge

CHUNK_SIZE: Final = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that could not be used, and why; `line` counts from 1 in its file."""

    file: str
    line: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines; `first` is the number of the first one in its file."""

    file: str
    first: int
    text: str
    faults: tuple[Fault, ...]


def chunks(stream: BinaryIO, file: str, size: int = CHUNK_SIZE) -> Iterator[Chunk]:
    """Cut a stream into chunks; lines that are too long or no UTF-8 are blank, with a Fault."""
    first = 1
    for block, skipped in _blocks(stream, size):
        text, faults = _decoded(block, file, first)
        if skipped:
            problem = TooLarge(size=skipped, size_max=SIZE_MAX, offset=SIZE_MAX)
            faults.append(Fault(file, first, problem))
        yield Chunk(file, first, text, tuple(faults))
        first += block.count(b"\n")


def _blocks(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Give blocks of whole lines; a line beyond the limit is a blank one, with its length."""
    rest = stream.read(size).removeprefix(_BOM)
    while rest:
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end], 0
            rest = rest[end:]
        elif len(rest) > SIZE_MAX:
            yield b"\n", len(rest) + _skip_line(stream)
            rest = b""
        more = stream.read(size)
        if not more and rest:
            yield rest + b"\n", 0
            return
        rest += more


def _skip_line(stream: BinaryIO) -> int:
    """Read past the end of a line; return how many bytes that were."""
    length = 0
    while part := stream.readline(CHUNK_SIZE):
        length += len(part)
        if part.endswith(b"\n"):
            break
    return length


def _decoded(block: bytes, file: str, first: int) -> tuple[str, list[Fault]]:
    try:
        return block.decode(), []
    except UnicodeDecodeError:
        pass
    lines, faults = [], []
    for number, line in enumerate(block.split(b"\n"), start=first):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError as error:
            lines.append("")
            faults.append(Fault(file, number, NotUtf8(offset=error.start)))
    return "\n".join(lines), faults
