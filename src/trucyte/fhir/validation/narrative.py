"""Narrative XHTML: one well-formed `div`, and nothing in it that can act.

R4 2.4.2 and invariants txt-1 and txt-2: only formatting elements and attributes of
HTML 4.0 chapters 7–11 and 15, `a` and `img`; no scripts, forms, frames, events. Also
a matter of safety: what passes here is shown on pages.
"""

import re
from typing import Any
from xml.parsers import expat

from trucyte.fhir.validation.fault import (
    EMPTY_TEXT,
    NARRATIVE_ELEMENT,
    NARRATIVE_EMPTY,
    NARRATIVE_ROOT,
    NARRATIVE_XML,
    WRONG_JSON_TYPE,
    Found,
    fault,
)

_XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENT_NAMES = """
    p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite
    blockquote hr ul ol li address sup sub bdo ins del table caption colgroup col thead tr
    tfoot tbody th td code samp kbd img map area dl dt dd pre u s strike center font
"""
_ATTRIBUTE_NAMES = """
    xmlns title style class id lang xml:lang dir accesskey tabindex span width height align
    valign char charoff abbr axis headers scope rowspan colspan nowrap summary border frame
    rules cellspacing cellpadding name href rel rev type hreflang target src alt longdesc
    usemap ismap shape coords cite datetime clear start value compact size color face noshade
    hspace vspace bgcolor background xml:space
"""
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_ACTIVE_LINK = re.compile(r"[\s\x00-\x20]*(?:javascript|vbscript|data:text)", re.IGNORECASE)


class _Stop(Exception):  # noqa: N818 - leaves the parser, never this module
    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


class _Reader:
    """Listens to the parser and stops it at the first thing that may not be there."""

    def __init__(self) -> None:
        self.depth = 0
        self.has_content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and (name != "div" or attributes.get("xmlns") != _XHTML):
            raise _Stop(fault(NARRATIVE_ROOT))
        self.depth += 1
        if name not in _ELEMENTS:
            raise _Stop(fault(NARRATIVE_ELEMENT, name=_shown(name)))
        for attribute, value in attributes.items():
            link = attribute in ("href", "src", "cite", "longdesc", "background")
            if attribute not in _ATTRIBUTES and not attribute.startswith("xmlns:"):
                raise _Stop(fault(NARRATIVE_ELEMENT, name=_shown(attribute)))
            if link and _ACTIVE_LINK.match(value):
                raise _Stop(fault(NARRATIVE_ELEMENT, name=attribute))
        if name == "img":
            self.has_content = True

    def end(self, name: str) -> None:
        self.depth -= 1

    def text(self, data: str) -> None:
        if not self.has_content and not data.isspace():
            self.has_content = True

    def skipped(self, name: str, is_parameter: bool) -> None:
        self.has_content = True  # &nbsp; and its like are known to browsers

    def refused(self, *_: Any) -> None:
        raise _Stop(fault(NARRATIVE_XML))


def _shown(name: str) -> str:
    return "".join(character for character in name[:40] if character.isalnum() or character in ":-")


def check_narrative(value: Any, _: Any) -> Found:
    """Check the XHTML of a Narrative; the first fault only, as a parser sees it."""
    if type(value) is not str:
        return fault(WRONG_JSON_TYPE, type="xhtml", wanted="string")
    if not value:
        return fault(EMPTY_TEXT, type="xhtml")
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.UseForeignDTD(True)  # unknown entities are skipped, none is ever loaded
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.SkippedEntityHandler = reader.skipped
    parser.EntityDeclHandler = reader.refused
    try:
        parser.Parse(value.encode("utf-8", "surrogatepass"), True)
    except _Stop as stop:
        return stop.found
    except expat.ExpatError:
        return fault(NARRATIVE_XML)
    return None if reader.has_content else fault(NARRATIVE_EMPTY)
