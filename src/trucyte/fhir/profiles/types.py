"""What holds for every resource of a type, profile or not, beyond structure.

Invariants, codes, extensions, references and nested resources of R4 itself. A type
becomes a table from JSON key to what is to be checked there; keys with nothing to check
are passed over. The tables are filled as keys are met.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from trucyte.fhir.definitions import Definitions, Element, TypeDefinition
from trucyte.fhir.profiles.bindings import binding_check
from trucyte.fhir.profiles.codings import coding_check
from trucyte.fhir.profiles.extensions import Extensions
from trucyte.fhir.profiles.invariants.check import Invariants
from trucyte.fhir.profiles.rules import CANONICAL_RELATIVE, NARRATIVE_LINK
from trucyte.fhir.profiles.scope import Check, Scope, Terminology, together
from trucyte.fhir.profiles.special.contained import contained_check
from trucyte.fhir.profiles.special.links import link_check
from trucyte.fhir.validation.fault import Found, fault, joined
from trucyte.fhir.validation.lexical import OPEN_FORMS

# Checks what lies under a JSON key: (value, the object it lies in, scope).
Under = Callable[[Any, Any, Scope], Found]
# Checks a resource in a resource in the scope that is its own.
Nested = Callable[[Any, Scope], Found]

_CODED = frozenset({"Coding", "Quantity"})
_LISTED_BY_STRUCTURE = frozenset({"code", "CodeableConcept", "Coding"})
_LINK = re.compile(r"""<a\s[^<>]*?href\s*=\s*["']#([^"']*)["']""")
_ANCHOR = re.compile(r"""\s(?:id|name)\s*=\s*["']([^"']*)["']""")
_RESOURCE_PLACES = ("CanonicalResource", "MetadataResource")


class _Table(dict[str, Under | None]):
    """Checks by JSON key, made when a key is first met."""

    def __init__(self, make: Callable[[str], Under | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Under | None:
        made = self._make(key)
        if len(self) < 2000:  # keys out of hostile input must not pile up
            self[key] = made
        return made


class TypeChecks:
    """The checks of all types of one package."""

    def __init__(
        self,
        definitions: Definitions,
        terminology: Terminology,
        invariants: Invariants,
        extensions: Extensions,
        nested: Nested,
    ) -> None:
        """Keep what checks are made from; `nested` checks a resource inside another."""
        self._definitions = definitions
        self._terminology = terminology
        self._invariants = invariants
        self._extensions = extensions
        self._nested = nested
        self._coding = coding_check(terminology)
        self._objects: dict[tuple[str, str], Check] = {}

    def resource(self, value: dict[str, Any], scope: Scope) -> Found:
        """Check a resource of a known type in its own scope."""
        kind = value["resourceType"]
        check = self._objects.get((kind, kind)) or self._object(kind, kind, ())
        return check(value, None, scope)

    # --- objects ------------------------------------------------------------------------

    def _object(self, type_name: str, path: str, rules: Iterable[Check]) -> Check:
        """Return the check of a value of a type that lies at `path`."""
        key = (type_name, path)
        made = self._objects.get(key)
        if made is None:
            made = self._objects[key] = self._made(type_name, path, tuple(rules))
        return made

    def _made(self, type_name: str, path: str, rules: tuple[Check, ...]) -> Check:
        definition = self._definitions.types[type_name]
        rules = (*rules, *self._type_rules(definition))
        places = self._places(definition, path)
        keys = definition.keys
        table = _Table(lambda key: self._under(key, keys, places, definition))
        if type_name == "Extension":
            rules = (*rules, self._parts_check(places))
        return _object_check(rules, table)

    def _parts_check(self, places: frozenset[str]) -> Check:
        """Check what stands within a complex extension, by the extension it stands in."""
        extensions = self._extensions

        def check(value: Any, extra: Any, scope: Scope) -> Found:
            listed = value.get("extension")
            if listed is None:
                return None
            more = extensions.check(listed, scope, places=places, parent_url=str(value.get("url")))
            return None if more is None else joined(None, more, ".extension")

        return check

    def _type_rules(self, definition: TypeDefinition) -> list[Check]:
        names = (definition.name, *self._definitions.bases(definition.name))
        rules = [r for name in names for r in self._rules_of(name)]
        checks = self._invariants.checks(rules, definition.name)
        if "DomainResource" in names:
            checks.append(contained_check)
        if definition.name in _CODED or "Quantity" in names:
            checks.append(self._coding)
        return checks

    def _rules_of(self, name: str) -> list[dict[str, Any]]:
        known = self._definitions.types.get(name)
        return [] if known is None else _as_rules(known)

    def _places(self, definition: TypeDefinition, path: str) -> frozenset[str]:
        """Return the names that contexts of extensions may call this place by."""
        names = {definition.name, *self._definitions.bases(definition.name)}
        names |= {path, path.removesuffix("[x]")}
        if definition.kind == "resource":
            names.update(_RESOURCE_PLACES)
        return frozenset(names)

    # --- what lies under one key --------------------------------------------------------

    def _under(
        self,
        key: str,
        keys: dict[str, tuple[Element, str]],
        places: frozenset[str],
        definition: TypeDefinition,
    ) -> Under | None:
        if key in ("extension", "modifierExtension"):
            return self._extension_list(key, places, definition)
        known = keys.get(key.removeprefix("_"))
        if known is None:
            return None
        element, type_name = known
        kind = self._definitions.types[type_name].kind
        step = f".{element.name}.ofType({type_name})" if element.is_choice else f".{element.name}"
        if key.startswith("_"):
            return self._beside(element, type_name, step) if kind == "primitive-type" else None
        if type_name == "Resource":
            check: Check | None = self._inside
        elif kind == "primitive-type":
            check = self._primitive(element, type_name)
        else:
            check = self._complex(element, type_name)
        if check is None:
            return None
        return _each(check, step) if element.is_array else _single(check, step)

    def _inside(self, value: Any, extra: Any, scope: Scope) -> Found:
        return self._nested(value, scope)

    def _extension_list(
        self, key: str, places: frozenset[str], definition: TypeDefinition
    ) -> Under | None:
        if definition.name == "Extension":
            return self._parts(places) if key == "extension" else None
        extensions, is_modifier, step = self._extensions, key != "extension", "." + key

        def under(listed: Any, parent: Any, scope: Scope) -> Found:
            found = extensions.check(listed, scope, places=places, is_modifier=is_modifier)
            inside = inner(listed, parent, scope)
            if found is not None:
                inside = joined(inside, found, step)
            return inside

        inner = _each(self._object("Extension", "Extension", ()), step)
        return under

    def _parts(self, places: frozenset[str]) -> Under:
        """Check the values within the parts of a complex extension."""
        return _each(self._object("Extension", "Extension", ()), ".extension")

    def _beside(self, element: Element, type_name: str, step: str) -> Under:
        """Check the extensions beside a primitive value."""
        names = {type_name, "Element", element.path, element.path.removesuffix("[x]")}
        names.update(self._definitions.bases(type_name))
        places = frozenset(names)
        extensions = self._extensions
        inner = _each(self._object("Extension", "Extension", ()), ".extension")

        def check(value: Any, extra: Any, scope: Scope) -> Found:
            listed = value.get("extension") if type(value) is dict else None
            if listed is None:
                return None
            found = inner(listed, value, scope)
            more = extensions.check(listed, scope, places=places)
            return found if more is None else joined(found, more, ".extension")

        return _each(check, step) if element.is_array else _single(check, step)

    def _primitive(self, element: Element, type_name: str) -> Check | None:
        checks: list[Check | None] = list(self._invariants.checks(_as_rules(element), type_name))
        if type_name == "xhtml":
            return together([*checks, _narrative_links])
        if type_name == "canonical":
            checks.append(_canonical)
        checks.append(self._bound(element, type_name))
        return together(checks)

    def _complex(self, element: Element, type_name: str) -> Check | None:
        rules = self._invariants.checks(_as_rules(element), type_name)
        if type_name == "Reference":
            rules.append(link_check(element.targets))
        path = type_name if "." in type_name else element.path
        inner = self._object(type_name, path, ())
        return together([*rules, inner, self._bound(element, type_name)])

    def _bound(self, element: Element, type_name: str) -> Check | None:
        binding = element.binding
        if binding is None or binding.value_set in OPEN_FORMS:
            return None
        if not self._terminology.knows(binding.value_set):
            return None
        is_listed = self._definitions.value_set(binding.value_set) is not None
        if binding.strength == "required" and is_listed and type_name in _LISTED_BY_STRUCTURE:
            return None
        return binding_check(self._terminology, binding.value_set, binding.strength, type_name)


def _as_rules(holder: Element | TypeDefinition) -> list[dict[str, Any]]:
    return [
        {"key": r.key, "severity": r.severity, "human": r.human, "expression": r.expression}
        for r in holder.invariants
    ]


def _object_check(rules: tuple[Check, ...], table: _Table) -> Check:
    def check(value: Any, extra: Any, scope: Scope) -> Found:
        if type(value) is not dict:
            return None
        found: Found = None
        for rule in rules:
            more = rule(value, None, scope)
            if more is not None:
                found = joined(found, more, "")
        for key, item in value.items():
            under = table[key]
            more = None if under is None else under(item, value, scope)
            if more is not None:
                found = joined(found, more, "")
        return found

    return check


def _single(check: Check, step: str) -> Under:
    def under(value: Any, parent: Any, scope: Scope) -> Found:
        more = check(value, None, scope)
        return None if more is None else joined(None, more, step)

    return under


def _each(check: Check, step: str) -> Under:
    def under(listed: Any, parent: Any, scope: Scope) -> Found:
        found: Found = None
        for number, value in enumerate(listed if type(listed) is list else ()):
            more = check(value, None, scope)
            if more is not None:
                found = joined(found, more, f"{step}[{number}]")
        return found

    return under


def _canonical(value: Any, extra: Any, scope: Scope) -> Found:
    if type(value) is str and ":" not in value and not value.startswith("#"):
        return fault(CANONICAL_RELATIVE)
    return None


def _narrative_links(value: Any, extra: Any, scope: Scope) -> Found:
    """Find links within the page that lead nowhere."""
    if type(value) is not str or "#" not in value or "href" not in value:
        return None
    wanted = {link for link in _LINK.findall(value) if link}
    if not wanted:
        return None
    kept = scope.run.anchors
    there = kept.get(id(scope.container))
    if there is None:
        there = kept[id(scope.container)] = _anchors(scope.container)
    lost = sorted(wanted - there)
    return fault(NARRATIVE_LINK, count=len(lost)) if lost else None


def _anchors(resource: Any) -> set[str]:
    """Return the ids of elements, contained resources and narratives of a resource."""
    found: set[str] = set()
    waiting = [resource]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            for key, item in value.items():
                if key == "id" and type(item) is str:
                    found.add(item)
                elif key == "div" and type(item) is str:
                    found.update(_ANCHOR.findall(item))
                else:
                    waiting.append(item)
        elif type(value) is list:
            waiting += value
    return found
