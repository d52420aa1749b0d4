"""How the values of columns are held: the forms, and which FHIR type has which."""

from decimal import Decimal
from enum import Enum
from typing import Any, Final

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.numbers import plain
from trucyte.fhir.path.values import type_of


class Form(Enum):
    """What SQL and Python hold of a value."""

    TEXT = "VARCHAR"
    BOOLEAN = "BOOLEAN"
    INTEGER = "BIGINT"
    DECIMAL = "DECIMAL"  # the digits as they were written
    JSON = "JSON"


_FORMS: Final = {
    "boolean": Form.BOOLEAN, "Boolean": Form.BOOLEAN,
    "integer": Form.INTEGER, "Integer": Form.INTEGER, "integer64": Form.INTEGER,
    "positiveInt": Form.INTEGER, "unsignedInt": Form.INTEGER,
    "decimal": Form.DECIMAL, "Decimal": Form.DECIMAL,
    "String": Form.TEXT, "Date": Form.TEXT, "DateTime": Form.TEXT, "Time": Form.TEXT,
}  # fmt: skip


class NotOfForm(Exception):  # noqa: N818 - always turned into the Problem of a row
    """A value is not what its column holds."""


def form_of(type_name: str, definitions: Definitions) -> Form | None:
    """Return the form of a FHIR or System type, None where there is no such type."""
    found = _FORMS.get(type_name)
    if found is not None:
        return found
    definition = definitions.types.get(type_name)
    if definition is None:
        return None
    return Form.TEXT if definition.kind == "primitive-type" else Form.JSON


def held(item: Any, form: Form) -> Any:
    """Return an item of the language as a column holds it. Raises `NotOfForm`."""
    value = item.value if item.__class__ is Node else item
    kind = value.__class__
    if value is None or form is Form.JSON:
        return value
    if form is Form.TEXT:
        return _text(value, kind)
    if form is Form.DECIMAL and kind in (int, Decimal, float):
        return Decimal(repr(value)) if kind is float else Decimal(value)
    if (form is Form.BOOLEAN and kind is bool) or (form is Form.INTEGER and kind is int):
        return value
    raise NotOfForm(type_of(value) if kind is not dict else item.kind.name)


def _text(value: Any, kind: type) -> str:
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind in (int, Moment):
        return str(value)
    if kind is Decimal:
        return plain(value)
    raise NotOfForm("an element with children")
