"""Extensions: defined, where they may stand, and what they hold (R4 2.4)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.packages.library import STRUCTURES, Library
from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles.compile import Profiles
from trucyte.fhir.profiles.rules import (
    EXTENSION_CONTEXT,
    EXTENSION_MODIFIER,
    EXTENSION_NOT_MODIFIER,
    EXTENSION_PART,
    EXTENSION_PART_HL7,
    EXTENSION_TOO_MANY,
    EXTENSION_UNKNOWN,
    EXTENSION_UNKNOWN_HL7,
)
from trucyte.fhir.profiles.scope import Check, Scope
from trucyte.fhir.profiles.values import given
from trucyte.fhir.validation.fault import Fault, Found, fault, joined

# HL7 publishes more extensions than R4's own package holds, under the same roots.
_HL7 = (STRUCTURES, "http://hl7.org/fhir/tools/")
# Addresses that are examples by their name, and those of DICOM, are nowhere defined.
_NOWHERE = ("example.org", "acme.com", "nema.org")
_ANYWHERE = frozenset({"Element", "Any", "Base", "http://hl7.org/fhirpath/System.Any"})
# Where R4's own definitions use R4's own extensions, though those do not say so.
_ALSO_AT = {
    STRUCTURES + "structuredefinition-fhir-type": ("ElementDefinition.type",),
    STRUCTURES + "structuredefinition-normative-version": ("ElementDefinition", "Resource"),
    STRUCTURES + "regex": ("ElementDefinition.type",),
    STRUCTURES + "valueset-concept-comments": ("CodeSystem.concept",),
}


@dataclass(frozen=True, slots=True)
class _Known:
    """One definition of an extension."""

    check: Check
    contexts: tuple[tuple[str, str], ...]  # (type, expression)
    is_modifier: bool
    most: int | None  # how many of it one element may have
    parts: frozenset[str]  # addresses of the extensions it is made of


class Extensions:
    """Checks the extensions of elements; `places` are the names an element goes by."""

    def __init__(self, library: Library, profiles: Profiles, *, unknown_is_error: bool) -> None:
        """Keep where definitions are found."""
        self._library = library
        self._profiles = profiles
        self._unknown = EXTENSION_UNKNOWN if unknown_is_error else EXTENSION_UNKNOWN_HL7
        self._known: dict[str, _Known | None] = {}

    def check(
        self,
        listed: Any,
        scope: Scope,
        *,
        places: frozenset[str],
        parent_url: str = "",
        is_modifier: bool = False,
    ) -> Found:
        """Check the extensions of one element; faults are relative to the array."""
        found: Found = None
        items = listed if type(listed) is list else ()
        for number, extension in enumerate(items):
            url = extension.get("url") if type(extension) is dict else None
            if type(url) is not str:
                continue
            more = self._one(extension, url, scope, places, parent_url, is_modifier)
            if more is not None:
                found = joined(found, more, f"[{number}]")
        if len(items) > 1:
            more = self._too_many(items)
            found = found if more is None else joined(found, more, "")
        return found

    def _too_many(self, items: Sequence[Any]) -> Found:
        """Find extensions repeated more often than their own definitions let them be."""
        urls = [one.get("url") for one in items if type(one) is dict]
        if len({url for url in urls if type(url) is str}) == len(items):
            return None
        found: Found = None
        counts = Counter(url for url in urls if type(url) is str)
        for url, count in counts.items():
            known = self._definition(url) if count > 1 and ":" in url else None
            if known is not None and known.most is not None and count > known.most:
                more = fault(EXTENSION_TOO_MANY, url=_safe(url), count=count, max=known.most)
                found = joined(found, more, "")
        return found

    def _one(
        self,
        extension: dict[str, Any],
        url: str,
        scope: Scope,
        places: frozenset[str],
        parent_url: str,
        is_modifier: bool,
    ) -> Found:
        if parent_url and ":" not in url:
            return self._part(url, parent_url)
        known = self._definition(url)
        if known is None:
            return self._not_known(url, is_modifier)
        found = known.check(extension, None, scope)
        if not _is_allowed(known.contexts, places, parent_url):
            allowed = ", ".join(expression for _, expression in known.contexts)[:200]
            here = min(places, key=lambda name: ("." not in name, name))
            found = joined(found, [_misplaced(url, allowed, here)], "")
        if known.is_modifier != is_modifier:
            rule = EXTENSION_MODIFIER if known.is_modifier else EXTENSION_NOT_MODIFIER
            found = joined(found, fault(rule, url=_safe(url)), "")
        return found

    def _part(self, url: str, parent_url: str) -> Found:
        """Check that a part belongs to its extension, whose definition checks what it holds."""
        parent = self._definition(parent_url) if ":" in parent_url else None
        if parent is None or url in parent.parts:
            return None
        # Later releases of HL7's extensions may have more parts, as they may be more.
        rule = EXTENSION_PART_HL7 if parent_url.startswith(_HL7) else EXTENSION_PART
        return fault(rule, url=_safe(parent_url), name=_safe(url))

    def _not_known(self, url: str, is_modifier: bool) -> Found:
        is_hl7 = url.startswith(_HL7) and not is_modifier
        is_let = is_hl7 or any(name in url for name in _NOWHERE)
        return fault(EXTENSION_UNKNOWN_HL7 if is_let else self._unknown, url=_safe(url))

    def _definition(self, url: str) -> _Known | None:
        if url not in self._known:
            if len(self._known) > 10_000:  # addresses from hostile input must not pile up
                self._known.clear()
            self._known[url] = self._find(url)
        return self._known[url]

    def _find(self, url: str) -> _Known | None:
        try:
            structure = self._library.structure(url)
            check = self._profiles.check(url)
        except Problem:
            return None
        if structure.type != "Extension":
            return None
        return _Known(
            check=check,
            contexts=_contexts(structure.source, _ALSO_AT.get(url, ())),
            is_modifier=bool(structure.tree.own.get("isModifier")),
            most=_most(structure.tree),
            parts=_parts(structure.tree),
        )


def _most(tree: Node) -> int | None:
    """Return how often a definition lets an extension stand in one element (R4 2.4.0.1)."""
    most = str(tree.own.get("max", "*"))
    return int(most) if most.isdecimal() and most != "0" else None


def _parts(tree: Node) -> frozenset[str]:
    holder = tree.children.get("extension")
    slices = () if holder is None else holder.slices.items()
    found = set()
    for name, one in slices:
        url = one.children.get("url")
        found.add(str(given(url.own, "fixed") or name) if url is not None else name)
    return frozenset(found)


def _contexts(source: Mapping[str, Any], also: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    listed: Sequence[Any] = source.get("context", ())
    found = [
        (str(one.get("type", "element")), str(one.get("expression", "")))
        for one in listed
        if isinstance(one, dict)
    ]
    if found:
        found += [("element", expression) for expression in also]
    return tuple(found)


def _is_allowed(
    contexts: Sequence[tuple[str, str]], places: frozenset[str], parent_url: str
) -> bool:
    """Say whether one of the contexts is this place; rules in FHIRPath are taken as met."""
    if not contexts:
        return True
    for kind, expression in contexts:
        if kind == "fhirpath" or "#" in expression or expression in _ANYWHERE:
            return True
        if kind == "extension":
            if expression == parent_url:
                return True
        elif expression in places or expression.removesuffix("[x]") in places:
            return True
    return False


def _misplaced(url: str, allowed: str, here: str) -> Fault:
    return Fault(EXTENSION_CONTEXT, {"url": _safe(url), "allowed": allowed, "here": here})


def _safe(url: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in url[:200])
