"""Read XML as this node allows it: no document type, no entities, no network, UTF-8.

What the XML declaration says about the encoding is not believed: .NET writers say
utf-16 over UTF-8 bytes. The bytes decide.
"""

import binascii
import re
from typing import Any

from lxml import etree

from trucyte.intake.claims.roots import local_name
from trucyte.intake.unreadable import (
    Base64Broken,
    EncodingWrong,
    Unreadable,
    XmlForbidden,
    XmlMalformed,
    XmlTooDeep,
    XmlTruncated,
)

BOM = b"\xef\xbb\xbf"
_DECLARED = re.compile(rb"<\?xml[^>]{0,80}?encoding\s*=\s*[\"']([\w.:-]{1,40})")
_BLANKS = b" \t\r\n"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_DEEPEST = 2048  # where the parser itself stops
_TRUNCATED = frozenset(
    {
        "ERR_DOCUMENT_EMPTY",
        "ERR_TAG_NOT_FINISHED",
        "ERR_GT_REQUIRED",
        "ERR_LTSLASH_REQUIRED",
        "ERR_CDATA_NOT_FINISHED",
        "ERR_COMMENT_NOT_FINISHED",
        "ERR_PI_NOT_FINISHED",
        "ERR_NOT_WELL_BALANCED",
    }
)


def strict_options() -> dict[str, Any]:
    """Return the options every XML parser here is made with."""
    return {
        "encoding": "utf-8",
        "resolve_entities": False,
        "load_dtd": False,
        "dtd_validation": False,
        "no_network": True,
        "remove_comments": True,
        "remove_pis": True,
        "huge_tree": True,  # our own limits are on bytes, rows and depth
    }


def check_text(data: bytes, place: str) -> None:
    """Check that `data` is UTF-8 text without a document type; raises `Unreadable`."""
    if not data.isascii():
        check_utf8(data)
    elif b"\0" in data:
        raise EncodingWrong(suspected="UTF-16")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise XmlForbidden(place=place)


def check_utf8(data: bytes) -> None:
    """Check that `data` is UTF-8; raises `EncodingWrong` with what it may be instead."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:64]:
        raise EncodingWrong(suspected="UTF-16")
    try:
        data.decode()
    except UnicodeDecodeError:
        declared = _DECLARED.search(data[:200])
        name = declared[1].decode().lower() if declared else ""
        is_telling = name and not name.startswith("utf")
        suspected = name if is_telling else "windows-1258 or TCVN3"
        raise EncodingWrong(suspected=suspected) from None


def parse(data: bytes, parser: etree.XMLParser, place: str) -> etree._Element:
    """Return the root of a document; raises `Unreadable`."""
    check_text(data, place)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise parse_problem(error, place) from None


def parse_problem(error: etree.XMLSyntaxError, place: str) -> Unreadable:
    """Return the Problem for what the parser stopped at."""
    name = etree.ErrorTypes._getName(getattr(error, "code", 0)) or ""
    if "depth" in (error.msg or "").lower():
        return XmlTooDeep(limit=_DEEPEST)
    if name in _TRUNCATED:
        return XmlTruncated()
    if name == "ERR_UNDECLARED_ENTITY":
        return XmlForbidden(place=place)
    line = error.lineno or 0
    return XmlMalformed(place=place, line=line)


def is_signed(root: etree._Element) -> bool:
    """Say whether CHUKYDONVI of a document holds anything."""
    return any(
        len(element) > 0 or bool((element.text or "").strip())
        for element in root
        if local_name(str(element.tag)) == "CHUKYDONVI"
    )


def decode_base64(text: bytes, table: str) -> bytes:
    """Return what base64 `text` holds; blanks in it and missing padding are allowed."""
    packed = text.translate(None, _BLANKS)
    if not _BASE64.fullmatch(packed):
        raise Base64Broken(table=table)
    try:
        return binascii.a2b_base64(packed + b"=" * (-len(packed) % 4))
    except binascii.Error:
        raise Base64Broken(table=table) from None
