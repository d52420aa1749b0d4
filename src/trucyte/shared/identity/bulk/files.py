"""Files of records as pieces of whole rows, so that several processes read one file.

UTF-8 (with or without a mark), UTF-16 and, where neither fits, the encodings of Vietnamese
before Unicode. Comma, semicolon or tab; quoted cells may hold line ends. A piece is cut
where a line ends outside quotes.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trucyte.base.problem import Kind, Problem

PIECE_BYTES = 3_000_000
ROW_BYTES_MAX = 16_000_000
_DELIMITERS = ",;\t|"
_SAMPLE_BYTES = 1_000_000


class LinkFileUnreadable(Problem):
    """The file {file} cannot be read: {reason}."""

    kind = Kind.BAD_INPUT
    code = "link-file"


@dataclass(frozen=True, slots=True)
class Source:
    """A file: how it is read, and the names in its first line."""

    path: Path
    encoding: str
    delimiter: str
    header: Sequence[str]
    start: int  # bytes before the first row


def open_source(path: Path) -> Source:
    """Look at a file and return how it is read; raises LinkFileUnreadable."""
    try:
        with path.open("rb") as stream:
            sample = stream.read(_SAMPLE_BYTES)
    except OSError as error:
        raise LinkFileUnreadable(file=path.name, reason=error.strerror or "?") from None
    encoding, mark = _encoding(sample)
    if b"\x00" in sample:
        raise LinkFileUnreadable(file=path.name, reason="UTF-16 or binary; save it as UTF-8")
    line, end, _ = sample[mark:].partition(b"\n")
    if not line.strip():
        raise LinkFileUnreadable(file=path.name, reason="empty")
    text = line.decode(encoding, errors="replace").rstrip("\r")
    delimiter = max(_DELIMITERS, key=text.count)
    header = next(csv.reader([text], delimiter=delimiter))
    return Source(path, encoding, delimiter, header, mark + len(line) + len(end))


def _encoding(sample: bytes) -> tuple[str, int]:
    mark = 3 if sample.startswith(b"\xef\xbb\xbf") else 0
    for cut in range(4):  # the sample may end inside a letter
        try:
            sample[: len(sample) - cut].decode()
        except UnicodeDecodeError:
            continue
        return "utf-8", mark
    return "cp1258", 0


def pieces(source: Source) -> Iterator[bytes]:
    """Return the rows of a file in order, as pieces that end where a row does."""
    with source.path.open("rb") as stream:
        stream.seek(source.start)
        rest = b""
        while block := stream.read(PIECE_BYTES):
            rest += block
            end = _row_end(rest)
            if end:
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > ROW_BYTES_MAX:
                raise LinkFileUnreadable(file=source.path.name, reason="a row has no end")
        if rest:
            yield rest


def _row_end(block: bytes) -> int:
    """Return where the last row that is whole ends: at a line end outside quotes."""
    end = block.rfind(b"\n") + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.rfind(b"\n", 0, end - 1) + 1
    return end


def rows_of(piece: bytes, source: Source) -> Iterator[list[str]]:
    """Return the rows of a piece; blank lines are passed over."""
    text = piece.decode(source.encoding, errors="replace").replace("\x00", "")
    csv.field_size_limit(ROW_BYTES_MAX)
    return (row for row in csv.reader(text.splitlines(True), delimiter=source.delimiter) if row)
