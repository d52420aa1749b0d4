"""Profiles on the types of an element, and on what its references point to."""

from collections.abc import Callable, Sequence
from typing import Any

from trucyte.fhir.definitions import Element
from trucyte.fhir.issue import Severity
from trucyte.fhir.packages.library import STRUCTURES, Library
from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles.paths import kind_of, resolved
from trucyte.fhir.profiles.rules import NO_PROFILE_FITS, TARGET_PROFILE, TYPE_NOT_ALLOWED
from trucyte.fhir.profiles.scope import Check, Scope
from trucyte.fhir.validation.fault import Fault, Found

Conforms = Callable[[Any, Any, Scope, str], Found]
_SHOWN_MAX = 5


def is_wrong(found: Found) -> bool:
    """Say whether faults hold an error."""
    return found is not None and any(one.rule.severity is Severity.ERROR for one in found)


class Targets:
    """Makes the checks; `conforms` checks a value against a profile."""

    def __init__(self, library: Library, conforms: Conforms) -> None:
        """Keep where profiles are found."""
        self._library = library
        self._types = library.core.resource_types
        self._conforms = conforms

    # --- type[].profile -----------------------------------------------------------------

    def type_profiles(self, node: Node, base: Element | None) -> list[Check]:
        """Return the checks of profiles on types; extensions are checked by their url."""
        checks = []
        for one in node.types:
            code = one.get("code", "")
            profiles = [
                url for url in one.get("profile", ()) if base is None or url not in base.profiles
            ]
            if profiles and code != "Extension":
                checks.append(self._one_of(code, profiles))
        is_open = base is None or base.types != ("Resource",)
        codes = {one.get("code", "") for one in node.types}
        if not is_open and codes and not codes & {"Resource", "DomainResource"}:
            checks.insert(0, _kind_check(frozenset(codes)))
        return checks

    def _one_of(self, code: str, profiles: Sequence[str]) -> Check:
        conforms, is_resource = self._conforms, code in self._types or code == "Resource"

        def check(value: Any, extra: Any, scope: Scope) -> Found:
            if is_resource and code != "Resource" and kind_of(value) != code:
                return None  # another of the types, or a fault of its own
            if not is_resource and type(value) is not dict and code[:1].isupper():
                return None
            first: Found = None
            for url in profiles:
                found = conforms(value, extra, scope, url)
                if not is_wrong(found):
                    return found
                first = first or found
            if len(profiles) == 1:
                return first
            return [Fault(NO_PROFILE_FITS, {"profiles": _listed(profiles)})]

        return check

    # --- type[].targetProfile -----------------------------------------------------------

    def target_profiles(self, node: Node, base: Element | None) -> Check | None:
        """Return the check of what a Reference points to; None where any type may be meant."""
        targets = [url for one in node.types for url in one.get("targetProfile", ())]
        is_same = all(self._is_as_before(url, base) for url in targets)
        if not targets or (is_same and (base is None or len(targets) >= len(base.targets))):
            return None
        plain = frozenset(url.removeprefix(STRUCTURES) for url in targets if self._is_type(url))
        profiles = [url for url in targets if not self._is_type(url)]
        kinds = plain | {kind for url in profiles if (kind := self._type_of(url))}
        if plain & {"Resource", "DomainResource"} or len(kinds) == 0:
            return None
        return self._target_check(plain, profiles, frozenset(kinds), _listed(targets))

    def _is_type(self, url: str) -> bool:
        name = url.removeprefix(STRUCTURES)
        return name in self._types or name in ("Resource", "DomainResource")

    def _is_as_before(self, url: str, base: Element | None) -> bool:
        return base is not None and url.removeprefix(STRUCTURES) in base.targets

    def _type_of(self, url: str) -> str:
        source = self._library.source(url)
        return "" if source is None else str(source.get("type", ""))

    def _target_check(
        self, plain: frozenset[str], profiles: Sequence[str], kinds: frozenset[str], listed: str
    ) -> Check:
        conforms = self._conforms
        wrong = [Fault(TARGET_PROFILE, {"profiles": listed})]
        known_types = self._types

        def check(value: Any, extra: Any, scope: Scope) -> Found:
            if type(value) is not dict:
                return None
            target = resolved(value, scope)
            if target is None:
                kind = _kind_by_link(value, known_types)
                return wrong if kind and kind not in kinds else None
            kind = kind_of(target)
            if kind in plain:
                return None
            if kind not in kinds:
                return wrong
            fitting = (conforms(target, None, scope, url) for url in profiles)
            return None if any(not is_wrong(found) for found in fitting) else wrong

        return check


def _kind_check(kinds: frozenset[str]) -> Check:
    def check(value: Any, extra: Any, scope: Scope) -> Found:
        kind = kind_of(value)
        if not kind or kind in kinds:
            return None
        facts = {"name": "resource", "type": kind, "allowed": ", ".join(sorted(kinds))}
        return [Fault(TYPE_NOT_ALLOWED, facts)]

    return check


def _kind_by_link(value: dict[str, Any], known: frozenset[str]) -> str:
    """Read the type of a target from a link such as `Patient/1`, or from `type`."""
    link = value.get("reference")
    if type(link) is str:
        parts = link.partition("/_history/")[0].rsplit("/", 2)
        if len(parts) > 1 and parts[-2] in known:
            return parts[-2]
    kind = value.get("type")
    return kind if type(kind) is str and kind in known else ""


def _listed(urls: Sequence[str]) -> str:
    more = ", …" if len(urls) > _SHOWN_MAX else ""
    return ", ".join(urls[:_SHOWN_MAX]) + more
