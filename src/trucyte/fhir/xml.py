"""FHIR's XML to its JSON, driven by the definitions (R4 2.6.1 and 2.6.2).

Elements keep their order, primitives their id and extensions beside them, a narrative
its `div` as text, contained resources their places. Entities, document types and the
network are off. An element the definitions do not know is refused with its path.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Definitions, Element
from trucyte.fhir.text import SIZE_MAX

_FHIR: Final = "{http://hl7.org/fhir}"
_DIV: Final = "{http://www.w3.org/1999/xhtml}div"
_DEPTH_MAX: Final = 100
_NUMBERS: Final = frozenset({"integer", "positiveInt", "unsignedInt"})
_STRICT: Final = _NUMBERS | {"boolean", "decimal"}
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,18})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,99})(?:\.\d{1,100})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


class NotFhirXml(Problem):
    """The XML is no FHIR resource at {path}: {reason}."""

    code = "not-fhir-xml"


class XmlTooLarge(Problem):
    """The XML is longer than {size_max} bytes."""

    kind = Kind.TOO_LARGE
    code = "fhir-xml-too-large"


def read_xml(
    body: bytes, definitions: Definitions, *, decimal: Callable[[str], Any] = Decimal
) -> dict[str, Any]:
    """Return a resource as `fhir.parse` gives it from JSON; `decimal` makes its fractions.

    Raises `XmlTooLarge` or `NotFhirXml`.
    """
    if len(body) > SIZE_MAX:
        raise XmlTooLarge(size_max=SIZE_MAX)
    # FHIR is UTF-8, whatever a declaration says; so this look at the bytes cannot be evaded.
    if b"<!DOCTYPE" in body:
        raise NotFhirXml(path="/", reason="it has a document type")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NotFhirXml(path="/", reason="it is not well-formed") from None
    return _Reader(definitions, decimal).resource(root, 0, "")


class _Reader:
    def __init__(self, definitions: Definitions, decimal: Callable[[str], Any]) -> None:
        self._decimal = decimal
        self._types = definitions.types
        self._resources = definitions.resource_types

    def resource(self, source: etree._Element, depth: int, path: str) -> dict[str, Any]:
        name = _name(source, path)
        if name not in self._resources:
            raise NotFhirXml(path=path or "/", reason=f"{name[:40]} is no resource type")
        return {"resourceType": name, **self._members(source, name, depth, path or name)}

    def _members(self, source: Any, type_name: str, depth: int, path: str) -> dict[str, Any]:
        if depth > _DEPTH_MAX:
            raise NotFhirXml(path=path, reason=f"it nests deeper than {_DEPTH_MAX}")
        keys = self._types[type_name].keys
        made: dict[str, Any] = {}
        self._add_attributes(source, type_name, made, path)
        for child in _elements(source):
            key = "div" if child.tag == _DIV else _name(child, path)
            if key not in keys:
                raise NotFhirXml(path=path, reason=f"there is no element {key[:40]}")
            element, kind = keys[key]
            self._add(made, key, element, self._value(child, kind, depth + 1, f"{path}.{key}"))
        for key in [key for key in made if key.startswith("_")]:
            _tidy(made, key)
        return made

    def _add_attributes(self, source: Any, type_name: str, made: dict[str, Any], path: str) -> None:
        """Take `id` of an element and `url` of an extension, which XML has as attributes."""
        for name, value in source.attrib.items():
            if name not in ("id", "url") or name not in self._types[type_name].elements:
                if name.startswith("{"):
                    continue  # xsi:schemaLocation
                raise NotFhirXml(path=path, reason=f"there is no attribute {name[:40]}")
            made[name] = value

    def _value(self, source: Any, kind: str, depth: int, path: str) -> tuple[Any, Any]:
        """Return the value of an element and, for a primitive, what stands beside it."""
        if kind == "xhtml":
            return _xhtml(source), None
        if kind in ("Resource", "DomainResource"):
            inside = list(_elements(source))
            if len(inside) != 1:
                raise NotFhirXml(path=path, reason="one resource is expected")
            return self.resource(inside[0], depth, path), None
        if self._types[kind].kind != "primitive-type":
            return self._members(source, kind, depth, path), None
        value = source.get("value")
        beside: dict[str, Any] = {"id": source.get("id")} if source.get("id") else {}
        extensions = []
        for child in _elements(source):
            if _name(child, path) != "extension":
                raise NotFhirXml(path=path, reason="a primitive holds only extensions")
            extensions.append(self._members(child, "Extension", depth + 1, path + ".extension"))
        if extensions:
            beside["extension"] = extensions
        return None if value is None else self._typed(value, kind, path), beside or None

    def _typed(self, value: str, kind: str, path: str) -> Any:
        if kind == "boolean" and value in ("true", "false"):
            return value == "true"
        if kind in _NUMBERS and _INTEGER.fullmatch(value.strip()):
            return int(value)
        if kind == "decimal" and _DECIMAL.fullmatch(value.strip()):
            return self._decimal(value.strip())
        if kind in _STRICT:
            raise NotFhirXml(path=path, reason=f"the value is no {kind}")
        return value

    def _add(self, made: dict[str, Any], key: str, element: Element, pair: tuple[Any, Any]) -> None:
        value, beside = pair
        if not element.is_array:
            if key in made or "_" + key in made:
                raise NotFhirXml(path=element.path, reason="it is given more than once")
            if value is not None:
                made[key] = value
            if beside is not None:
                made["_" + key] = beside
            return
        made.setdefault(key, []).append(value)
        if self._types[element.types[0]].kind == "primitive-type":
            made.setdefault("_" + key, []).append(beside)


def _elements(source: Any) -> Iterator[Any]:
    """Pass over comments and processing instructions, which a narrative keeps."""
    return (child for child in source if isinstance(child.tag, str))


def _tidy(made: dict[str, Any], key: str) -> None:
    """Leave out lists that say nothing."""
    beside, values = made[key], made.get(key[1:])
    if not isinstance(beside, list):
        return
    if all(one is None for one in beside):
        del made[key]
    if values is not None and all(one is None for one in values):
        del made[key[1:]]


def _name(source: etree._Element, path: str) -> str:
    tag = source.tag
    if not str(tag).startswith(_FHIR):
        raise NotFhirXml(path=path or "/", reason="an element is not in FHIR's namespace")
    return str(tag).removeprefix(_FHIR)


def _xhtml(source: Any) -> str:
    # A copy keeps only the namespaces it uses, none of the resource around it.
    return str(etree.tostring(deepcopy(source), encoding="unicode", with_tail=False))
