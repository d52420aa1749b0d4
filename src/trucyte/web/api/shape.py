"""Parts of a resource: `_summary` and `_elements` (R4 §3.1.1.5.8, §3.1.1.5.9).

What is kept is decided once for each type, from the definitions, and compiled to a
closure; a body is parsed only where a part of it is asked for. Mandatory elements and
modifiers stay, and what was cut is marked with the tag SUBSETTED.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.exact import read_exact, write_exact

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}
SUMMARIES = ("true", "text", "data", "false", "count")
_ALWAYS = frozenset({"resourceType", "id", "meta"})

Json = dict[str, Any]
Cut = Callable[[Json], Json]
Shape = Callable[[bytes], bytes]


class BadShape(Problem):
    """{parameter} is wrong: {expected} is expected, and not _summary and _elements at once."""

    code = "bad-shape"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which part is wanted: at most one of the two."""

    summary: str = ""  # "true", "text", "data"; "" where all is wanted
    elements: frozenset[str] = frozenset()  # "name", "Patient.name"


WHOLE = Wish()


def read_wish(pairs: Sequence[tuple[str, str]]) -> Wish:
    """Return what `_summary` and `_elements` ask. Raises BadShape."""
    summary = [value for name, value in pairs if name == "_summary"]
    elements = [value for name, value in pairs if name == "_elements"]
    if not summary and not elements:
        return WHOLE
    if len(summary) > 1 or (summary and summary[0] not in SUMMARIES):
        raise BadShape(parameter="_summary", expected=" | ".join(SUMMARIES))
    names = frozenset(name.strip() for value in elements for name in value.split(","))
    if elements and (len(names) > 200 or not all(_is_name(name) for name in names)):
        raise BadShape(parameter="_elements", expected="name,name")
    wanted = summary[0] if summary else ""
    if wanted in ("true", "text", "data") and names:
        raise BadShape(parameter="_elements", expected="one of both")
    return Wish("" if wanted in ("false", "count") else wanted, names)


def _is_name(name: str) -> bool:
    return name.replace(".", "").replace("[x]", "").isalnum() and name.isascii()


class Shapes:
    """Makes the closures; make one and keep it."""

    def __init__(self, definitions: Definitions) -> None:
        """Cut by `definitions`."""
        self._types = definitions.types
        self._resources = definitions.resource_types
        self._summaries: dict[str, Cut] = {}
        self._others: dict[tuple[str, str], Cut] = {}

    def shape(self, wish: Wish) -> Shape | None:
        """Return what cuts bodies of any type; None where they stay whole."""
        if wish == WHOLE:
            return None

        def cut(body: bytes) -> bytes:
            resource = read_exact(body)
            made = self._cut(resource.get("resourceType", ""), wish)
            return write_exact(_marked(made(resource))) if made else body

        return cut

    def _cut(self, type_name: str, wish: Wish) -> Cut | None:
        # What says how a request went is never shortened.
        if type_name not in self._resources or type_name == "OperationOutcome":
            return None
        if wish.summary == "true":
            return self._summary(type_name)
        if wish.summary == "data":
            return lambda resource: {k: v for k, v in resource.items() if k not in _TEXT}
        kept = {"text"} if wish.summary == "text" else self._named(type_name, wish.elements)
        return _keeping(_ALWAYS | kept | self._needed(type_name, modifiers=not wish.summary))

    def _named(self, type_name: str, elements: frozenset[str]) -> frozenset[str]:
        """Return the JSON keys that the names mean at the top of a type."""
        prefix = type_name + "."
        names = {
            name.removeprefix(prefix).partition(".")[0].removesuffix("[x]") for name in elements
        }
        keys = self._types[type_name].keys
        return frozenset(
            key for key, (element, _) in keys.items() if element.name in names or key in names
        )

    def _needed(self, type_name: str, *, modifiers: bool) -> frozenset[str]:
        keys = self._types[type_name].keys.items()
        return frozenset(
            key for key, (one, _) in keys if one.min > 0 or (modifiers and one.is_modifier)
        )

    def _summary(self, type_name: str) -> Cut:
        """Return what keeps the summary of a resource or of a backbone element."""
        found = self._summaries.get(type_name)
        if found is None:
            found = self._summaries[type_name] = self._compiled(type_name)
        return found

    def _compiled(self, type_name: str) -> Cut:
        # Known before it is made: a backbone may hold itself (Questionnaire.item).
        plan: dict[str, Cut | None] = {"resourceType": None}

        def cut(source: Json) -> Json:
            made: Json = {}
            for key, value in source.items():
                if key not in plan:
                    continue
                inner = plan[key]
                kept = _within(inner, value) if inner else value
                if kept or inner is None:  # an empty element is no FHIR
                    made[key] = kept
            return made

        self._summaries[type_name] = cut
        is_resource = self._types[type_name].kind == "resource"
        for key, (element, kind) in self._types[type_name].keys.items():
            if element.is_summary or element.min > 0 or (not is_resource and key == "id"):
                is_backbone = kind in self._types and self._types[kind].kind == "backbone"
                plan[key] = self._summary(kind) if is_backbone else None
                plan["_" + key] = None
        return cut


_TEXT = frozenset({"text", "_text"})


def _keeping(keys: frozenset[str]) -> Cut:
    kept = keys | {"_" + key for key in keys}
    return lambda resource: {key: value for key, value in resource.items() if key in kept}


def _within(cut: Cut, value: Any) -> Any:
    """Return what is left of a backbone element; of a list what is not empty."""
    if isinstance(value, list):
        parts = (cut(one) if isinstance(one, dict) else one for one in value)
        return [part for part in parts if part]
    return cut(value) if isinstance(value, dict) else value


def _marked(resource: Json) -> Json:
    """Put the tag in, keeping the place of `meta`."""
    given = resource.get("meta")
    meta: Mapping[str, Any] = given if isinstance(given, dict) else {}
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    marked = {**meta, "tag": [*tags, SUBSETTED]}
    if "meta" in resource:
        return {**resource, "meta": marked}
    ahead: Json = {key: resource[key] for key in ("resourceType", "id") if key in resource}
    return {**ahead, "meta": marked, **resource}
