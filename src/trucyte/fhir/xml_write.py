"""FHIR's JSON to its XML, driven by the definitions (R4 2.6.1): the inverse of `fhir.xml`.

Elements come in the order of the definitions, decimals keep every digit, a narrative's
`div` is embedded as XML, an extension beside a primitive goes inside it. What the
definitions do not know cannot be written in XML and is left out. Nothing a string holds
can become markup.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.entities import name2codepoint
from typing import Any, Final, NamedTuple

import msgspec
from lxml import etree

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.exact import read_exact, write_exact
from trucyte.fhir.xml import read_xml

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_NAMESPACE: Final = "http://hl7.org/fhir"
_XHTML: Final = "http://www.w3.org/1999/xhtml"
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
# What XML 1.0 cannot hold, not even as a reference.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMED_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,30});")
_XML_ENTITIES: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_EMPTY_DIV: Final = f'<div xmlns="{_XHTML}"/>'


class _Place(NamedTuple):
    """Where a JSON key stands in the XML of its type."""

    order: int
    type: str
    is_primitive: bool
    is_attribute: bool


@dataclass(frozen=True, slots=True)
class _Indent:
    """Line breaks, or none."""

    is_pretty: bool

    def at(self, depth: int) -> str:
        return "\n" + "  " * depth if self.is_pretty else ""


class XmlWriter:
    """Writes resources of one package; make one and keep it: it learns each type once."""

    def __init__(self, definitions: Definitions) -> None:
        """Write by `definitions`."""
        self._definitions = definitions
        self._places: dict[str, Mapping[str, _Place]] = {}

    def write(self, body: bytes, *, is_pretty: bool = False) -> bytes:
        """Return a JSON resource as XML. Raises NotJson, NotAnObject."""
        parts = [_DECLARATION]
        self._resource(parts, read_exact(body), 0, _Indent(is_pretty), is_root=True)
        return "".join(parts).encode()

    def _resource(
        self,
        parts: list[str],
        resource: dict[str, Any],
        depth: int,
        indent: _Indent,
        *,
        is_root: bool = False,
    ) -> None:
        name = resource.get("resourceType")
        if not isinstance(name, str) or name not in self._definitions.resource_types:
            return
        parts.append(f"{indent.at(depth)}<{name}")
        if is_root:
            parts.append(f' xmlns="{_NAMESPACE}"')
        self._content(parts, resource, name, name, depth, indent)

    def _content(
        self,
        parts: list[str],
        source: dict[str, Any],
        type_name: str,
        tag: str,
        depth: int,
        indent: _Indent,
    ) -> None:
        """Write attributes, members and the end of an element whose start tag is open."""
        places = self._of_type(type_name)
        present: dict[str, _Place] = {}
        for key in source:
            name = key.removeprefix("_")
            place = places.get(name)
            if place is not None and (name == key or place.is_primitive):
                present[name] = place
        ordered = sorted(present.items(), key=lambda item: item[1].order)
        for name, place in ordered:
            if place.is_attribute and name in source:
                parts.append(f' {name}="{_escaped(source[name])}"')
        parts.append(">")
        mark = len(parts)
        for name, place in ordered:
            if not place.is_attribute:
                self._member(parts, name, place, source, depth + 1, indent)
        if len(parts) == mark:
            parts[-1] = "/>"
        else:
            parts.append(f"{indent.at(depth)}</{tag}>")

    def _member(
        self,
        parts: list[str],
        name: str,
        place: _Place,
        source: dict[str, Any],
        depth: int,
        indent: _Indent,
    ) -> None:
        if place.is_primitive:
            for value, beside in _pairs(source.get(name), source.get("_" + name)):
                self._primitive(parts, name, value, beside, depth, indent)
            return
        values = source[name]
        for value in values if isinstance(values, list) else [values]:
            if place.type == "xhtml":
                parts.append(indent.at(depth) + _div(value))
            elif not isinstance(value, dict):
                continue
            elif place.type in ("Resource", "DomainResource"):
                parts.append(f"{indent.at(depth)}<{name}>")
                self._resource(parts, value, depth + 1, indent)
                parts.append(f"{indent.at(depth)}</{name}>")
            else:
                parts.append(f"{indent.at(depth)}<{name}")
                self._content(parts, value, place.type, name, depth, indent)

    def _primitive(
        self, parts: list[str], name: str, value: Any, beside: Any, depth: int, indent: _Indent
    ) -> None:
        if value is None and not beside:
            return
        parts.append(f"{indent.at(depth)}<{name}")
        held = beside if isinstance(beside, dict) else {}
        if "id" in held:
            parts.append(f' id="{_escaped(held["id"])}"')
        if value is not None:
            parts.append(f' value="{_escaped(value)}"')
        extensions = held.get("extension")
        if not isinstance(extensions, list) or not extensions:
            parts.append("/>")
            return
        parts.append(">")
        for extension in extensions:
            if isinstance(extension, dict):
                parts.append(f"{indent.at(depth + 1)}<extension")
                self._content(parts, extension, "Extension", "extension", depth + 1, indent)
        parts.append(f"{indent.at(depth)}</{name}>")

    def _of_type(self, name: str) -> Mapping[str, _Place]:
        found = self._places.get(name)
        if found is None:
            found = self._places[name] = self._learnt(name)
        return found

    def _learnt(self, name: str) -> Mapping[str, _Place]:
        types = self._definitions.types
        definition = types[name]
        is_resource = definition.kind == "resource"
        return {
            key: _Place(
                order=order,
                type=kind,
                is_primitive=kind != "xhtml" and types[kind].kind == "primitive-type",
                is_attribute=(key == "id" and not is_resource)
                or (key == "url" and name == "Extension"),
            )
            for order, (key, (_, kind)) in enumerate(definition.keys.items())
        }


def json_of_xml(body: bytes, definitions: Definitions) -> bytes:
    """Return an XML resource as JSON bytes, decimals digit by digit.

    Raises XmlTooLarge, NotFhirXml.
    """
    return write_exact(read_xml(body, definitions, decimal=lambda text: msgspec.Raw(text.encode())))


def _pairs(values: Any, besides: Any) -> Iterator[tuple[Any, Any]]:
    """Give each value of a primitive with what stands beside it."""
    if not isinstance(values, list) and not isinstance(besides, list):
        yield values, besides
        return
    left = values if isinstance(values, list) else []
    right = besides if isinstance(besides, list) else []
    for at in range(max(len(left), len(right))):
        yield left[at] if at < len(left) else None, right[at] if at < len(right) else None


def _escaped(value: Any) -> str:
    """Return a primitive as the text of an attribute."""
    if isinstance(value, str):
        return _NOT_XML.sub("\ufffd", value).translate(_ESCAPES)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return str(value) if isinstance(value, int) else ""


def _div(value: Any) -> str:
    """Return a narrative as XML; text where it is none, so that nothing else breaks."""
    text = value if isinstance(value, str) else ""
    named = _NAMED_ENTITY.sub(_numbered, text)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(named, parser) if "<!DOCTYPE" not in named else None
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or root.tag != f"{{{_XHTML}}}div":
        plain = _NOT_XML.sub("\ufffd", text).replace("&", "&amp;").replace("<", "&lt;")
        return f'<div xmlns="{_XHTML}">{plain}</div>' if plain else _EMPTY_DIV
    return str(etree.tostring(root, encoding="unicode", with_tail=False))


def _numbered(match: re.Match[str]) -> str:
    """Return an entity of HTML as a number: XML knows five names only."""
    name = match[1]
    if name in _XML_ENTITIES or name not in name2codepoint:
        return match[0]
    return f"&#{name2codepoint[name]};"
