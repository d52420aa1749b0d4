"""The small elements of FHIR, as words: names, codes, references, quantities, dates."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

Element = Mapping[str, Any]

_PERSONAL = ("cccd", "national_id")
_CARD = ("bhyt", "insurance_number")


def concept_text(concept: Element | None) -> str:
    """Return the words of a CodeableConcept: its text, else a display, else a code."""
    if not concept:
        return ""
    if concept.get("text"):
        return str(concept["text"])
    codings = concept.get("coding", ())
    for key in ("display", "code"):
        for coding in codings:
            if coding.get(key):
                return str(coding[key])
    return ""


def concept_code(concept: Element | None, system_part: str = "") -> str:
    """Return the first code of a CodeableConcept whose system contains `system_part`."""
    for coding in (concept or {}).get("coding", ()):
        if system_part in coding.get("system", "") and coding.get("code"):
            return str(coding["code"])
    return ""


def concept_has(concept: Element | None, code: str) -> bool:
    """Say whether a CodeableConcept carries a code, of whatever system."""
    return any(coding.get("code") == code for coding in (concept or {}).get("coding", ()))


def human_name(names: Sequence[Element] | None) -> str:
    """Return a name as it is written: the text, else family before given."""
    for name in names or ():
        if name.get("text"):
            return str(name["text"])
    for name in names or ():
        parts = [name.get("family", ""), *name.get("given", ())]
        written = " ".join(str(part) for part in parts if part)
        if written:
            return written
    return ""


def reference_id(reference: Element | None, type: str = "") -> str:
    """Return the id of a reference to `type` at this node; "" where it is none."""
    target = str((reference or {}).get("reference", ""))
    kind, slash, rest = target.partition("/")
    if not slash or (type and kind != type):
        return ""
    return rest.partition("/")[0]


def identifier_kind(identifier: Element) -> str:
    """Return what an identifier is: "personal", "card" or "other"."""
    system = str(identifier.get("system", "")).lower()
    if system.endswith(_PERSONAL):
        return "personal"
    return "card" if system.endswith(_CARD) else "other"


def quantity_text(quantity: Element | None) -> tuple[str, str]:
    """Return a Quantity as its digits with comparator, and its unit."""
    if not quantity or "value" not in quantity:
        return "", ""
    number = quantity["value"]
    digits = f"{number:f}" if isinstance(number, Decimal) else str(number)
    return f"{quantity.get('comparator', '')}{digits}", str(
        quantity.get("unit") or quantity.get("code") or ""
    )


def period_start(value: Element | str | None) -> str:
    """Return the start of a Period, or a plain date or moment as it is."""
    if isinstance(value, Mapping):
        return str(value.get("start") or value.get("end") or "")
    return str(value or "")


def reference_words(reference: Element | None) -> str:
    """Return what a reference calls its target: the display, else the identifier's value.

    Identifiers of places carry the facility before a colon; people know what comes after.
    """
    named = reference or {}
    words = named.get("display") or named.get("identifier", {}).get("value", "")
    return str(words).rpartition(":")[2] if not named.get("display") else str(words)


def extension_value(element: Element, name: str) -> Any:
    """Return the value of the extension whose url ends with /`name`, or None."""
    found = _extension(element, name)
    return next((value for key, value in found.items() if key.startswith("value")), None)


def extension_parts(element: Element, name: str) -> dict[str, Any]:
    """Return the parts of a complex extension by their names."""
    parts = _extension(element, name).get("extension", ())
    return {
        str(part.get("url", "")): value
        for part in parts
        for key, value in part.items()
        if key.startswith("value")
    }


def narrative_text(div: str) -> str:
    """Return an XHTML narrative as plain text; blocks become lines."""
    parser = _Plain()
    parser.feed(div)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _extension(element: Element, name: str) -> Element:
    for extension in element.get("extension", ()):
        if str(extension.get("url", "")).rpartition("/")[2] == name:
            return dict(extension)
    return {}


class _Plain(HTMLParser):
    """Collects the text of a narrative."""

    BLOCKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break the line before a block."""
        if tag in self.BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Break the line behind a block."""
        if tag in self.BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.pieces.append(data)


def first(items: Iterable[Any], default: Any = None) -> Any:
    """Return the first item there is."""
    return next(iter(items), default)
