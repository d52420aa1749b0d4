"""Slices: which of an element's values belongs to which, and whether that is allowed.

Each slice gets a test from its discriminators (value, pattern, exists, type, profile;
R4 5.1.0.13). Rules: open, closed, open at end; ordered or not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles.rules import (
    NO_SLICE,
    SLICE_AT_END,
    SLICE_ORDER,
    SLICE_TOO_FEW,
    SLICE_TOO_MANY,
    TWO_SLICES,
)
from trucyte.fhir.profiles.scope import Check, Item, Scope
from trucyte.fhir.validation.fault import Fault, Found, fault, joined

Matches = Callable[[Item, Scope], bool]
# Checks the values of an element all together; faults are relative to its parent.
Together = Callable[[Sequence[Item], Scope], Found]

BY_URL = ({"type": "value", "path": "url"},)
BY_TYPE = ({"type": "type", "path": "$this"},)


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice, compiled."""

    name: str
    matches: Matches
    low: int
    high: int | None
    check: Check | None
    inner: Together | None  # slices within it


def discriminators(node: Node) -> Sequence[Mapping[str, Any]]:
    """Return how the slices of an element are told apart; extensions by url, choices by type."""
    listed: Sequence[Mapping[str, Any]] = node.own.get("slicing", {}).get("discriminator", ())
    if listed:
        return listed
    if node.name in ("extension", "modifierExtension"):
        return BY_URL
    return BY_TYPE if node.name.endswith("[x]") else ()


def sliced(path: str, slicing: Mapping[str, Any], slices: Sequence[Slice]) -> Together:
    """Return the check of an element's values against its slices."""
    rules = slicing.get("rules", "open")
    ordered = bool(slicing.get("ordered"))
    names = ", ".join(one.name for one in slices)

    def check(items: Sequence[Item], scope: Scope) -> Found:
        scope.run.charge(len(items) * len(slices))
        found: Found = None
        taken: list[list[Item]] = [[] for _ in slices]
        places: list[int | None] = []
        for item in items:
            fitting = [n for n, one in enumerate(slices) if one.matches(item, scope)]
            if len(fitting) > 1:
                both = ", ".join(slices[n].name for n in fitting)
                found = joined(found, fault(TWO_SLICES, slices=both), item.step)
            if not fitting and rules == "closed":
                found = joined(found, fault(NO_SLICE, element=path, slices=names), item.step)
            for number in fitting:
                taken[number].append(item)
            places.append(fitting[0] if fitting else None)
        found = _merged(found, _misplaced(items, places, rules, ordered=ordered))
        for one, mine in zip(slices, taken, strict=True):
            found = _merged(found, _within(path, one, mine, scope, is_closed=rules == "closed"))
        return found

    return check


def _misplaced(
    items: Sequence[Item], places: Iterable[int | None], rules: str, *, ordered: bool
) -> Found:
    """Find values out of order, and slices behind what is no slice (openAtEnd)."""
    found: Found = None
    last, seen_other = 0, False
    for item, place in zip(items, places, strict=True):
        if place is None:
            seen_other = True
            continue
        if rules == "openAtEnd" and seen_other:
            found = joined(found, fault(SLICE_AT_END), item.step)
        if ordered and place < last:
            found = joined(found, fault(SLICE_ORDER), item.step)
        last = max(last, place)
    return found


def _within(
    path: str, one: Slice, items: Sequence[Item], scope: Scope, *, is_closed: bool
) -> Found:
    if one.high == 0 and is_closed:
        return _all_refused(path, one, items)
    found: Found = None
    count = len(items)
    facts: dict[str, str | int] = {"slice": f"{path}:{one.name}", "count": count}
    if count < one.low:
        found = [Fault(SLICE_TOO_FEW, {**facts, "min": one.low})]
    if one.high is not None and count > one.high:
        found = joined(found, [Fault(SLICE_TOO_MANY, {**facts, "max": one.high})], "")
    if one.check is not None:
        for item in items:
            more = one.check(item.value, item.extra, scope)
            if more is not None:
                found = joined(found, more, item.step)
    if one.inner is not None:
        found = _merged(found, one.inner(items, scope))
    return found


def _all_refused(path: str, one: Slice, items: Sequence[Item]) -> Found:
    """A closed slice of which there may be none: each of its values is one too many."""
    found: Found = None
    for item in items:
        found = joined(found, fault(NO_SLICE, element=path, slices=one.name), item.step)
    return found


def _merged(found: Found, more: Found) -> Found:
    return found if more is None else joined(found, more, "")
