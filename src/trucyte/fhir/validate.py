"""Structural validation of R4 resources: is this FHIR at all?

JSON types and lexical forms, cardinality, unknown elements, choices, required codes,
references, extensions, narrative, contained resources and bundle entries, each fault
with its place. Invariants and profiles are checked on top of this, never instead.
"""

from typing import Any

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue
from trucyte.fhir.validation.fault import FOUND_MAX, MORE_ISSUES, TOO_DEEP, Fault
from trucyte.fhir.validation.sound import SoundChecks
from trucyte.fhir.validation.structure import Checks

ISSUES_MAX = FOUND_MAX


class Validator:
    """Checks resources against the types of one package; make one and keep it."""

    def __init__(self, definitions: Definitions) -> None:
        self._sound = SoundChecks(definitions)
        self._checks = Checks(definitions)
        self._types = definitions.resource_types

    def check(self, resource: Any) -> list[Issue]:
        """Return what is wrong with a parsed resource, in the order of its elements.

        An empty list says that it is structurally valid R4. Never raises, whatever
        the value; at most `ISSUES_MAX` issues are listed.
        """
        try:
            if self._sound.resource(resource, None) is None:
                return []
            found = self._checks.resource(resource, None)
        except RecursionError:
            found = [Fault(TOO_DEEP)]
        if found is None:
            return []
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        root = kind if isinstance(kind, str) and kind in self._types else "Resource"
        issues = [one.issue(root) for one in found[:ISSUES_MAX]]
        if len(found) > ISSUES_MAX:
            issues.append(Fault(MORE_ISSUES, {"count": ISSUES_MAX}).issue(root))
        return issues
