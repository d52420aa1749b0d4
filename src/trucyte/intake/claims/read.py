"""From the bytes of one visit to its tables of raw text.

Handles what real exports hold: base64 and inline NOIDUNGFILE, CDATA, byte-order marks,
empty FILEHOSO, blanks around values, tags in any order and case, 4210's shorter roots,
check-in documents and Decision 917's CHECKOUT. What it cannot read it refuses with the
reason; it never guesses whose a visit is.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from lxml import etree

from trucyte.intake.claims.markup import BOM, decode_base64, parse, strict_options
from trucyte.intake.claims.roots import ROW_TAGS, local_name, table_of
from trucyte.intake.claims.tables import TABLES, Row, Variant, Visit
from trucyte.intake.claims.variant import date_of, find_variant
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Envelope, Form, Piece
from trucyte.intake.unreadable import (
    FacilityMissing,
    FieldTwice,
    LegacyFont,
    LinkDiffers,
    LinkMissing,
    SummaryMissing,
    SummaryTwice,
    TableUnknown,
    TooManyRows,
    VisitEmpty,
    XmlTooDeep,
)

# Signs that no Vietnamese name has, but TCVN3 text has when read as Latin-1.
_LEGACY_SIGNS = re.compile("[¨©ª«¬®µ¶·¸¹»¼½¾×÷]")
_TABLE_NUMBER = re.compile(r"(?:XML)?\s*0?(\d{1,2})")
_DATES = ("NGAY_RA", "NGAY_VAO", "NGAY_YL")


class VisitReader:
    """Reads pieces of claims files. Holds a parser, so one a thread."""

    def __init__(self, limits: Limits) -> None:
        """Read within `limits`."""
        self._limits = limits
        self._parser = etree.XMLParser(**strict_options())

    def read(self, piece: Piece) -> Visit:
        """Return the visit of a piece; raises `Unreadable` with the reason."""
        root = parse(piece.data.removeprefix(BOM), self._parser, "HOSO")
        sheets = _Sheets(self._limits)
        if piece.form is Form.CHECKOUT:
            self._read_checkout(root, sheets)
        else:
            self._read_hoso(root, sheets)
        return sheets.visit(piece.envelope, is_917=piece.form is Form.CHECKOUT)

    def _read_hoso(self, root: etree._Element, sheets: "_Sheets") -> None:
        for file in root:
            if local_name(str(file.tag)) == "FILEHOSO":
                self._read_file(file, sheets)

    def _read_file(self, file: etree._Element, sheets: "_Sheets") -> None:
        named, content = "", None
        for part in file:
            name = local_name(str(part.tag))
            if name == "LOAIHOSO":
                named = table_named(part.text or "")
            elif name == "NOIDUNGFILE":
                content = part
        inner = None if content is None else self._content(content, named or "a FILEHOSO")
        if inner is not None:
            table = table_of(str(inner.tag)) or named
            if not table:
                raise TableUnknown()
            sheets.add(table, inner)

    def _content(self, content: etree._Element, table: str) -> etree._Element | None:
        """Return the root of what NOIDUNGFILE holds, or None where it is empty."""
        if len(content):
            return content[0]
        text = (content.text or "").strip()
        if not text:
            return None
        if text.startswith("<"):
            return parse(text.encode(), self._parser, table)
        if not text.isascii():
            text = text.encode("ascii", "replace").decode()
        document = decode_base64(text.encode(), table).removeprefix(BOM)
        return parse(document, self._parser, table) if document.strip() else None

    def _read_checkout(self, root: etree._Element, sheets: "_Sheets") -> None:
        """Read a document of Decision 917: the patient and the total are one row."""
        summary: Row = {}
        for block in root:
            name = local_name(str(block.tag))
            if name == "THONGTINBENHNHAN":
                summary |= sheets.row("XML1", block, 1)
            elif name == "THONGTINCHITIET":
                for part in block:
                    if local_name(str(part.tag)) == "TONGHOP":
                        summary |= sheets.row("XML1", part, 1)
                    else:
                        sheets.add(_checkout_table(local_name(str(part.tag))), part)
        if summary:
            sheets.tables["XML1"] = [summary]


class _Sheets:
    """The tables of one visit while they are being read."""

    def __init__(self, limits: Limits) -> None:
        self.tables: dict[str, list[Row]] = {}
        self._tags: dict[str, set[str]] = {}
        self._limits = limits

    def add(self, table: str, root: etree._Element) -> None:
        """Add the rows of one document to its table."""
        rows = self.tables.setdefault(table, [])
        for element in rows_of(root, self._limits.depth):
            if len(rows) >= self._limits.rows:
                raise TooManyRows(table=table, limit=self._limits.rows)
            row = self.row(table, element, len(rows) + 1)
            if row:
                rows.append(row)

    def row(self, table: str, element: etree._Element, number: int) -> Row:
        """Return the fields of one row that are not empty, in the order of the file."""
        row: Row = {}
        tags = self._tags.setdefault(table, set())
        for field in element:
            name = field.tag if field.tag in tags else local_name(str(field.tag))
            tags.add(name)
            text = field.text if not len(field) else "".join(map(str, field.itertext()))
            value = text.strip() if text else ""
            if value and row.setdefault(name, value) != value:
                raise FieldTwice(field=name, row=number, table=table)
        return row

    def visit(self, envelope: Envelope, *, is_917: bool) -> Visit:
        """Return the visit, after checking that it says whose it is."""
        tables = {name: self.tables[name] for name in TABLES if self.tables.get(name)}
        if not tables:
            raise VisitEmpty()
        if is_917:
            tables = {name: [_unfilled(row) for row in rows] for name, rows in tables.items()}
        if len(tables.get("XML1", ())) > 1:
            raise SummaryTwice()
        first: Sequence[Row] = tables.get("XML1") or tables.get("XML0") or ()
        if not first:
            return self._board(tables, envelope)
        summary = first[0]
        link = _link(tables, summary)
        if _LEGACY_SIGNS.search(summary.get("HO_TEN", "")):
            raise LegacyFont()
        facility = summary.get("MA_CSKCB") or envelope.facility
        if not facility:
            raise FacilityMissing()
        variant = Variant.D917 if is_917 else find_variant(self._tags, _end(summary, envelope))
        patient = summary.get("MA_BN", "")  # without it, a patient of this visit alone
        return Visit(variant, facility, link, patient, envelope.made_on, tables)

    def _board(self, tables: dict[str, list[Row]], envelope: Envelope) -> Visit:
        """Return the visit of an assessment board (XML12), which is sent alone, without MA_LK."""
        if tables.keys() != {"XML12"}:
            raise SummaryMissing()
        row = tables["XML12"][0]
        minutes = row.get("SO_BIEN_BAN", "")
        facility = envelope.facility or row.get("MA_CSKCB", "") or row.get("MA_DONVI", "")
        if not minutes:
            raise LinkMissing()
        if not facility:
            raise FacilityMissing()
        day = date_of(row.get("NGAY_HOP", "")) or envelope.made_on
        variant = find_variant(self._tags, day)
        return Visit(variant, facility, f"XML12:{minutes}", "", envelope.made_on, tables)


def table_named(text: str) -> str:
    """Return "XML3" for what LOAIHOSO says ("XML3", "xml03", "3"), or ""."""
    found = _TABLE_NUMBER.fullmatch(text.strip().upper())
    name = f"XML{int(found[1])}" if found else ""
    return name if name in TABLES else ""


def rows_of(root: etree._Element, depth: int) -> Iterator[etree._Element]:
    """Yield the elements that are rows: known by name, or with nothing but leaves in them."""
    if depth == 0:
        raise XmlTooDeep(limit=DEFAULT.depth)
    children = list(root)
    leaves = sum(not len(child) for child in children)
    is_row = local_name(str(root.tag)) in ROW_TAGS
    if leaves and (is_row or leaves == len(children)):
        yield root
        return
    for child in children:
        yield from rows_of(child, depth - 1)


def _link(tables: dict[str, list[Row]], summary: Row) -> str:
    """Return MA_LK of the visit, after checking that all rows are of it."""
    link = summary.get("MA_LK", "")
    if not link:
        raise LinkMissing()
    for table, rows in tables.items():
        for number, row in enumerate(rows, start=1):
            if row.get("MA_LK", link) != link:
                raise LinkDiffers(table=table, row=number)
    return link


def _end(summary: Row, envelope: Envelope) -> date | None:
    days = (date_of(summary.get(name, "")) for name in _DATES)
    return next((day for day in days if day), envelope.made_on)


def _unfilled(row: Row) -> Row:
    """Return a 917 row without the `_` that some writers put for nothing."""
    return {name: value for name, value in row.items() if value != "_"}


def _checkout_table(block: str) -> str:
    """Return the table that a block of a 917 document became in later decisions."""
    for sign, table in (("THUOC", "XML2"), ("DV", "XML3"), ("CLS", "XML4")):
        if sign in block:
            return table
    return "XML5"
