"""From the snapshot of a profile to one closure.

Only what the profile says beyond the type is compiled: a copy of the type's own rules
costs nothing. Profiles on types and targets are compiled when they are first met.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Element
from trucyte.fhir.packages.library import Library, ProfileUnreadable, Structure
from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles import values
from trucyte.fhir.profiles.bindings import binding_check
from trucyte.fhir.profiles.discriminators import Discriminators
from trucyte.fhir.profiles.invariants.check import Invariants
from trucyte.fhir.profiles.items import element_of, holder_of, reader
from trucyte.fhir.profiles.paths import kind_of
from trucyte.fhir.profiles.rules import (
    PROFILE_TYPE,
    TOO_FEW,
    TOO_MANY,
    TYPE_NOT_ALLOWED,
    refused,
)
from trucyte.fhir.profiles.scope import (
    DEPTH_MAX,
    Check,
    Item,
    Scope,
    Terminology,
    TooCostly,
    together,
)
from trucyte.fhir.profiles.slicing import Slice, Together, sliced
from trucyte.fhir.profiles.targets import Targets
from trucyte.fhir.validation.fault import Fault, Found, joined

# Checks an element of a parent; faults are relative to the parent.
Under = Callable[[Mapping[str, Any], Scope], Found]
_SYSTEM_TYPE = "http://hl7.org/fhirpath/System."


class Profiles:
    """The checks of profiles, each made when it is first asked for."""

    def __init__(self, library: Library, terminology: Terminology, invariants: Invariants) -> None:
        """Keep what profiles are made from."""
        self._library = library
        self._definitions = library.core
        self._terminology = terminology
        self._invariants = invariants
        self._checks: dict[str, Check] = {}
        self._targets = Targets(library, self.conforms)
        self._discriminators = Discriminators(library, terminology, self.node_check, self.conforms)
        self.matcher = self._discriminators.matcher

    # --- whole profiles -----------------------------------------------------------------

    def check(self, canonical: str) -> Check:
        """Return the check of a profile for a resource or a data type.

        Raises what `Library.structure` raises.
        """
        made = self._checks.get(canonical)
        if made is None:
            structure = self._library.structure(canonical)
            try:
                inner = self._compiled(structure)
            except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
                raise ProfileUnreadable(profile=canonical) from None
            made = self._checks[canonical] = self._guarded(structure, inner)
        return made

    def conforms(self, value: Any, extra: Any, scope: Scope, canonical: str) -> Found:
        """Check a value against a profile by its URL; one that cannot be had is one fault."""
        try:
            check = self.check(canonical)
        except Problem as problem:
            return refused(problem)
        return check(value, extra, scope)

    def _compiled(self, structure: Structure) -> Check | None:
        holder = holder_of(self._definitions, structure.type)
        return self.node_check(structure.tree, None, holder, (structure.type,))

    def _guarded(self, structure: Structure, inner: Check | None) -> Check:
        """Wrap a profile: resources in their own scope, cycles cut, each pair checked once."""
        url, type_name = structure.url, structure.type
        is_resource = type_name in self._definitions.resource_types
        any_resource = type_name in ("Resource", "DomainResource")
        wrong = [Fault(PROFILE_TYPE, {"profile": url, "type": type_name})]

        def check(value: Any, extra: Any, scope: Scope) -> Found:
            if is_resource and kind_of(value) != type_name:
                return wrong
            if inner is None:
                return None
            if not (is_resource or any_resource) or value is scope.resource:
                return _run(inner, url, value, extra, scope)
            return _run(inner, url, value, extra, scope.nested(value))

        return check

    # --- one element --------------------------------------------------------------------

    def node_check(
        self, node: Node, base: Element | None, holder: str, codes: Sequence[str]
    ) -> Check | None:
        """Compile what an element demands of each of its values."""
        own = node.own
        checks: list[Check | None] = [
            *_value_checks(own),
            self._binding(own, base, codes),
            *self._rules(own, base, codes),
            *self._targets.type_profiles(node, base),
            self._targets.target_profiles(node, base),
            self._children(node, holder),
        ]
        return together(checks)

    def _binding(
        self, own: Mapping[str, Any], base: Element | None, codes: Sequence[str]
    ) -> Check | None:
        binding = own.get("binding")
        if not binding or "valueSet" not in binding:
            return None
        url, strength = binding["valueSet"], binding.get("strength", "")
        inherited = None if base is None else base.binding
        if inherited is not None and (inherited.value_set, inherited.strength) == (
            url.partition("|")[0],
            strength,
        ):
            return None
        # On a choice of several types a binding says what the codes mean, not which of the
        # types it was written for: R4's own vital signs bind the units of every component.
        if len(codes) > 1 and strength == "required":
            strength = "extensible"
        made = {code: binding_check(self._terminology, url, strength, code) for code in codes}
        if len(made) == 1:
            return next(iter(made.values()))
        return _by_shape(made)

    def _rules(
        self, own: Mapping[str, Any], base: Element | None, codes: Sequence[str]
    ) -> list[Check]:
        rules = own.get("constraint", ())
        if not rules:
            return []
        known = {rule.key for rule in base.invariants} if base is not None else set()
        for code in codes:
            for name in (code, *self._bases(code)):
                definition = self._definitions.types.get(name)
                if definition is not None:
                    known |= {rule.key for rule in definition.invariants}
        if base is not None and base.path in self._definitions.types:
            known |= {rule.key for rule in self._definitions.types[base.path].invariants}
        type_name = codes[0] if len(codes) == 1 else "Element"
        if base is not None and len(base.types) == 1 and base.types[0] != "Resource":
            type_name = base.types[0]
        return self._invariants.checks(rules, type_name, known)

    def _bases(self, code: str) -> tuple[str, ...]:
        return self._definitions.bases(code) if code in self._definitions.types else ()

    # --- children -----------------------------------------------------------------------

    def _children(self, node: Node, holder: str) -> Check | None:
        made = [self._child(child, holder) for child in node.children.values()]
        children = tuple(one for one in made if one is not None)
        if not children:
            return None

        def check(value: Any, extra: Any, scope: Scope) -> Found:
            parent = value if type(value) is dict else extra
            if type(parent) is not dict:
                if value is None or type(value) is list:
                    return None
                parent = {}
            if "resourceType" in parent and parent is not scope.resource:
                scope = scope.nested(value)
            scope.run.charge(len(children))
            found: Found = None
            for child in children:
                more = child(parent, scope)
                if more is not None:
                    found = joined(found, more, "")
            return found

        return check

    def _child(self, node: Node, holder: str) -> Under | None:
        """Compile an element with its number of values, its slices and each value."""
        read = reader(self._definitions, holder, node.name)
        if read is None:
            return None
        base = element_of(self._definitions, holder, node.name)
        codes = _codes(node)
        count = _count_check(node, base)
        one = self.node_check(node, base, self._holder(node, base), codes)
        allowed = self._allowed(base, codes)
        each = None if one is None else _each(one)
        if allowed is not None:
            each = _typed(node.name, allowed, one)
        inner = self.slices(node, base)
        if count is None and each is None and inner is None:
            return None

        def check(parent: Mapping[str, Any], scope: Scope) -> Found:
            items = read(parent)
            found = None if count is None else count(items)
            if each is not None:
                found = _merged(found, each(items, scope))
            return found if inner is None else _merged(found, inner(items, scope))

        return check

    def _holder(self, node: Node, base: Element | None) -> str:
        """Return the type whose elements the children of this element are."""
        codes = _codes(node)
        if base is not None and len(base.types) == 1 and base.types[0] != "Resource":
            return holder_of(self._definitions, base.types[0])
        return holder_of(self._definitions, codes[0]) if len(codes) == 1 else "Element"

    def _allowed(self, base: Element | None, codes: Sequence[str]) -> frozenset[str] | None:
        """Return the types a choice is narrowed to, None where it is not."""
        if base is None or not base.is_choice or not codes or set(codes) >= set(base.types):
            return None
        return frozenset(codes)

    # --- slices -------------------------------------------------------------------------

    def slices(self, node: Node, base: Element | None) -> Together | None:
        """Compile the slices of an element, those in slices too; None where there are none."""
        if not node.slices:
            return None
        made = []
        for name, one in node.slices.items():
            matches = self._discriminators.matcher(node, one)
            if matches is None:
                return None
            low, high = _limits(one)
            check = self.node_check(one, base, self._holder(one, base), _codes(one))
            made.append(Slice(name, matches, low, high, check, self.slices(one, base)))
        return sliced(node.path, node.own.get("slicing", {}), made)


def _run(inner: Check, url: str, value: Any, extra: Any, scope: Scope) -> Found:
    """Check once a value and profile; a profile that comes back to a value agrees with itself."""
    run = scope.run
    key = (id(value), url)
    if type(value) is dict and "resourceType" in value:
        if key in run.conformed:
            return run.conformed[key]
        if key in run.conforming:
            return None
    run.charge(1)
    run.depth += 1
    if run.depth > DEPTH_MAX:
        raise TooCostly
    run.conforming.add(key)
    try:
        found = inner(value, extra, scope)
    finally:
        run.depth -= 1
        run.conforming.discard(key)
    if type(value) is dict and "resourceType" in value:
        run.conformed[key] = found
    return found


def _value_checks(own: Mapping[str, Any]) -> list[Check]:
    checks = []
    fixed, pattern = values.given(own, "fixed"), values.given(own, "pattern")
    low, high = values.given(own, "minValue"), values.given(own, "maxValue")
    if fixed is not None:
        checks.append(values.fixed_check(values.exact(fixed)))
    if pattern is not None:
        checks.append(values.pattern_check(values.exact(pattern)))
    if low is not None:
        checks.append(values.limit_check(values.exact(low), is_minimum=True))
    if high is not None:
        checks.append(values.limit_check(values.exact(high), is_minimum=False))
    if "maxLength" in own:
        checks.append(values.length_check(own["maxLength"]))
    return checks


def _by_shape(made: Mapping[str, Check | None]) -> Check | None:
    """Choose a binding's check by what the value is, where a choice leaves several types."""
    concept, coded, plain = made.get("CodeableConcept"), None, None
    for code, check in made.items():
        if code in ("Coding", "Quantity"):
            coded = coded or check
        elif code != "CodeableConcept":
            plain = plain or check
    chosen = {"concept": concept, "coded": coded, "plain": plain}
    if not any(chosen.values()):
        return None

    def by_shape(value: Any, extra: Any, scope: Scope) -> Found:
        if type(value) is not dict:
            check = chosen["plain"]
        else:
            check = chosen["concept" if "coding" in value or "text" in value else "coded"]
        return None if check is None else check(value, extra, scope)

    return by_shape


