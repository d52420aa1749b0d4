"""Cut an envelope (GIAMDINHHS) into its visits without reading any of them.

Only the outermost markup is looked at, so a file of any length passes through in
constant memory, a fault inside one visit cannot hide the next, and every visit keeps
its exact bytes (the legal signature covers bytes, not meaning).
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from lxml import etree

from trucyte.base.problem import Problem
from trucyte.intake.claims.markup import check_text, is_signed, parse_problem, strict_options
from trucyte.intake.claims.roots import local_name
from trucyte.intake.claims.variant import date_of
from trucyte.intake.limits import Limits
from trucyte.intake.piece import Envelope, Form, Piece
from trucyte.intake.unreadable import (
    EnvelopeTooLarge,
    VisitTooLarge,
    XmlForbidden,
    XmlTruncated,
)

_CHUNK = 1 << 20
_OVERLAP = 128  # longest mark that may be cut by the end of the window
_MARK = re.compile(
    rb"<(?:(?P<comment>!--)|(?P<cdata>!\[CDATA\[)|(?P<instruction>\?)|(?P<declaration>![A-Za-z])"
    rb"|(?P<close>/?)(?:[\w.-]{1,32}:)?(?P<hoso>(?i:HOSO))(?=[\s/>]))"
)
_ENDS = {"comment": b"-->", "cdata": b"]]>", "instruction": b"?>"}
_BASE64_FILE = re.compile(rb"NOIDUNGFILE>\s*([A-Za-z0-9+/=\s]{16,})<")
_MA_BN = re.compile(rb"<MA_BN>\s*(?:<!\[CDATA\[)?([^<\]]*)")


class Window:
    """The part of a stream that is in memory."""

    def __init__(self, file: BinaryIO, begun: bytes = b"") -> None:
        """Look at `file`, of which `begun` was read already."""
        self._file = file
        self.data = bytearray(begun)

    def fill(self) -> bool:
        """Read on; say whether there was more."""
        chunk = self._file.read(_CHUNK)
        self.data += chunk
        return bool(chunk)


class EnvelopeCutter:
    """Iterate the pieces of one envelope; `envelope` is known from the first on."""

    def __init__(self, window: Window, limits: Limits) -> None:
        """Cut what `window` shows, from the beginning of the envelope."""
        self.envelope = Envelope()
        self.has_signature = False
        self._window = window
        self._limits = limits
        self._shell = bytearray()
        self._begin: int | None = None  # where the visit that is open begins
        self._is_skipping = False  # the open visit is too large: let it pass
        self._count = 0

    def __iter__(self) -> Iterator[Piece]:
        """Yield visits in order, then whatever is wrong with the envelope itself."""
        try:
            at = 0
            while (mark := self._next_mark(at)) is not None:
                yield from self._meet(mark)
                at = 0 if self._begin is None else mark.end() - mark.start()
            yield from self._end()
        except Problem as problem:
            yield self._piece(Form.FILE, b"", problem)

    def _meet(self, mark: re.Match[bytes]) -> Iterator[Piece]:
        if mark["close"] or self._is_empty_tag(mark):
            yield from self._close(mark)
            return
        if self._begin is not None:  # the one before was never closed
            yield self._take(mark.start())
        self._enter(mark.start() if self._begin is None else 0)

    def _is_empty_tag(self, mark: re.Match[bytes]) -> bool:
        rest = bytes(self._window.data[mark.end() : mark.end() + 16]).lstrip()
        return self._begin is None and rest.startswith(b"/>")

    def _enter(self, start: int) -> None:
        data = self._window.data
        if data[:start].strip():
            self._shell += data[:start]
        if len(self._shell) > self._limits.envelope:
            raise EnvelopeTooLarge(limit=self._limits.envelope)
        if self._count == 0:
            self.envelope = read_head(bytes(self._shell))
        del data[:start]
        self._begin = 0

    def _close(self, mark: re.Match[bytes]) -> Iterator[Piece]:
        end = self._window.data.find(b">", mark.end())
        while end < 0 and self._window.fill():
            end = self._window.data.find(b">", mark.end())
        if end < 0:
            return
        if self._begin is None:
            if mark["close"]:  # a closing tag that opens nothing: the shell will tell
                self._shell += self._window.data[: end + 1]
                del self._window.data[: end + 1]
                return
            self._enter(mark.start())
            end -= mark.start()
        yield self._take(end + 1)
        self._begin = None

    def _take(self, end: int) -> Piece:
        """Cut the open visit off at `end`."""
        data = bytes(self._window.data[:end])
        del self._window.data[:end]
        if self._is_skipping:
            self._is_skipping = False
            return self._piece(Form.HOSO, b"", VisitTooLarge(limit=self._limits.visit))
        return self._piece(Form.HOSO, data, None)

    def _piece(self, form: Form, data: bytes, problem: Problem | None) -> Piece:
        self._count += 1
        partition = "" if problem else partition_of(data)
        return Piece(self._count, form, data, self.envelope, problem, partition)

    def _next_mark(self, at: int) -> re.Match[bytes] | None:
        """Find the next HOSO tag from `at`, outside comments, CDATA and instructions."""
        window = self._window
        while True:
            mark = _MARK.search(window.data, at)
            if mark is None:
                at = max(at, len(window.data) - _OVERLAP)
                at, more = self._grow(at)
                if not more:
                    return None
            elif mark["declaration"]:
                raise XmlForbidden(place="envelope")
            elif mark["hoso"]:
                return mark
            else:
                at = self._pass_over(mark)

    def _pass_over(self, mark: re.Match[bytes]) -> int:
        """Return the place behind a comment, CDATA section or instruction."""
        closing = _ENDS[mark.lastgroup or ""]
        at = mark.end()
        while (found := self._window.data.find(closing, at)) < 0:
            at = max(at, len(self._window.data) - len(closing))
            at, more = self._grow(at)
            if not more:
                return len(self._window.data)
        return found + len(closing)

    def _grow(self, at: int) -> tuple[int, bool]:
        """Read on, within the limits; return the place again and whether there was more."""
        if not self._window.fill():
            return at, False
        data = self._window.data
        if self._begin is None and len(data) > self._limits.envelope + _CHUNK:
            if data.strip():
                raise EnvelopeTooLarge(limit=self._limits.envelope)
            data.clear()
            return 0, True
        if self._begin is None:
            return at, True
        if self._is_skipping or len(data) > self._limits.visit + _CHUNK:
            self._is_skipping = True
            del data[:at]
            return 0, True
        return at, True

    def _end(self) -> Iterator[Piece]:
        """Say what is wrong where the stream ends."""
        if self._begin is not None:
            data = b"" if self._is_skipping else bytes(self._window.data)
            yield self._piece(Form.HOSO, data, XmlTruncated())
            return
        self._shell += self._window.data
        if len(self._shell) > self._limits.envelope:
            raise EnvelopeTooLarge(limit=self._limits.envelope)
        shell = bytes(self._shell)
        check_text(shell, "envelope")
        try:
            root = etree.fromstring(shell, etree.XMLParser(**strict_options()))
        except etree.XMLSyntaxError as error:
            raise parse_problem(error, "envelope") from None
        if self._count == 0:
            self.envelope = read_head(shell)
        self.has_signature = is_signed(root)


def read_head(head: bytes) -> Envelope:
    """Return what stands before the first visit; missing parts stay unknown."""
    check_text(head, "envelope")
    parser = etree.XMLPullParser(events=("end",), **strict_options())
    facility, made_on, announced = "", None, None
    try:
        parser.feed(head)
    except etree.XMLSyntaxError as error:
        raise parse_problem(error, "envelope") from None
    for _, element in cast("Iterable[tuple[str, etree._Element]]", parser.read_events()):
        name, text = local_name(str(element.tag)), (element.text or "").strip()
        if name == "MACSKCB":
            facility = text
        elif name == "NGAYLAP":
            made_on = date_of(text)
        elif name == "SOLUONGHOSO" and text.isascii() and text.isdigit():
            announced = int(text[:9])
    return Envelope(facility, made_on, announced)


def partition_of(data: bytes) -> str:
    """Return MA_BN of a visit as it stands, without parsing; "" where it is not seen.

    It only keeps one patient's visits in one worker; nothing rests on it being right.
    """
    found = _MA_BN.search(data)
    if found is None:
        for part in _BASE64_FILE.finditer(data, 0, 1 << 20):
            found = _MA_BN.search(_decoded(part[1]))
            if found is not None:
                break
    return found[1].strip().decode("utf-8", "replace") if found else ""


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text[:4096].translate(None, b" \t\r\n")[:4000])
    except binascii.Error:
        return b""
