"""The full check of a resource: structure, and everything that rests on definitions.

Profiles it names and profiles asked for, codes, invariants, extensions, references,
bundles and questionnaires. `fhir.validate.Validator` is its first step and the only one
of a bulk ingest.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.issue import Issue
from trucyte.fhir.packages.library import BaseUnknown, Library, ProfileUnknown
from trucyte.fhir.path.model import Node
from trucyte.fhir.profiles.compile import Profiles
from trucyte.fhir.profiles.extensions import Extensions
from trucyte.fhir.profiles.invariants.check import Evaluator, Invariants
from trucyte.fhir.profiles.lookup import Lookup
from trucyte.fhir.profiles.places import placed
from trucyte.fhir.profiles.rules import PROFILE_UNKNOWN, PROFILE_WANTED_UNKNOWN, refused
from trucyte.fhir.profiles.scope import Resolver, Run, Scope, Terminology, TooCostly, costly
from trucyte.fhir.profiles.special import special_faults
from trucyte.fhir.profiles.special.bundles import BundleIndex, bundle_faults
from trucyte.fhir.profiles.special.vital_signs import implied_profiles
from trucyte.fhir.profiles.targets import is_wrong
from trucyte.fhir.profiles.types import TypeChecks
from trucyte.fhir.validation.fault import FOUND_MAX, MORE_ISSUES, TOO_DEEP, Fault, Found, joined
from trucyte.fhir.validation.structure import Checks


class ProfileValidator:
    """Checks resources against R4 and the definitions of a library; make one and keep it."""

    def __init__(
        self,
        library: Library,
        terminology: Terminology,
        *,
        evaluator: Evaluator | None = None,
        resolver: Resolver | None = None,
        unknown_extension_is_error: bool = True,
    ) -> None:
        """Keep what is known.

        Without an evaluator only the plainest invariants are checked; without a resolver
        references lead no further than the resource and its bundle.
        """
        self._library = library
        self._resolver = resolver
        self._terminology = terminology
        self._types = library.core.resource_types
        self._structure = Checks(library.core)
        invariants = Invariants(evaluator)
        self._profiles = Profiles(library, terminology, invariants)
        self._lookup = Lookup(library, self._profiles.matcher)
        extensions = Extensions(
            library, self._profiles, unknown_is_error=unknown_extension_is_error
        )
        self._type_checks = TypeChecks(
            library.core, terminology, invariants, extensions, self._nested
        )

    def check(self, resource: Any, profiles: Sequence[str] = ()) -> list[Issue]:
        """Return what is wrong with a parsed resource, also by the profiles asked for.

        Never raises, whatever the value; at most `FOUND_MAX` issues are listed. Time and
        memory are bounded: a check that would take too long is given up and says so.
        """
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        is_known = isinstance(kind, str) and kind in self._types
        root = str(kind) if is_known else "Resource"
        try:
            found = self._structure.resource(resource, None) or []
        except RecursionError:
            return [Fault(TOO_DEEP).issue(root)]
        if is_known:
            found = found + self._beyond(resource, profiles, is_sound=not found)
        return _issues(root, found)

    def conforms(self, node: Node, profile: str) -> bool | None:
        """Say whether an element conforms to a profile; None where it is unknown.

        This is what `conformsTo()` of FHIRPath asks.
        """
        value = node.value
        if type(value) is not dict:
            return None
        try:
            check = self._profiles.check(profile)
            return not is_wrong(check(value, None, Scope(value, value, Run(is_sound=False))))
        except (Problem, TooCostly, RecursionError):
            return None

    def in_slice(self, node: Node, profile: str, name: str) -> list[Node] | None:
        """Return what of an element belongs to a slice; None where there is no such slice.

        This is what `slice()` of FHIRPath asks.
        """
        try:
            return self._lookup.in_slice(node, profile, name)
        except (TooCostly, RecursionError):
            return []

    def element_definition(self, path: str) -> dict[str, Any] | None:
        """Return R4's definition of an element by its path; None where it is unknown."""
        return self._lookup.element_definition(path)

    def _beyond(
        self, resource: dict[str, Any], profiles: Sequence[str], *, is_sound: bool
    ) -> list[Fault]:
        scope = Scope(resource, resource, Run(resolver=self._resolver, is_sound=is_sound))
        found: Found = None
        try:
            found = self._resource(resource, scope)
            for url in profiles:
                more = self._against(resource, scope, url, is_wanted=True)
                found = found if more is None else joined(found, more, "")
        except RecursionError:
            found = joined(found, [Fault(TOO_DEEP)], "")
        except TooCostly:
            found = joined(found, [costly()], "")
        return found or []

    # --- one resource, nested ones too --------------------------------------------------

    def _nested(self, value: Any, scope: Scope) -> Found:
        """Check a resource within another; one of no known type is a fault of structure."""
        kind = value.get("resourceType") if type(value) is dict else None
        if type(kind) is not str or kind not in self._types:
            return None
        return self._resource(value, scope.nested(value))

    def _resource(self, resource: dict[str, Any], scope: Scope) -> Found:
        found: Found = None
        if resource["resourceType"] == "Bundle":
            index = BundleIndex(resource)
            scope.bundle = index
            found = bundle_faults(resource, index, self._types, scope.run)
        for more in (
            self._type_checks.resource(resource, scope),
            special_faults(resource, scope, self._library, self._terminology),
            *(
                self._against(resource, scope, url, is_wanted=False)
                for url in (*_named_profiles(resource), *implied_profiles(resource))
            ),
        ):
            if more is not None:
                found = joined(found, more, "")
        return found

    def _against(
        self, resource: dict[str, Any], scope: Scope, url: str, *, is_wanted: bool
    ) -> Found:
        try:
            check = self._profiles.check(url)
        except ProfileUnknown:
            rule = PROFILE_WANTED_UNKNOWN if is_wanted else PROFILE_UNKNOWN
            return [Fault(rule, {"profile": url})]
        except BaseUnknown as problem:
            # That a package is missing here is not the fault of who names its profile.
            return refused(problem, is_warning=not is_wanted)
        except Problem as problem:
            return refused(problem)
        return check(resource, None, scope)


def _named_profiles(resource: dict[str, Any]) -> Iterable[str]:
    meta = resource.get("meta")
    listed = meta.get("profile") if type(meta) is dict else None
    return [url for url in listed if type(url) is str] if type(listed) is list else []


def _issues(root: str, found: Sequence[Fault]) -> list[Issue]:
    """Return the faults as issues, each once."""
    issues: list[Issue] = []
    seen = set()
    for one in found:
        issue = placed(one).issue(root)
        key = (issue.message_id, issue.location, tuple(issue.facts.items()))
        if key in seen:
            continue
        seen.add(key)
        issues.append(issue)
        if len(issues) >= FOUND_MAX:
            return [*issues, Fault(MORE_ISSUES, {"count": FOUND_MAX}).issue(root)]
    return issues
