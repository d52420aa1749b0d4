"""What a check returns while it climbs out of a resource.

A check answers None where all is well, so a sound resource costs no path and no list.
Where something is wrong it answers faults whose paths are relative; each level on the
way out puts its own step in front.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trucyte.fhir.issue import Issue, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of fault: its wording is found by `message_id`."""

    message_id: str
    code: str  # FHIR issue-type
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong at a place relative to where the check began."""

    rule: Rule
    facts: Mapping[str, str | int] = field(default_factory=dict)
    path: str = ""

    def under(self, step: str) -> "Fault":
        """Return the same fault seen from one level further out."""
        return Fault(self.rule, self.facts, step + self.path)

    def issue(self, root: str) -> Issue:
        """Return the fault as an issue of a resource of type `root`."""
        rule = self.rule
        return Issue(rule.severity, rule.code, rule.message_id, root + self.path, self.facts)


FOUND_MAX = 1000

Found = list[Fault] | None
# A check takes a value and the object it lies in: `birthDate` and `_birthDate` belong together.
Check = Callable[[Any, Any], Found]


def fault(rule: Rule, path: str = "", **facts: str | int) -> list[Fault]:
    """Return one fault, as a check answers it."""
    return [Fault(rule, facts, path)]


def joined(found: Found, more: list[Fault], step: str) -> list[Fault]:
    """Add `more`, seen from one level further out, to `found`, which is the caller's own.

    A flood is not listed to its end: beyond `FOUND_MAX` nothing is added, unless the
    list begins with a tentative fault and so might yet turn out to be empty.
    """
    if found is None:
        return [one.under(step) for one in more]
    if len(found) <= FOUND_MAX or found[0].rule is REFERENCE_FRAGMENT:
        found += [one.under(step) for one in more]
    return found


NOT_AN_OBJECT = Rule("not-an-object", "structure")
NOT_AN_ARRAY = Rule("not-an-array", "structure")
EMPTY_OBJECT = Rule("empty-object", "structure")
EMPTY_ARRAY = Rule("empty-array", "structure")
NULL_VALUE = Rule("null-value", "structure")
SIBLING_LENGTH = Rule("sibling-length", "structure")
UNKNOWN_ELEMENT = Rule("unknown-element", "structure")
MISSING_ELEMENT = Rule("missing-element", "required")
NOT_SINGLE = Rule("not-single", "structure")
TWO_CHOICES = Rule("two-choices", "structure")
WRONG_JSON_TYPE = Rule("wrong-json-type", "structure")
WRONG_FORM = Rule("wrong-form", "value")
EMPTY_TEXT = Rule("empty-text", "value")
CONTROL_CHARACTER = Rule("control-character", "value")
TEXT_TOO_LONG = Rule("text-too-long", "too-long")
CODE_NOT_ALLOWED = Rule("code-not-allowed", "code-invalid")
CONCEPT_NOT_ALLOWED = Rule("concept-not-allowed", "code-invalid")
NO_RESOURCE_TYPE = Rule("no-resource-type", "required")
UNKNOWN_TYPE = Rule("unknown-resource-type", "not-supported")
NESTED_CONTAINED = Rule("nested-contained", "invariant")
REFERENCE_FORM = Rule("reference-form", "value")
REFERENCE_URN = Rule("reference-urn", "value", Severity.WARNING)
REFERENCE_UNKNOWN_TYPE = Rule("reference-unknown-type", "value")
REFERENCE_TARGET = Rule("reference-target", "value")
REFERENCE_FRAGMENT = Rule("reference-fragment", "not-found")
EXTENSION_CONTENT = Rule("extension-content", "invariant")
FULL_URL = Rule("full-url-id", "invalid")
COMPARATOR = Rule("comparator-not-allowed", "invariant")
NARRATIVE_ROOT = Rule("narrative-root", "structure")
NARRATIVE_XML = Rule("narrative-xml", "structure")
NARRATIVE_ELEMENT = Rule("narrative-element", "invariant")
NARRATIVE_EMPTY = Rule("narrative-empty", "invariant")
TOO_DEEP = Rule("too-deep", "too-costly")
MORE_ISSUES = Rule("more-issues", "too-costly", Severity.INFORMATION)

RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