def _limits(node: Node) -> tuple[int, int | None]:
    high = node.own.get("max", "*")
    low = node.own.get("min", 0)
    return (low if type(low) is int else 0), (int(high) if str(high).isdigit() else None)


def _is_less(high: int, base: int | None) -> bool:
    return base is None or high < base


def _count_check(node: Node, base: Element | None) -> Callable[[Sequence[Item]], Found] | None:
    """Check how many values there are, where the profile asks for more than the type."""
    low, high = _limits(node)
    is_narrower = high is not None and (base is None or _is_less(high, base.max))
    if base is not None and low <= base.min and not is_narrower:
        return None
    path = node.path

    def check(items: Sequence[Item]) -> Found:
        count = len(items)
        if count < low:
            return [Fault(TOO_FEW, {"name": path, "count": count, "min": low})]
        if high is not None and count > high:
            return [Fault(TOO_MANY, {"name": path, "count": count, "max": high})]
        return None

    return check


def _each(one: Check) -> Together:
    """Check every value of an element."""

    def check(items: Sequence[Item], scope: Scope) -> Found:
        found: Found = None
        for item in items:
            more = one(item.value, item.extra, scope)
            if more is not None:
                found = joined(found, more, item.step)
        return found

    return check


def _typed(name: str, allowed: frozenset[str], one: Check | None) -> Together:
    """Check the values of a choice that is narrowed to some types."""
    listed = ", ".join(sorted(allowed))

    def check(items: Sequence[Item], scope: Scope) -> Found:
        found: Found = None
        for item in items:
            more: Found = None
            if item.type not in allowed:
                wrong = {"name": name, "type": item.type, "allowed": listed}
                more = [Fault(TYPE_NOT_ALLOWED, wrong)]
            elif one is not None:
                more = one(item.value, item.extra, scope)
            if more is not None:
                found = joined(found, more, item.step)
        return found

    return check


def _merged(found: Found, more: Found) -> Found:
    return found if more is None else joined(found, more, "")


def _codes(node: Node) -> tuple[str, ...]:
    """Return the types an element may have; FHIRPath's own names are the type's as it is."""
    codes = (str(one.get("code", "")) for one in node.types)
    return tuple(dict.fromkeys(c for c in codes if not c.startswith(_SYSTEM_TYPE)))
