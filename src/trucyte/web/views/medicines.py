"""Medicines of a visit: what was ordered, with what was handed over or given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from trucyte.web.reader import Resource
from trucyte.web.views.elements import (
    concept_text,
    extension_value,
    first,
    quantity_text,
    reference_id,
)


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine with one dose; orders that repeat it, day after day, are one."""

    name: str
    strength: str
    dose: str
    instruction: str
    route: str
    quantity: str  # of all orders together; "" where one of them has none
    unit: str
    ordered: Sequence[str]  # moments, in order
    handed: Sequence[str]  # moments of hand-over
    given: Sequence[str]  # moments of administration


@dataclass(frozen=True, slots=True)
class _Order:
    key: tuple[str, ...]  # name, strength, dose, instruction, route, unit
    quantity: str
    ordered: str
    handed: str
    given: str


def medicines_of(resources: Mapping[str, Sequence[Resource]]) -> list[Medicine]:
    """Return the medicines ordered, in the order of their first order."""
    handed = {
        reference_id(first(one.get("authorizingPrescription", ())), "MedicationRequest"): one
        for one in resources.get("MedicationDispense", ())
    }
    given = {
        reference_id(one.get("request"), "MedicationRequest"): one
        for one in resources.get("MedicationAdministration", ())
    }
    orders = [
        _order(request, handed.get(str(request["id"]), {}), given.get(str(request["id"]), {}))
        for request in resources.get("MedicationRequest", ())
    ]
    groups: dict[tuple[str, ...], list[_Order]] = {}
    for order in sorted(orders, key=lambda order: (order.ordered, order.key)):
        groups.setdefault(order.key, []).append(order)
    return [_medicine(key, group) for key, group in groups.items()]


def _order(request: Resource, dispense: Resource, administration: Resource) -> _Order:
    dosage = first(request.get("dosageInstruction", ()), {})
    supply = (
        dispense.get("quantity")
        or administration.get("dosage", {}).get("dose")
        or request.get("dispenseRequest", {}).get("quantity")
    )
    quantity, unit = quantity_text(supply)
    key = (
        concept_text(request.get("medicationCodeableConcept")),
        str(extension_value(request, "strength") or ""),
        str(dosage.get("text", "")),
        str(dosage.get("patientInstruction", "")),
        concept_text(dosage.get("route")),
        unit,
    )
    return _Order(
        key,
        quantity,
        str(request.get("authoredOn", "")),
        str(dispense.get("whenHandedOver", "")),
        str(administration.get("effectiveDateTime", "")),
    )


def _medicine(key: tuple[str, ...], orders: Sequence[_Order]) -> Medicine:
    name, strength, dose, instruction, route, unit = key
    return Medicine(
        name=name,
        strength=strength,
        dose=dose,
        instruction=instruction,
        route=route,
        quantity=_sum([order.quantity for order in orders]),
        unit=unit,
        ordered=sorted(order.ordered for order in orders if order.ordered),
        handed=sorted(order.handed for order in orders if order.handed),
        given=sorted(order.given for order in orders if order.given),
    )


def _sum(quantities: Sequence[str]) -> str:
    """Add quantities; a single one keeps its form, one that is missing leaves no sum."""
    if len(quantities) == 1:
        return quantities[0]
    try:
        return f"{sum(map(Decimal, quantities)):f}"
    except InvalidOperation:
        return ""
