"""From type definitions to checks: one for each type, made when it is first met.

The definitions are read while a check is made, never while it runs: a check holds a
table from JSON key to the check of its value, filled as keys are met.
"""

from collections.abc import Callable, Mapping
from typing import Any

from trucyte.fhir.definitions import Definitions, Element, TypeDefinition
from trucyte.fhir.validation import members
from trucyte.fhir.validation.fault import (
    EMPTY_OBJECT,
    MISSING_ELEMENT,
    NESTED_CONTAINED,
    NO_RESOURCE_TYPE,
    NOT_AN_OBJECT,
    NOT_SINGLE,
    TWO_CHOICES,
    UNKNOWN_ELEMENT,
    UNKNOWN_TYPE,
    Check,
    Found,
    fault,
    joined,
)
from trucyte.fhir.validation.lexical import OPEN_FORMS, TESTS
from trucyte.fhir.validation.links import reference_check, without_resolved
from trucyte.fhir.validation.narrative import check_narrative

_SIMPLE_QUANTITY = "http://hl7.org/fhir/StructureDefinition/SimpleQuantity"
_NAME_SHOWN_MAX = 64

# JSON key to its element and the type of its value, as `TypeDefinition.keys` has them.
Keys = Mapping[str, tuple[Element, str]]


class _Table(dict[str, Check]):
    """Checks by JSON key, made when a key is first met; unknown keys are not kept."""

    def __init__(self, make: Callable[[str], Check | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Check:
        check = self._make(key)
        if check is None:
            return lambda value, parent: fault(UNKNOWN_ELEMENT, name=shown(key))
        self[key] = check
        return check


class Checks:
    """The checks of all types of one package."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._resource_types = definitions.resource_types
        self._objects: dict[str, Check] = {}
        self._resources: dict[str, Check] = {}
        self._references: dict[tuple[str, ...], Check] = {}

    def resource(self, value: Any, parent: Any) -> Found:
        """Check a whole resource, of whatever type it says it is."""
        wrong = self._type_fault(value)
        if wrong is not None:
            return wrong
        kind = value["resourceType"]
        found = (self._objects.get(kind) or self.object(kind))(value, parent)
        return None if found is None else without_resolved(found, value.get("contained"))

    def contained(self, value: Any, parent: Any) -> Found:
        """Check a contained resource; its fragments are the container's to resolve (R4 2.3.0.3)."""
        wrong = self._type_fault(value)
        if wrong is not None:
            return wrong
        found = self.object(value["resourceType"])(value, parent)
        if "contained" in value:
            return joined(found, fault(NESTED_CONTAINED), ".contained")
        return found

    def _type_fault(self, value: Any) -> Found:
        if type(value) is not dict:
            return fault(NOT_AN_OBJECT)
        kind = value.get("resourceType")
        if type(kind) is not str:
            return fault(NO_RESOURCE_TYPE)
        return None if kind in self._resource_types else fault(UNKNOWN_TYPE, type=shown(kind))

    def object(self, name: str) -> Check:
        """Return the check of a type, data type or backbone element."""
        check = self._objects.get(name)
        if check is None:
            check = _object_check(self._definitions.types[name], self._member_check)
            if name == "Extension":
                check = members.extension(check)
            elif name == "Bundle.entry":
                check = members.bundle_entry(check, self._resource_types)
            self._objects[name] = check
        return check

    # --- what lies under one key --------------------------------------------------------

    def _member_check(self, kind: str, keys: Keys, key: str) -> Check | None:
        if key == "resourceType" and kind == "resource":
            return members.anything
        known = keys.get(key.removeprefix("_"))
        if known is None:
            return None
        element, type_name = known
        is_primitive = self._is_primitive(type_name)
        if key.startswith("_"):
            return self._sibling_check(element, key[1:]) if is_primitive else None
        check = self._value_check(element, type_name)
        if not element.is_array:
            return check
        if is_primitive:
            return members.primitive_array(check, key)
        return members.array(check)

    def _sibling_check(self, element: Element, key: str) -> Check:
        one = self.object("Element")
        return members.sibling_array(one, key) if element.is_array else one

    def _is_primitive(self, type_name: str) -> bool:
        return self._definitions.types[type_name].kind == "primitive-type"

    def _value_check(self, element: Element, type_name: str) -> Check:
        if type_name == "Resource":
            return self.contained if element.name == "contained" else self.resource
        if type_name == "xhtml":
            return check_narrative
        if type_name in TESTS:
            return self._primitive_check(element, type_name)
        if type_name == "Reference":
            return self._reference_check(element.targets)
        check = self.object(type_name)
        if _SIMPLE_QUANTITY in element.profiles:
            return members.simple_quantity(check)
        return self._bound(check, element, type_name)

    def _primitive_check(self, element: Element, type_name: str) -> Check:
        binding = element.binding
        if type_name != "code" or binding is None:
            return members.primitive(type_name)
        if binding.value_set in OPEN_FORMS:
            return members.open_code(binding.value_set)
        codes = self._definitions.codes(binding.value_set)
        if binding.strength == "required" and codes:
            return members.code(codes, binding.value_set)
        return members.primitive(type_name)

    def _bound(self, check: Check, element: Element, type_name: str) -> Check:
        binding = element.binding
        if binding is None or binding.strength != "required":
            return check
        if type_name not in ("CodeableConcept", "Coding"):
            return check
        allowed = self._definitions.value_set(binding.value_set)
        return check if allowed is None else members.bound_concept(check, allowed)

    def _reference_check(self, targets: tuple[str, ...]) -> Check:
        if targets not in self._references:
            structure = self.object("Reference")
            self._references[targets] = reference_check(structure, targets, self._resource_types)
        return self._references[targets]


def _object_check(
    definition: TypeDefinition, make: Callable[[str, Keys, str], Check | None]
) -> Check:
    """Return the check of one type: known keys, each value, what must be there, choices.

    A required primitive may be absent with an extension in its place (R4 2.6.2.2).
    """
    keys = definition.keys
    table = _Table(lambda key: make(definition.kind, keys, key))
    required = _required(definition)
    required_keys = frozenset(required)
    choices = _choices(definition)

    def check(value: Any, _: Any) -> Found:
        if type(value) is not dict:
            return fault(NOT_SINGLE if type(value) is list else NOT_AN_OBJECT)
        found: Found = None
        for key, item in value.items():
            more = table[key](item, value)
            if more is not None:
                found = joined(found, more, _step(keys, key))
        if not required_keys <= value.keys():
            found = _with_missing(found, value, required)
        for element, names in choices:
            given = value.keys() & names
            if len(given) != 1:
                found = _with_choice_fault(found, element, given)
        return found if value else fault(EMPTY_OBJECT)

    return check


def is_complete(definition: TypeDefinition, value: dict[str, Any]) -> bool:
    """Say whether keys say enough and not too much: what must be there, one of each choice.

    Of the keys alone: what an extension explains is not looked at.
    """
    if not value or any(key not in value for key in _required(definition)):
        return False
    given = ((element, value.keys() & names) for element, names in _choices(definition))
    return all(_with_choice_fault(None, element, keys) is None for element, keys in given)


def _required(definition: TypeDefinition) -> tuple[str, ...]:
    elements = definition.elements.values()
    return tuple(e.name for e in elements if e.min > 0 and not e.is_choice)


def _choices(definition: TypeDefinition) -> tuple[tuple[Element, frozenset[str]], ...]:
    return tuple(
        (element, frozenset(element.choices) | {"_" + key for key in element.choices})
        for element in definition.elements.values()
        if element.is_choice
    )


def _with_missing(found: Found, value: dict[str, Any], required: tuple[str, ...]) -> Found:
    for key in required:
        if key not in value and not _says_why(value.get("_" + key)):
            found = joined(found, fault(MISSING_ELEMENT, name=key), "." + key)
    return found


def _says_why(sibling: Any) -> bool:
    """Say whether the `_` sibling of an absent primitive explains it; arrays have one each."""
    return isinstance(sibling, list) or (isinstance(sibling, dict) and "extension" in sibling)


def _with_choice_fault(found: Found, element: Element, keys: set[str]) -> Found:
    name = element.name + "[x]"
    if not keys:
        if element.min == 0:
            return found
        return joined(found, fault(MISSING_ELEMENT, name=name), "." + element.name)
    names = sorted({key.removeprefix("_") for key in keys})
    if len(names) == 1:  # a primitive and its `_` sibling
        return found
    return joined(found, fault(TWO_CHOICES, name=name, given=", ".join(names)), "." + element.name)


def _step(keys: Keys, key: str) -> str:
    """Write a JSON key as FHIRPath does: `.value.ofType(Quantity)`."""
    name = key.removeprefix("_")
    known = keys.get(name)
    if known is None:
        return "." + shown(key)
    element, type_name = known
    if key != name and type_name[0].isupper():  # only primitives have a `_` sibling
        return "." + shown(key)
    return f".{element.name}.ofType({type_name})" if element.is_choice else "." + name


def shown(name: str) -> str:
    """Return a name from outside as it may stand in a message."""
    return "".join(c if c.isprintable() else "?" for c in name[:_NAME_SHOWN_MAX])
