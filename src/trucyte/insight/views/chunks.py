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
    lines: list[str]
    faults: tuple[Fault, ...]


def chunks(stream: BinaryIO, file: str, size: int = CHUNK_SIZE) -> Iterator[Chunk]:
    """Cut a stream into chunks; lines that are too long or no UTF-8 are blank, with a Fault."""
    first = 1
    for lines, skipped in _pieces(stream, size):
        texts, faults = _decoded(lines, file, first)
        if skipped:
            problem = TooLarge(size=skipped, size_max=SIZE_MAX, offset=SIZE_MAX)
            faults.append(Fault(file, first, problem))
        yield Chunk(file, first, texts, tuple(faults))
        first += len(lines)


def _pieces(stream: BinaryIO, size: int) -> Iterator[tuple[list[bytes], int]]:
    """Give lines; one beyond the limit is a blank one of its own, with its length."""
    rest = b""
    block = stream.read(size).removeprefix(_BOM)
    while block:
        lines = block.split(b"\n")
        lines[0] = rest + lines[0]
        rest = lines.pop()
        if lines:
            yield lines, 0
        if len(rest) > SIZE_MAX:
            yield [b""], len(rest) + _skip_line(stream)
            rest = b""
        block = stream.read(size)
    if rest:
        yield [rest], 0


def _skip_line(stream: BinaryIO) -> int:
    """Read past the end of a line; return how many bytes that were."""
    length = 0
    while part := stream.readline(CHUNK_SIZE):
        length += len(part)
        if part.endswith(b"\n"):
            break
    return length


def _decoded(lines: list[bytes], file: str, first: int) -> tuple[list[str], list[Fault]]:
    try:
        return [line.decode() for line in lines], []
    except UnicodeDecodeError:
        pass
    texts, faults = [], []
    for number, line in enumerate(lines, start=first):
        try:
            texts.append(line.decode())
        except UnicodeDecodeError as error:
            texts.append("")
            faults.append(Fault(file, number, NotUtf8(offset=error.start)))
    return texts, faults
