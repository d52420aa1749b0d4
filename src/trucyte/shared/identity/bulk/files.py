"""Files of records as pieces of whole rows, so that several processes read one file.

UTF-8 (with or without a mark), UTF-16 and, where neither fits, the encodings of Vietnamese
before Unicode. Comma, semicolon or tab; quoted cells may hold line ends. A piece is cut
where a line ends outside quotes.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from trucyte.base.problem import Kind, Problem
from trucyte.vietnam.people.encodings import decode_as, detect_encoding

PIECE_BYTES = 3_000_000
ROW_BYTES_MAX = 16_000_000
_DELIMITERS = ",;\t|"
_SAMPLE_BYTES = 1_000_000
_WIDE = "utf-16"


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
    cut = sample.rfind(b"\n") + 1 if len(sample) == _SAMPLE_BYTES else len(sample)
    sample = sample[:cut] or sample
    encoding, _ = detect_encoding(sample)
    if encoding.startswith(_WIDE):
        sample = decode_as(sample[: len(sample) // 2 * 2], encoding).encode()
    mark = 3 if sample.startswith(codecs.BOM_UTF8) else 0
    line, end, _ = sample[mark:].partition(b"\n")
    if not line.strip():
        raise LinkFileUnreadable(file=path.name, reason="empty")
    text = _decoded(line, encoding).rstrip("\r")
    delimiter = max(_DELIMITERS, key=text.count)
    header = next(csv.reader([text], delimiter=delimiter))
    return Source(path, encoding, delimiter, header, mark + len(line) + len(end))


def _decoded(data: bytes, encoding: str) -> str:
    """Return text; wide encodings were made UTF-8 before, and ASCII may turn out to be it."""
    if encoding in ("ascii", "utf-8") or encoding.startswith(_WIDE):
        return data.decode("utf-8", errors="replace")
    return decode_as(data, encoding)


def pieces(source: Source) -> Iterator[bytes]:
    """Return the rows of a file in order, as pieces that end where a row does."""
    with _stream(source) as stream:
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


def _stream(source: Source) -> BinaryIO:
    """Open a file as bytes whose line ends are one byte."""
    if source.encoding.startswith(_WIDE):  # cannot be cut by bytes, and is seldom large
        return BytesIO(decode_as(source.path.read_bytes(), source.encoding).encode())
    return source.path.open("rb")


def _row_end(block: bytes) -> int:
    """Return where the last row that is whole ends: at a line end outside quotes."""
    end = block.rfind(b"\n") + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.rfind(b"\n", 0, end - 1) + 1
    return end


def rows_of(piece: bytes, source: Source) -> Iterator[list[str]]:
    """Return the rows of a piece; blank lines are passed over."""
    text = _decoded(piece, source.encoding).replace("\x00", "")
    csv.field_size_limit(ROW_BYTES_MAX)
    return (row for row in csv.reader(text.splitlines(True), delimiter=source.delimiter) if row)
