"""The kinds of fault that are found beyond structure; each is worded by its id."""

from trucyte.base.problem import Problem
from trucyte.fhir.issue import Severity
from trucyte.fhir.validation.fault import Fault, Rule

WARNING, INFORMATION = Severity.WARNING, Severity.INFORMATION

# --- profiles ---
PROFILE_UNKNOWN = Rule("profile-unknown", "not-found", WARNING)
PROFILE_WANTED_UNKNOWN = Rule("profile-wanted-unknown", "not-found")
PROFILE_TYPE = Rule("profile-type", "structure")
TOO_FEW = Rule("profile-too-few", "structure")
TOO_MANY = Rule("profile-too-many", "structure")
TYPE_NOT_ALLOWED = Rule("profile-type-not-allowed", "structure")
FIXED = Rule("profile-fixed", "value")
PATTERN = Rule("profile-pattern", "value")
TEXT_LONG = Rule("profile-text-too-long", "too-long")
BELOW_MINIMUM = Rule("profile-below-minimum", "value")
ABOVE_MAXIMUM = Rule("profile-above-maximum", "value")
NO_SLICE = Rule("profile-no-slice", "structure")
TWO_SLICES = Rule("profile-two-slices", "structure")
SLICE_ORDER = Rule("profile-slice-order", "structure")
SLICE_AT_END = Rule("profile-slice-at-end", "structure")
SLICE_TOO_FEW = Rule("profile-slice-too-few", "structure")
SLICE_TOO_MANY = Rule("profile-slice-too-many", "structure")
NO_PROFILE_FITS = Rule("profile-none-fits", "structure")
TARGET_PROFILE = Rule("profile-target", "structure")
INVARIANT = Rule("invariant", "invariant")
INVARIANT_WARNING = Rule("invariant", "invariant", WARNING)
INVARIANT_SKIPPED = Rule("invariant-not-evaluated", "not-supported", INFORMATION)
TOO_COSTLY = Rule("check-too-costly", "too-costly")
# --- codes ---
BINDING = Rule("binding-required", "code-invalid")
BINDING_EXTENSIBLE = Rule("binding-extensible", "code-invalid", WARNING)
BINDING_UNKNOWN = Rule("binding-not-checked", "not-supported", INFORMATION)
NO_CODE = Rule("binding-no-code", "code-invalid")
CODE_UNKNOWN = Rule("code-unknown", "code-invalid")
DISPLAY = Rule("display-differs", "invalid", WARNING)
SYSTEM_RELATIVE = Rule("coding-system-relative", "invalid")
SYSTEM_VALUE_SET = Rule("coding-system-value-set", "invalid")
# Relative canonicals are against the text (R4 2.24.0.1), and in 47 of its own examples.
CANONICAL_RELATIVE = Rule("canonical-relative", "invalid", WARNING)
# --- extensions ---
EXTENSION_UNKNOWN = Rule("extension-unknown", "structure")
EXTENSION_UNKNOWN_HL7 = Rule("extension-unknown", "structure", WARNING)
EXTENSION_CONTEXT = Rule("extension-context", "structure")
EXTENSION_MODIFIER = Rule("extension-modifier", "structure")
EXTENSION_NOT_MODIFIER = Rule("extension-not-modifier", "structure")
EXTENSION_TOO_MANY = Rule("extension-too-many", "structure")
EXTENSION_PART = Rule("extension-part-unknown", "structure")
EXTENSION_PART_HL7 = Rule("extension-part-unknown", "structure", WARNING)
# --- bundles and links ---
FULL_URL_RELATIVE = Rule("full-url-relative", "invalid")
BUNDLE_REFERENCE = Rule("bundle-reference-missing", "invalid")
BUNDLE_REFERENCE_TWICE = Rule("bundle-reference-twice", "invalid")
SEARCH_ID = Rule("search-result-id", "invalid")
SEARCH_TYPE = Rule("search-result-type", "invalid")
SEARCH_OUTCOME = Rule("search-result-outcome", "invalid")
TARGET_TYPE = Rule("reference-target", "value")
URN_LOST = Rule("bundle-urn-missing", "not-found", WARNING)
NARRATIVE_LINK = Rule("narrative-link", "invalid")
# --- questionnaires ---
ANSWER_LINK_ID = Rule("answer-link-id", "structure")
ANSWER_MISSING = Rule("answer-missing", "required")
ANSWER_TOO_MANY = Rule("answer-too-many", "structure")
ANSWER_TYPE = Rule("answer-type", "structure")
ANSWER_OPTION = Rule("answer-option", "code-invalid")
ANSWER_DISABLED = Rule("answer-disabled", "invariant")
ANSWER_ORDER = Rule("answer-order", "structure")
ANSWER_TOO_LONG = Rule("answer-too-long", "too-long")
QUESTIONNAIRE_UNKNOWN = Rule("questionnaire-unknown", "not-found", WARNING)
CONDITION_QUESTION = Rule("condition-question", "invalid")
CONDITION_LATER = Rule("condition-later", "invalid", WARNING)
# --- definitions as resources ---
SEARCH_PARAMETER_TYPE = Rule("search-parameter-type", "invalid")
SEARCH_PARAMETER_DERIVED = Rule("search-parameter-derived", "business-rule")
PATH_INVALID = Rule("path-invalid", "invalid")
MEASURE_SCORE = Rule("measure-score", "business-rule")
PARAMETER_PROFILE = Rule("parameter-profile", "invalid")
EXPRESSION_LANGUAGE = Rule("expression-language", "invalid")

RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))


def refused(problem: Problem, *, is_warning: bool = False) -> list[Fault]:
    """Return the fault that a profile cannot be used; it is worded by the problem's code."""
    rule = Rule(problem.code, "not-supported", WARNING if is_warning else Severity.ERROR)
    return [Fault(rule, problem.facts)]
