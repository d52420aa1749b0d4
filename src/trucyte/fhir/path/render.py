"""The result of an expression as JSON values."""

from typing import Any

from trucyte.fhir.path.functions.conversions import CALENDAR_UNITS
from trucyte.fhir.path.model import UCUM, Node
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.quantity import Quantity
from trucyte.fhir.path.values import Items, TypeInfo


def to_json(items: Items) -> list[Any]:
    """Return the items as JSON has them, decimals with every digit.

    An element is its JSON; a primitive that has only extensions is the object of these.
    A quantity is written as FHIR's Quantity, a type as its namespace and name.
    """
    return [_item(item) for item in items]


def _item(item: Any) -> Any:
    if item.__class__ is Node:
        return item.sibling if item.value is None else item.value
    if item.__class__ is Moment:
        return str(item)
    if item.__class__ is Quantity:
        return _quantity(item)
    if item.__class__ is TypeInfo:
        return {"namespace": item.namespace, "name": item.name}
    return item


def _quantity(quantity: Quantity) -> dict[str, Any]:
    made: dict[str, Any] = {"value": quantity.value, "unit": quantity.unit}
    if quantity.unit in CALENDAR_UNITS:
        return made
    return made | {"system": quantity.system or UCUM, "code": quantity.unit}
