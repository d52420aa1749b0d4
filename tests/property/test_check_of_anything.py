"""Checking answers every value there is, and knows the sound from the mutilated."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue
from trucyte.fhir.outcome import message
from trucyte.fhir.validate import Validator
from trucyte.fhir.wording import LANGUAGES

TYPES = ["Patient", "Observation", "Bundle", "Parameters", "Questionnaire", "ValueSet", "Nonsense"]
KEYS = """
    resourceType id meta text div status contained extension url reference identifier subject name
    code coding system value valueString _valueString valueQuantity valueReference given _given
    _birthDate birthDate entry resource fullUrl item linkId parameter component active period start
    contact telecom photo data low comparator type type#
""".split()  # noqa: SIM905 - a list of words reads best as words

keys = st.sampled_from(KEYS) | st.text(max_size=5)
texts = (
    st.text(max_size=12)
    | st.sampled_from([*TYPES, "final", "#a", "a", "Patient/1", "2026-02-30", "http://a/Patient/1"])
    | st.from_regex(r"<div xmlns=.http://www.w3.org/1999/xhtml.>[<>a-z&;]*</div>", fullmatch=True)
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | texts
    | st.just(Decimal("1.50"))
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)
resources = st.builds(
    lambda kind, rest: {**rest, "resourceType": kind},
    st.sampled_from(TYPES),
    st.dictionaries(keys, values, max_size=8),
)


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions)


@given(value=values | resources)
def test_check_never_raises_and_every_issue_can_be_said(validator: Validator, value: Any) -> None:
    before = copy.deepcopy(value)
    issues = validator.check(value)
    assert str(value) == str(before)
    for issue in issues:
        assert isinstance(issue, Issue)
        assert issue.location
        assert all(message(issue, language) for language in LANGUAGES)


SOUND = {
    "resourceType": "Patient",
    "id": "a",
    "active": True,
    "name": [{"given": ["Văn", "An"], "period": {"start": "2026"}}],
    "contact": [{"telecom": [{"system": "phone", "value": "1", "rank": 1}]}],
    "extension": [{"url": "http://x", "valueDecimal": Decimal("1.0")}],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for step, item in steps:
        found.append((*path, step))
        if isinstance(item, dict | list):
            found += places(item, (*path, step))
    return found


@given(st.sampled_from(places(SOUND)), st.sampled_from([None, "", {}, [], [None], {"x?": 1}]))
def test_nothing_empty_or_unknown_hides_anywhere(
    validator: Validator, place: tuple[Any, ...], put: Any
) -> None:
    resource = copy.deepcopy(SOUND)
    target: Any = resource
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = put
    assert validator.check(SOUND) == []
    assert validator.check(resource) != []
