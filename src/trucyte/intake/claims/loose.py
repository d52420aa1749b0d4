"""Documents that hold tables without an envelope: check-ins, and XML1..15 as files apart.

Rows are put together by MA_LK into the HOSO form that everything else reads. The source
keeps the bytes as they came; what is made here is only handed on.
"""

import copy
from collections.abc import Iterator

from lxml import etree

from trucyte.base.problem import Problem
from trucyte.intake.claims.markup import BOM, is_signed, parse, strict_options
from trucyte.intake.claims.read import rows_of
from trucyte.intake.claims.roots import local_name, table_of
from trucyte.intake.limits import Limits
from trucyte.intake.piece import Form, Piece
from trucyte.intake.unreadable import FileTooLarge, LinkMissing, TableUnknown

_Rows = dict[str, list[etree._Element]]  # table -> rows


class LooseTables:
    """Collects documents, then gives the visits they make up."""

    def __init__(self, limits: Limits) -> None:
        """Collect within `limits`."""
        self.has_signature = False
        self._limits = limits
        self._size = 0
        self._parser = etree.XMLParser(**strict_options())
        self._visits: dict[str, _Rows] = {}  # MA_LK -> its rows
        self._unnamed: _Rows = {}  # rows without MA_LK
        self._refused: list[tuple[bytes, Problem]] = []

    def add(self, data: bytes) -> None:
        """Take one document; what cannot be read becomes a refused piece."""
        self._size += len(data)
        if self._size > self._limits.loose_tables:
            raise FileTooLarge(limit=self._limits.loose_tables)
        try:
            self._add(parse(data.removeprefix(BOM), self._parser, "XML"))
        except Problem as problem:
            self._refused.append((data, problem))

    def _add(self, root: etree._Element) -> None:
        self.has_signature = self.has_signature or is_signed(root)
        table = table_of(str(root.tag))
        if not table:
            raise TableUnknown()
        for row in rows_of(root, self._limits.depth):
            link = next(
                (field.text or "" for field in row if local_name(str(field.tag)) == "MA_LK"), ""
            ).strip()
            rows = self._visits.setdefault(link, {}) if link else self._unnamed
            rows.setdefault(table, []).append(row)

    def pieces(self, first: int) -> Iterator[Piece]:
        """Yield the visits, numbered from `first`, then what was refused."""
        ordinal = first
        if len(self._visits) == 1:  # rows without MA_LK can only be of the one visit
            (rows,) = self._visits.values()
            for table in [name for name in self._unnamed if name != "XML12"]:
                rows.setdefault(table, []).extend(self._unnamed.pop(table))
        for link, rows in self._visits.items():
            yield Piece(ordinal, Form.HOSO, _hoso(rows), partition=_patient(rows) or link)
            ordinal += 1
        for table, unnamed in self._unnamed.items():
            for row in unnamed:
                problem = None if table == "XML12" else LinkMissing()
                yield Piece(ordinal, Form.HOSO, _hoso({table: [row]}), problem=problem)
                ordinal += 1
        for data, refused in self._refused:
            yield Piece(ordinal, Form.FILE, data, problem=refused)
            ordinal += 1


def _patient(rows: _Rows) -> str:
    for table in ("XML1", "XML0"):
        for row in rows.get(table, ()):
            for field in row:
                if local_name(str(field.tag)) == "MA_BN":
                    return (field.text or "").strip()
    return ""


def _hoso(rows: _Rows) -> bytes:
    hoso = etree.Element("HOSO")
    for table, elements in rows.items():
        file = etree.SubElement(hoso, "FILEHOSO")
        etree.SubElement(file, "LOAIHOSO").text = table
        content = etree.SubElement(etree.SubElement(file, "NOIDUNGFILE"), f"DSACH_{table}")
        content.extend(copy.copy(element) for element in elements)
    return etree.tostring(hoso, encoding="utf-8")
