"""Checks of single values and of arrays, put together from smaller ones."""

from typing import Any

from trucyte.fhir.definitions import ValueSet
from trucyte.fhir.validation.fault import (
    CODE_NOT_ALLOWED,
    COMPARATOR,
    CONCEPT_NOT_ALLOWED,
    EMPTY_ARRAY,
    EXTENSION_CONTENT,
    FULL_URL,
    NOT_AN_ARRAY,
    NULL_VALUE,
    SIBLING_LENGTH,
    Check,
    Fault,
    Found,
    fault,
    joined,
)
from trucyte.fhir.validation.lexical import OPEN_FORMS, TESTS, explain

_CODES_SHOWN = 12


def primitive(type_name: str) -> Check:
    """Check one value of a primitive type."""
    test = TESTS[type_name]

    def check(value: Any, _: Any) -> Found:
        if test(value):
            return None
        return fault(NULL_VALUE) if value is None else explain(type_name, value)

    return check


def code(codes: frozenset[str], value_set: str) -> Check:
    """Check a code that must be one of `codes`."""
    plain = primitive("code")

    def check(value: Any, parent: Any) -> Found:
        if type(value) is str and value in codes:
            return None
        return plain(value, parent) or [_not_allowed(codes, value_set)]

    return check


def _not_allowed(codes: frozenset[str], value_set: str) -> Fault:
    shown = sorted(codes)[:_CODES_SHOWN]
    more = ", …" if len(codes) > _CODES_SHOWN else ""
    facts = {"value_set": value_set, "allowed": ", ".join(shown) + more}
    return Fault(CODE_NOT_ALLOWED, facts)


def open_code(value_set: str) -> Check:
    """Check a code of a set that nobody lists by the form its codes have."""
    plain = primitive("code")
    matches, examples = OPEN_FORMS[value_set]

    def check(value: Any, parent: Any) -> Found:
        found = plain(value, parent)
        if found is not None or matches(value):
            return found
        return fault(CODE_NOT_ALLOWED, value_set=value_set, allowed=examples)

    return check


def bound_concept(structure: Check, allowed: ValueSet) -> Check:
    """Check that one coding of a CodeableConcept, or a Coding itself, is in a value set.

    A concept that holds nothing but an extension says why it is absent, and passes.
    """
    codings = {(system, code) for system, codes in allowed.systems.items() for code in codes}
    facts = {"value_set": allowed.url, "system": ", ".join(allowed.systems)}

    def check(value: Any, parent: Any) -> Found:
        found = structure(value, parent)
        if found is not None or value.keys() == {"extension"}:
            return found
        for coding in value.get("coding", (value,)):
            if (coding.get("system"), coding.get("code")) in codings:
                return None
        return [Fault(CONCEPT_NOT_ALLOWED, facts)]

    return check


def simple_quantity(structure: Check) -> Check:
    """Check a SimpleQuantity: no comparator (R4 2.24.0.8)."""

    def check(value: Any, parent: Any) -> Found:
        found = structure(value, parent)
        if found is None and "comparator" in value:
            return fault(COMPARATOR, ".comparator")
        return found

    return check


def extension(structure: Check) -> Check:
    """Check an Extension: a value or extensions, not both, not neither (ext-1)."""
    beside = ("url", "_url", "id", "_id", "extension")

    def check(value: Any, parent: Any) -> Found:
        found = structure(value, parent)
        if found is not None:
            return found
        has_value = len(value) > sum(key in value for key in beside)
        return fault(EXTENSION_CONTENT) if has_value == ("extension" in value) else None

    return check


def bundle_entry(structure: Check, resource_types: frozenset[str]) -> Check:
    """Check a Bundle.entry: a fullUrl of RESTful form ends with the resource's id (R4 2.36.4)."""

    def check(value: Any, parent: Any) -> Found:
        found = structure(value, parent)
        if found is not None:
            return found
        url, resource = value.get("fullUrl"), value.get("resource")
        if resource is None or not str(url).startswith("http"):
            return None
        kind, id = url.rsplit("/", 2)[-2:]
        disagrees = kind in resource_types and "id" in resource and id != resource["id"]
        return fault(FULL_URL, ".fullUrl") if disagrees else None

    return check


def array(one: Check) -> Check:
    """Check an array whose items are objects."""

    def check(items: Any, parent: Any) -> Found:
        if type(items) is not list:
            return fault(NOT_AN_ARRAY)
        found = fault(EMPTY_ARRAY) if not items else None
        for index, item in enumerate(items):
            more = one(item, parent)
            if more is not None:
                found = joined(found, more, f"[{index}]")
        return found

    return check


def primitive_array(one: Check, key: str) -> Check:
    """Check an array of primitives: null only where `_key` says why (R4 2.6.2.2)."""
    sibling = "_" + key

    def check(items: Any, parent: Any) -> Found:
        if type(items) is not list:
            return fault(NOT_AN_ARRAY)
        found = fault(EMPTY_ARRAY) if not items else None
        for index, item in enumerate(items):
            more = one(item, parent)
            if more is None or (item is None and _item(parent.get(sibling), index) is not None):
                continue
            found = joined(found, more, f"[{index}]")
        return found

    return check


def sibling_array(one: Check, key: str) -> Check:
    """Check `_key` beside an array of primitives: as long as it, null where nothing is said."""

    def check(items: Any, parent: Any) -> Found:
        if type(items) is not list:
            return fault(NOT_AN_ARRAY)
        found = fault(EMPTY_ARRAY) if not items else None
        values = parent.get(key)
        if type(values) is list and values and len(values) != len(items):
            found = joined(found, fault(SIBLING_LENGTH, name=key), "")
        for index, item in enumerate(items):
            if item is None and values is not None:
                continue  # the array of values answers for places where both are null
            more = fault(NULL_VALUE) if item is None else one(item, parent)
            if more is not None:
                found = joined(found, more, f"[{index}]")
        return found

    return check


def _item(items: Any, index: int) -> Any:
    return items[index] if type(items) is list and index < len(items) else None


def anything(value: Any, parent: Any) -> Found:
    """Pass everything: what it says was looked at before."""
    return None
