"""The types of the language and of FHIR, and whether an item is of one (FHIRPath 2.0 10)."""

from decimal import Decimal
from typing import Any, Final

from trucyte.fhir.path.code import ItemTest
from trucyte.fhir.path.model import Model, Node
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.problems import PathMeaning
from trucyte.fhir.path.quantity import Quantity
from trucyte.fhir.path.syntax.tree import TypeName
from trucyte.fhir.path.values import TypeInfo, type_of

SYSTEM_TYPES: Final = {
    "Boolean": bool, "Integer": int, "Decimal": Decimal, "String": str, "Quantity": Quantity,
    "Date": Moment, "DateTime": Moment, "Time": Moment, "Any": object,
}  # fmt: skip


def item_test(model: Model, name: TypeName) -> ItemTest:
    """Return a test whether an item is of a type. Raises `PathMeaning` where there is none."""
    if name.namespace == "System":
        return _system_test(name.name)
    if name.namespace not in ("", "FHIR"):
        raise PathMeaning(at=name.at, reason=f"there are no types of {name.namespace[:40]}")
    is_fhir = name.name in model.definitions.types
    if name.namespace == "" and name.name in SYSTEM_TYPES:
        # A bare Quantity is FHIR's and the language's: both are meant by it.
        return _either(name.name) if is_fhir else _system_test(name.name)
    if not is_fhir:
        raise PathMeaning(at=name.at, reason=f"there is no type {name.name[:40]}")
    return _fhir_test(name.name)


def _fhir_test(name: str) -> ItemTest:
    return lambda item: item.__class__ is Node and name in item.kind.ancestors


def _system_test(name: str) -> ItemTest:
    wanted = SYSTEM_TYPES.get(name)
    if wanted is Moment:
        return lambda item: item.__class__ is Moment and item.type == name
    if wanted is object:
        return lambda item: item.__class__ is not Node
    return lambda item: item.__class__ is wanted


def _either(name: str) -> ItemTest:
    fhir, language = _fhir_test(name), _system_test(name)
    return lambda item: fhir(item) or language(item)


def type_info(item: Any) -> TypeInfo:
    """Return what `type()` says of an item."""
    if item.__class__ is Node:
        return TypeInfo("FHIR", item.kind.name)
    return TypeInfo("System", type_of(item))
