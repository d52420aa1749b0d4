"""Write visits as the files hospitals send: the way back out, for export and proof.

The same visits give the same bytes. Fields come in the order of the annex; a field
without text is left out, which means the same as an empty tag. Files are not signed: a
signature is the facility's own, over the bytes it sent (CHUKYDONVI stays empty).
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache

from lxml import etree

from trucyte.base.problem import Kind, Problem
from trucyte.intake.claims.mapping.plan import load_plan
from trucyte.intake.claims.tables import Row, Variant, Visit
from trucyte.vietnam.systems import load_systems

_OLD_BLOCKS = {"XML2": ("BANG_CTTHUOC", "CTTHUOC"), "XML3": ("BANG_CTDV", "CTDV")}
_OLD_BLOCKS |= {"XML4": ("BANG_CTCLS", "CTCLS"), "XML5": ("BANG_CTDIENBIEN", "CTDIENBIEN")}
_SPACES = {
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsd": "http://www.w3.org/2001/XMLSchema",
}


class MixedFacilities(Problem):
    """One claims file holds the visits of one facility, and these are of {count}."""

    kind = Kind.BAD_INPUT
    code = "mixed-facilities"


def write_envelope(visits: Sequence[Visit], *, is_inline: bool = False) -> bytes:
    """Return a GIAMDINHHS file of visits of one facility (letter 1245/BHXH-CNTT, 3.4).

    XML0 is a document of its own and is left out here; see `write_check_in`. NGAYLAP is
    the latest of the visits. Raises MixedFacilities.
    """
    facility = _facility(visits)
    root = etree.Element("GIAMDINHHS", nsmap=_SPACES)
    _leaf(etree.SubElement(root, "THONGTINDONVI"), "MACSKCB", facility)
    body = etree.SubElement(root, "THONGTINHOSO")
    days = [visit.made_on for visit in visits if visit.made_on]
    _leaf(body, "NGAYLAP", max(days).strftime("%Y%m%d") if days else "")
    _leaf(body, "SOLUONGHOSO", str(len(visits)))
    listed = etree.SubElement(body, "DANHSACHHOSO")
    for visit in visits:
        file = etree.SubElement(listed, "HOSO")
        for table, rows in visit.tables.items():
            if table != "XML0" and rows:
                for document in _documents(table, rows, visit.variant):
                    _add_file(file, table, document, is_inline=is_inline)
    etree.SubElement(root, "CHUKYDONVI")
    return _bytes(root)


def write_check_in(visits: Sequence[Visit]) -> bytes:
    """Return a check-in document: the XML0 rows of visits of one facility."""
    _facility(visits)
    rows = [row for visit in visits for row in visit.tables.get("XML0", ())]
    root = _table("XML0", rows, Variant.D3176)
    etree.SubElement(root, "CHUKYDONVI")
    return _bytes(root)


def write_checkout(visit: Visit) -> bytes:
    """Return a CHECKOUT document of Decision 917: one visit a file."""
    root = etree.Element("CHECKOUT")
    detail = etree.SubElement(root, "THONGTINCHITIET")
    for row in visit.tables.get("XML1", ()):
        _fields(etree.SubElement(detail, "TONGHOP"), "XML1", row)
    for table, (block, tag) in _OLD_BLOCKS.items():
        if rows := visit.tables.get(table):
            parent = etree.SubElement(detail, block)
            for row in rows:
                _fields(etree.SubElement(parent, tag), table, row)
    return _bytes(root)


def _facility(visits: Sequence[Visit]) -> str:
    facilities = {visit.facility for visit in visits}
    if len(facilities) != 1:
        raise MixedFacilities(count=len(facilities))
    return facilities.pop()


def _documents(table: str, rows: Sequence[Row], variant: Variant) -> Iterable[etree._Element]:
    """Yield the inner documents of a table: certificates stand alone, one a row."""
    if len(_layout(table)[0]) == 1:
        return (_table(table, [row], variant) for row in rows)
    return (_table(table, rows, variant),)


def _table(table: str, rows: Sequence[Row], variant: Variant) -> etree._Element:
    root_names, _ = _layout(table)
    if variant in {Variant.D4210, Variant.D917}:
        root_names = root_names[-2:]  # 4210 has the list itself as root
    *wrappers, tag = root_names
    if not wrappers:
        root = etree.Element(tag)
        _fields(root, table, rows[0])
        return root
    root = parent = etree.Element(wrappers[0])
    for wrapper in wrappers[1:]:
        parent = etree.SubElement(parent, wrapper)
    for row in rows:
        _fields(etree.SubElement(parent, tag), table, row)
    return root


@cache
def _layout(table: str) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return a table's root path and the place of each field, as the mapping table has them."""
    plan = load_plan(table, load_systems())
    return plan.root, {row.field: place for place, row in enumerate(plan.rows)}


def _fields(parent: etree._Element, table: str, row: Row) -> None:
    _, places = _layout(table)
    last = len(places)
    for name in sorted(row, key=lambda field: (places.get(field, last), field)):
        _leaf(parent, name, row[name])


def _leaf(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text


def _add_file(
    parent: etree._Element, table: str, document: etree._Element, *, is_inline: bool
) -> None:
    file = etree.SubElement(parent, "FILEHOSO")
    _leaf(file, "LOAIHOSO", table)
    content = etree.SubElement(file, "NOIDUNGFILE")
    if is_inline:
        content.append(document)
    else:
        content.text = b64encode(_bytes(document)).decode()


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)
