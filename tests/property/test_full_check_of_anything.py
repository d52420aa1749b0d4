"""The full check answers every value there is, by whatever profile."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.profiles import URL, library_of, profile
from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue
from trucyte.fhir.outcome import message
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.profiles.validator import ProfileValidator
from trucyte.fhir.wording import LANGUAGES

TYPES = """
    Patient Observation Bundle Parameters Questionnaire QuestionnaireResponse ValueSet Composition
    StructureDefinition SearchParameter CapabilityStatement OperationDefinition MeasureReport
""".split()  # noqa: SIM905 - a list of words reads best as words
KEYS = """
    resourceType id meta profile text div status contained extension modifierExtension url reference
    identifier subject name code coding system value valueString _valueString valueQuantity display
    given _given _birthDate birthDate entry resource fullUrl item linkId answer parameter component
    period start end type questionnaire section focus link relation search mode base expression
    derivedFrom rest searchParam definition compose include filter concept differential element path
    sliceName slicing discriminator snapshot baseDefinition derivation inputProfile outputProfile
    enableWhen question operator required repeats answerOption valueCoding group measure use min max
""".split()  # noqa: SIM905 - a list of words reads best as words
VALUES = [
    *TYPES,
    "final",
    "#a",
    "a",
    "Patient/1",
    "document",
    "message",
    "searchset",
    "constraint",
    "1..1",
    "*",
    "http://loinc.org",
    "8310-5",
    "http://hl7.org/fhir/StructureDefinition/Patient",
    "http://hl7.org/fhir/StructureDefinition/bodytemp",
    "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
    URL + "x",
    '<div xmlns="http://www.w3.org/1999/xhtml"><a href="#x">a</a></div>',
]
keys = st.sampled_from(KEYS) | st.text(max_size=5)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=8)
    | st.sampled_from(VALUES)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=30,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=8) | st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=20,
)
resources = st.builds(
    lambda kind, rest: {**rest, "resourceType": kind},
    st.sampled_from(TYPES),
    st.dictionaries(keys, values, max_size=8),
)
SLICING = {"discriminator": [{"type": "value", "path": "code"}], "rules": "closed"}
SAMPLE = profile(
    "x",
    "Observation",
    {"path": "component", "slicing": SLICING, "min": 1},
    {"path": "component", "sliceName": "a", "min": 1},
    {"path": "component.code", "patternCodeableConcept": {"coding": [{"code": "a"}]}},
    {"path": "valueQuantity", "min": 1},
    {"path": "subject.identifier", "min": 1},
)


@pytest.fixture(scope="module")
def validator(definitions: Definitions, structures: Cache) -> ProfileValidator:
    return full_validator(library_of(definitions, structures, [SAMPLE]))


@given(value=values | resources)
@settings(deadline=None)
def test_the_full_check_never_raises_and_every_issue_can_be_said(
    validator: ProfileValidator, value: Any
) -> None:
    before = copy.deepcopy(value)
    for issue in validator.check(value, [URL + "x"]):
        assert isinstance(issue, Issue)
        assert issue.location
        assert all(message(issue, language) for language in LANGUAGES)
    assert str(value) == str(before)


@given(
    elements=st.lists(
        st.dictionaries(
            st.sampled_from([*KEYS, "fixedCode", "patternCoding", "constraint", "binding"]),
            json_values,
            max_size=5,
        ),
        max_size=6,
    ),
    paths=st.lists(
        st.sampled_from(["", "name", "name.given", "identifier.system", "contact.name.family"]),
        min_size=6,
        max_size=6,
    ),
)
@settings(deadline=None)
def test_whatever_a_profile_says_it_is_used_or_refused(
    definitions: Definitions, structures: Cache, elements: list[dict[str, Any]], paths: list[str]
) -> None:
    laid = [{**one, "path": path} for one, path in zip(elements, paths, strict=False)]
    made = profile("y", "Patient", *laid)
    library = library_of(definitions, structures)
    try:
        library = library_of(definitions, structures, [made])
    except Problem:
        return
    patient = {"resourceType": "Patient", "name": [{"family": "A", "given": ["B"]}]}
    for issue in full_validator(library).check(patient, [URL + "y"]):
        assert all(message(issue, language) for language in LANGUAGES)
