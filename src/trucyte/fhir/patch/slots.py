"""Changing JSON at a place, a primitive always together with the object beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trucyte.fhir.patch.places import Place


@dataclass(frozen=True, slots=True)
class Value:
    """What an operation puts somewhere."""

    value: Any  # None: a primitive of which only the object beside it is there
    beside: Mapping[str, Any] | None = None
    type: str = ""  # "HumanName", "Boolean": as the key of a choice has it; "" for parts


@dataclass(frozen=True, slots=True)
class Slot:
    """One element: the object that holds it, its key, and its number in a list."""

    holder: dict[str, Any]
    key: str
    number: int | None


def slot_at(root: Any, place: Place) -> Slot:
    """Return the slot of a place, which is not the root itself."""
    last = place[-1]
    if isinstance(last, int):
        key = place[-2]
        assert isinstance(key, str)
        return Slot(_at(root, place[:-2]), key, last)
    return Slot(_at(root, place[:-1]), last, None)


def _at(root: Any, place: Place) -> Any:
    for step in place:
        root = root[step]
    return root


def count_at(slot: Slot) -> int:
    """Return how many elements the list of a slot has."""
    values, besides = slot.holder.get(slot.key), slot.holder.get("_" + slot.key)
    return max(len(values or ()), len(besides or ()))


def beside_at(slot: Slot) -> dict[str, Any]:
    """Return the object beside a primitive, for its id and extensions; make it if need be."""
    if slot.number is None:
        made: dict[str, Any] = slot.holder.setdefault("_" + slot.key, {})
        return made
    values, besides = _pair(slot.holder, slot.key)
    besides[slot.number] = besides[slot.number] or {}
    _keep(slot.holder, slot.key, values, besides)
    found: dict[str, Any] = besides[slot.number]
    return found


def replace_at(slot: Slot, key: str, value: Value) -> None:
    """Put a value where another is; `key` differs where a choice gets another type."""
    holder = slot.holder
    if slot.number is not None:
        _set_in_list(holder, slot.key, slot.number, value)
        return
    kept = list(holder.items())
    holder.clear()
    is_put = False
    for name, old in kept:
        if name not in (slot.key, "_" + slot.key):
            holder[name] = old
        elif not is_put:
            put(holder, key, value)
            is_put = True


def put(holder: dict[str, Any], key: str, value: Value) -> None:
    """Put a value under a key that is not there."""
    if value.value is not None:
        holder[key] = value.value
    if value.beside:
        holder["_" + key] = dict(value.beside)


def insert_at(holder: dict[str, Any], key: str, number: int, value: Value) -> None:
    """Put a value into a list, which may not be there yet."""
    values, besides = _pair(holder, key)
    values.insert(number, value.value)
    besides.insert(number, dict(value.beside) if value.beside else None)
    _keep(holder, key, values, besides)


def move_at(holder: dict[str, Any], key: str, source: int, target: int) -> None:
    """Move an element of a list to where it shall be after it was taken out."""
    values, besides = _pair(holder, key)
    values.insert(target, values.pop(source))
    besides.insert(target, besides.pop(source))
    _keep(holder, key, values, besides)


def delete_at(root: dict[str, Any], place: Place) -> None:
    """Take an element out, and with it what would be left empty around it."""
    slot = slot_at(root, place)
    if slot.number is None:
        slot.holder.pop(slot.key, None)
        slot.holder.pop("_" + slot.key, None)
    else:
        values, besides = _pair(slot.holder, slot.key)
        del values[slot.number], besides[slot.number]
        _keep(slot.holder, slot.key, values, besides)
    above = place[:-2] if slot.number is not None else place[:-1]
    if above and not slot.holder:
        delete_at(root, above)


def _set_in_list(holder: dict[str, Any], key: str, number: int, value: Value) -> None:
    values, besides = _pair(holder, key)
    values[number] = value.value
    besides[number] = dict(value.beside) if value.beside else None
    _keep(holder, key, values, besides)


def _pair(holder: Mapping[str, Any], key: str) -> tuple[list[Any], list[Any]]:
    values = list(holder.get(key) or ())
    besides = list(holder.get("_" + key) or ())
    length = max(len(values), len(besides))
    values += [None] * (length - len(values))
    besides += [None] * (length - len(besides))
    return values, besides


def _keep(holder: dict[str, Any], key: str, values: list[Any], besides: list[Any]) -> None:
    for name, held in ((key, values), ("_" + key, besides)):
        if any(one is not None for one in held):
            holder[name] = held
        else:
            holder.pop(name, None)
