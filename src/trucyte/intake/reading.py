"""From a source to its pieces, whatever kind of file it is.

The kind is told from the content, never from the name. Pieces come in the order of the
source and are always the same for the same bytes, which is what lets an interrupted
source be resumed by counting.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from trucyte.base.problem import Problem
from trucyte.intake.archive import files_of, open_entry, open_zip
from trucyte.intake.claims.envelope import EnvelopeCutter, Window
from trucyte.intake.claims.loose import LooseTables
from trucyte.intake.claims.markup import BOM
from trucyte.intake.claims.roots import CHECKOUT, ENVELOPE, TABLE_ROOTS, local_name
from trucyte.intake.fhir.pieces import json_pieces
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Envelope, Form, Piece
from trucyte.intake.unreadable import (
    EncodingWrong,
    NothingInside,
    UnknownContent,
    VisitTooLarge,
    XmlForbidden,
    XmlRootUnknown,
    XmlTruncated,
    ZipNested,
)

_HEAD = 1 << 16
_PROLOGUE = re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->)", re.DOTALL)
_ROOT = re.compile(rb"\s*<([A-Za-z_][^\s/>]{0,200})")
_LEGACY = re.compile(
    rb"<\?xml[^>]{0,80}?encoding\s*=\s*[\"'](?!utf|us-ascii)([\w.:-]{1,40})", re.IGNORECASE
)


class Reading:
    """The pieces of one source, in order; iterate once."""

    def __init__(
        self, file: BinaryIO, limits: Limits = DEFAULT, refusal: Problem | None = None
    ) -> None:
        """Read `file`, which must be seekable where it may be a zip; with `refusal` never."""
        self._refusal = refusal
        self.envelope = Envelope()  # of the first envelope met
        self.announced: int | None = None  # SOLUONGHOSO, of all envelopes together
        self.has_signature = False  # known at the end: CHUKYDONVI of an envelope holds something
        self._file = file
        self._limits = limits
        self._loose = LooseTables(limits)
        self._count = 0

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *how: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Piece]:
        """Yield the pieces, numbered from 1."""
        yield from self._guarded(self._pieces())
        for piece in self._loose.pieces(self._count + 1):
            yield self._numbered(piece)
        self.has_signature = self.has_signature or self._loose.has_signature

    def _pieces(self) -> Iterator[Piece]:
        if self._refusal is not None:
            raise self._refusal
        head = self._file.read(_HEAD)
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from self._zip()
        else:
            yield from self._document(self._file, head)

    def _zip(self) -> Iterator[Piece]:
        self._file.seek(0)
        with open_zip(self._file, self._limits) as archive:
            for entry in files_of(archive):
                yield from self._guarded(self._entry(archive, entry))

    def _entry(self, archive: ZipFile, entry: ZipInfo) -> Iterator[Piece]:
        with open_entry(archive, entry) as file:
            head = file.read(_HEAD)
            if head[:4] == b"PK\x03\x04":
                raise ZipNested()
            yield from self._document(file, head)

    def _guarded(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Number pieces; what stops them becomes the last piece."""
        try:
            for piece in pieces:
                yield self._numbered(piece)
        except Problem as problem:
            yield self._numbered(Piece(0, Form.FILE, b"", problem=problem))

    def _numbered(self, piece: Piece) -> Piece:
        if piece.ordinal > 0 and piece.ordinal == self._count:
            return piece  # numbered by an inner loop already
        self._count += 1
        return replace(piece, ordinal=self._count)

    def _document(self, file: BinaryIO, head: bytes) -> Iterator[Piece]:
        if not head:
            raise NothingInside()
        text = head.removeprefix(BOM).lstrip()
        if text[:1] in (b"{", b"["):
            yield from json_pieces(file, head.removeprefix(BOM), self._limits)
        elif text[:1] == b"<" and b"\0" not in head[:64]:
            yield from self._xml(file, head.removeprefix(BOM))
        else:
            is_utf_16 = head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:2] in (b"<\0", b"\0<")
            raise EncodingWrong(suspected="UTF-16") if is_utf_16 else UnknownContent()

    def _xml(self, file: BinaryIO, head: bytes) -> Iterator[Piece]:
        root = root_of(head)
        declared = _LEGACY.match(head.lstrip())
        if declared and not head.isascii():
            raise EncodingWrong(suspected=declared[1].decode().lower())
        if root == ENVELOPE:
            yield from self._envelope(EnvelopeCutter(Window(file, head), self._limits))
        elif root in TABLE_ROOTS:
            self._loose.add(_whole(file, head, self._limits.loose_tables))
        elif root in (CHECKOUT, "HOSO"):
            data = _whole(file, head, self._limits.visit)
            yield Piece(0, Form.CHECKOUT if root == CHECKOUT else Form.HOSO, data)
        else:
            raise XmlRootUnknown()

    def _envelope(self, cutter: EnvelopeCutter) -> Iterator[Piece]:
        is_first = True
        for piece in cutter:
            if is_first:
                self._announce(cutter.envelope)
                is_first = False
            yield replace(piece, ordinal=0)
        if is_first:
            self._announce(cutter.envelope)
        self.has_signature = self.has_signature or cutter.has_signature

    def _announce(self, envelope: Envelope) -> None:
        if self.envelope == Envelope():
            self.envelope = envelope
        if envelope.announced is not None:
            self.announced = (self.announced or 0) + envelope.announced


def root_of(head: bytes) -> str:
    """Return the name of the root element in upper case; raises `Unreadable`."""
    at = 0
    while (found := _PROLOGUE.match(head, at)) is not None:
        at = found.end()
    root = _ROOT.match(head, at)
    if root is None:
        rest = head[at:].lstrip()
        if rest[:2] == b"<!":
            raise XmlForbidden(place="document")
        raise XmlTruncated() if len(head) < _HEAD else XmlRootUnknown()
    return local_name(root[1].decode("utf-8", "replace"))


def _whole(file: BinaryIO, head: bytes, limit: int) -> bytes:
    data = head + file.read(limit + 1 - len(head))
    if len(data) > limit:
        raise VisitTooLarge(limit=limit)
    return data
