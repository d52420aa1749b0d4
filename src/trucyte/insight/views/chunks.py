"""NDJSON in chunks of whole lines, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from trucyte.base.problem import Problem
from trucyte.fhir.text import SIZE_MAX, NotUtf8, TooLarge

CHUNK_SIZE: Final = 8 * 1024 * 1024
LINES_MAX: Final = 100_000  # of a chunk: a file of blank lines is not millions of values at once
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
    text: str  # the lines with a line feed between them
    count: int
    faults: tuple[Fault, ...]
    size: int = 0  # bytes of the stream that it comes from

    def lines(self) -> list[str]:
        """Return the lines."""
        return self.text.split("\n")


def chunks(stream: BinaryIO, file: str, size: int = CHUNK_SIZE) -> Iterator[Chunk]:
    """Cut a stream into chunks; lines that are too long or no UTF-8 are blank, with a Fault."""
    first = 1
    for piece, skipped in _pieces(stream, size):
        text, faults = _decoded(piece, file, first)
        if skipped:
            problem = TooLarge(size=skipped, size_max=SIZE_MAX, offset=SIZE_MAX)
            faults.append(Fault(file, first, problem))
        size_read = (skipped or len(piece)) + 1
        for part, count in _parts(text):
            yield Chunk(file, first, part, count, tuple(faults), size_read)
            first, faults, size_read = first + count, [], 0


def _parts(text: str) -> Iterator[tuple[str, int]]:
    """Give a text with its number of lines, in parts where these are too many."""
    count = text.count("\n") + 1
    if count <= LINES_MAX:
        yield text, count
        return
    lines = text.split("\n")
    for at in range(0, count, LINES_MAX):
        part = lines[at : at + LINES_MAX]
        yield "\n".join(part), len(part)


def _pieces(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Give whole lines, without the last line feed; one beyond the limit is blank, with its length.

    A block is cut once and not at every line: that is SQL's to do.
    """
    rest = b""
    block = stream.read(size).removeprefix(_BOM)
    while block:
        end = block.rfind(b"\n")
        if end >= 0:
            yield rest + block[:end], 0
            rest = b""
        rest += block[end + 1 :]
        if len(rest) > SIZE_MAX:
            yield b"", len(rest) + _skip_line(stream)
            rest = b""
        block = stream.read(size)
    if rest:
        yield rest, 0


def _skip_line(stream: BinaryIO) -> int:
    """Read past the end of a line; return how many bytes that were."""
    length = 0
    while part := stream.readline(CHUNK_SIZE):
        length += len(part)
        if part.endswith(b"\n"):
            break
    return length


def _decoded(piece: bytes, file: str, first: int) -> tuple[str, list[Fault]]:
    try:
        return piece.decode(), []
    except UnicodeDecodeError:
        pass
    texts, faults = [], []
    for number, line in enumerate(piece.split(b"\n"), start=first):
        try:
            texts.append(line.decode())
        except UnicodeDecodeError as error:
            texts.append("")
            faults.append(Fault(file, number, NotUtf8(offset=error.start)))
    return "\n".join(texts), faults
