"""Keep bytes exactly and small: base64 that encodes back to itself is stored decoded.

A claims file is mostly base64 of XML, which no compressor sees through; decoded it packs
ten times tighter. Whatever does not come back byte for byte is kept as it is, so that
`unpack(pack(x)) == x` for any bytes at all.
"""

import binascii
import re
import struct
from collections.abc import Iterable, Iterator

import zstandard

PART = 1 << 20
_LEVEL = 5
_COUNT = struct.Struct("<I")
_SEGMENT = struct.Struct("<BIIHB")  # kind, bytes as they came, bytes kept, line length, line end
_LINE_MAX = 1024
_PLAIN, _BASE64, _WRAPPED = 0, 1, 2
_LINE_ENDS = (b"\n", b"\r\n")
_RUN = re.compile(rb"[A-Za-z0-9+/][A-Za-z0-9+/\r\n]{126,}[A-Za-z0-9+/]={0,2}")


def parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream into parts of about `PART` bytes, never within four digits of base64."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) > PART + 4:
            cut = _cut(held)
            yield bytes(held[:cut])
            del held[:cut]
    if held:
        yield bytes(held)


def _cut(held: bytearray) -> int:
    begin = max(held.rfind(b">", 0, PART), held.rfind(b"\n", 0, PART), held.rfind(b'"', 0, PART))
    is_wrapped = PART - begin < _LINE_MAX
    return begin + 1 if is_wrapped and begin > 0 else PART - (PART - begin - 1) % 4


def pack(part: bytes) -> bytes:
    """Return a part as it is kept."""
    table, kept = [], []
    for kind, size, payload, length, end in _segments(part):
        table.append(_SEGMENT.pack(kind, size, len(payload), length, end))
        kept.append(payload)
    plain = b"".join((_COUNT.pack(len(table)), *table, *kept))
    return zstandard.ZstdCompressor(level=_LEVEL).compress(plain)


def unpack(packed: bytes) -> bytes:
    """Return a part as it came."""
    plain = memoryview(zstandard.ZstdDecompressor().decompress(packed))
    (count,) = _COUNT.unpack_from(plain)
    at = _COUNT.size + count * _SEGMENT.size
    found = []
    for place in range(count):
        kind, _, kept, length, end = _SEGMENT.unpack_from(
            plain, _COUNT.size + place * _SEGMENT.size
        )
        payload = bytes(plain[at : at + kept])
        at += kept
        found.append(payload if kind == _PLAIN else _encoded(payload, length, end))
    return b"".join(found)


_Segment = tuple[int, int, bytes, int, int]


def _segments(part: bytes) -> Iterator[_Segment]:
    at = 0
    for run in _RUN.finditer(part):
        text = run[0]
        decoded = _decoded(text)
        if decoded is None:
            continue
        if run.start() > at:
            yield _PLAIN, run.start() - at, part[at : run.start()], 0, 0
        payload, length, end = decoded
        yield _WRAPPED if length else _BASE64, len(text), payload, length, end
        at = run.end()
    if at < len(part):
        yield _PLAIN, len(part) - at, part[at:], 0, 0


def _decoded(text: bytes) -> tuple[bytes, int, int] | None:
    """Return what base64 `text` holds and how it is wrapped, if it encodes back exactly."""
    length, end = 0, 0
    newline = text.find(b"\n")
    if newline >= 0:
        end = int(text[newline - 1 : newline] == b"\r")
        length = newline - end
        if not 0 < length < 1 << 16:
            return None
    try:
        payload = binascii.a2b_base64(text.translate(None, b"\r\n"))
    except binascii.Error:
        return None
    return (payload, length, end) if _encoded(payload, length, end) == text else None


def _encoded(payload: bytes, length: int, end: int) -> bytes:
    text = binascii.b2a_base64(payload, newline=False)
    if not length:
        return text
    lines = (text[at : at + length] for at in range(0, len(text), length))
    return _LINE_ENDS[end].join(lines)
