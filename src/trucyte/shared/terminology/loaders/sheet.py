"""Read the rows of an Excel sheet (.xlsx) in constant memory.

A workbook is a ZIP of XML (ECMA-376). What is read: text, shared text, inline text, numbers,
booleans. Document types and entities are refused; sizes are bounded by what comes out of
the ZIP, not by what it says of itself.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from lxml import etree

from trucyte.shared.terminology.loaders.number_format import Shape, Unshaped, read_shapes
from trucyte.shared.terminology.problems import ListFileTooLarge, ListFileUnreadable

UNPACKED_MAX: Final = 512 * 1024 * 1024  # bytes of one XML part
ENTRIES_MAX: Final = 2000
SHARED_BYTES_MAX: Final = 256 * 1024 * 1024  # text shared between cells, kept in memory
ROWS_MAX: Final = 1_048_576  # what Excel itself allows
COLUMNS_MAX: Final = 1000
CELL_MAX: Final = 32_767

Row = tuple[int, dict[int, str]]  # row number from 1, column from 0 to text

_NS: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STYLES: Final = "xl/styles.xml"
_COLUMN: Final = re.compile(r"([A-Z]{1,3})[0-9]+")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class _Texts:
    """What cells point at: shared texts, and how numbers are shown."""

    shared: list[str]
    shapes: Sequence[Shape | None]


class _Bounded:
    """A part of the ZIP as a file that stops at a size and refuses document types."""

    def __init__(self, part: IO[bytes]) -> None:
        self._part = part
        self._left = UNPACKED_MAX
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        data = self._part.read(min(size, 65536) if size > 0 else 65536)
        self._left -= len(data)
        if self._left < 0:
            raise ListFileTooLarge(what="bytes of one sheet", most=UNPACKED_MAX)
        seen = self._tail + data
        if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or b"<\0!\0" in seen:
            raise ListFileUnreadable(reason="a document type in the XML")
        self._tail = seen[-16:]
        return data


def read_sheet(path: Path, sheet: str | None = None) -> Iterator[Row]:
    """Give the rows of a sheet (the first, or by name) that have a cell with text.

    Numbers come as their format shows them where it fixes the digits ("000"), else as Excel
    wrote them, whole ones without a point, and `Unshaped`; dates as their serial number.
    Raises ListFileUnreadable, ListFileTooLarge.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > ENTRIES_MAX:
                raise ListFileTooLarge(what="files in the workbook", most=ENTRIES_MAX)
            texts = _Texts(_shared_texts(archive), _shapes(archive))
            yield from _rows(archive, _part_of_sheet(archive, sheet), texts)
    except _BROKEN as error:
        raise ListFileUnreadable(
            reason=f"not a readable workbook ({type(error).__name__})"
        ) from None
    except etree.XMLSyntaxError:
        raise ListFileUnreadable(reason="the XML of the workbook is broken") from None


def _elements(archive: zipfile.ZipFile, name: str, *tags: str) -> Iterator[Any]:
    """Give the elements of some names, each emptied and cut off after use."""
    try:
        part = archive.open(name)
    except KeyError:
        raise ListFileUnreadable(reason=f"the workbook has no {name[:60]}") from None
    with part:
        walk = etree.iterparse(
            _Bounded(part), tag=[_NS + tag for tag in tags], events=("end",),
            resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True,
        )  # fmt: skip
        for _, element in walk:
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    texts: list[str] = []
    size = 0
    for element in _elements(archive, "xl/sharedStrings.xml", "si"):
        text = _text_in(element)
        size += len(text)
        if size > SHARED_BYTES_MAX:
            raise ListFileTooLarge(what="bytes of shared text", most=SHARED_BYTES_MAX)
        texts.append(text)
    return texts


def _shapes(archive: zipfile.ZipFile) -> Sequence[Shape | None]:
    if _STYLES not in archive.namelist():
        return ()
    return read_shapes(_elements(archive, _STYLES, "numFmts", "cellXfs"), _NS)


def _part_of_sheet(archive: zipfile.ZipFile, sheet: str | None) -> str:
    sheets = [
        (element.get("name", ""), element.get(_RELATION, ""))
        for element in _elements(archive, "xl/workbook.xml", "sheet")
    ]
    wanted = [relation for name, relation in sheets if sheet is None or name == sheet]
    if not wanted:
        raise ListFileUnreadable(reason="the workbook has no such sheet")
    with archive.open("xl/_rels/workbook.xml.rels") as part:
        relations = etree.iterparse(
            _Bounded(part), events=("end",), resolve_entities=False, load_dtd=False, no_network=True
        )
        for _, element in relations:
            if element.get("Id") == wanted[0]:
                target = element.get("Target", "")
                return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise ListFileUnreadable(reason="the workbook does not say where the sheet is")


def _rows(archive: zipfile.ZipFile, name: str, texts: _Texts) -> Iterator[Row]:
    number = 0
    for element in _elements(archive, name, "row"):
        said = element.get("r", "")
        number = int(said) if said.isdigit() and len(said) < 8 else number + 1
        if number > ROWS_MAX:
            raise ListFileTooLarge(what="rows", most=ROWS_MAX)
        cells = _cells(element, texts)
        if cells:
            yield number, cells


def _cells(row: Any, texts: _Texts) -> dict[int, str]:
    cells: dict[int, str] = {}
    column = -1
    for cell in row.iterchildren(_NS + "c"):
        place = _COLUMN.fullmatch(cell.get("r", ""))
        column = _column_number(place[1]) if place else column + 1
        if column >= COLUMNS_MAX:
            raise ListFileTooLarge(what="columns", most=COLUMNS_MAX)
        text = _cell_text(cell, texts)
        text = text if isinstance(text, Unshaped) else text.strip()
        if len(text) > CELL_MAX:
            raise ListFileTooLarge(what="characters in a cell", most=CELL_MAX)
        if text:
            cells[column] = text
    return cells


def _cell_text(cell: Any, texts: _Texts) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text_in(cell)
    value = cell.findtext(_NS + "v") or ""
    if kind == "s":
        place = int(value) if value.isdigit() and len(value) < 10 else len(texts.shared)
        if place >= len(texts.shared):
            raise ListFileUnreadable(reason="a cell points at text that is not there")
        return texts.shared[place]
    if kind == "e":
        return ""  # an error of a formula is no value
    return _number_text(value, cell.get("s", ""), texts) if kind == "n" and value else str(value)


def _number_text(value: str, style: str, texts: _Texts) -> str:
    place = int(style) if style.isdecimal() and len(style) < 10 else 0
    shape = texts.shapes[place] if place < len(texts.shapes) else None
    return shape.written(value) if shape else Unshaped(value.removesuffix(".0"))


def _text_in(element: Any) -> str:
    """Return the text of all runs, without phonetic guides."""
    return "".join(
        part.text or "" for part in element.iter(_NS + "t") if part.getparent().tag != _NS + "rPh"
    )


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
