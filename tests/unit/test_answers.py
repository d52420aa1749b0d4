"""A QuestionnaireResponse answers its Questionnaire."""

from typing import Any

import pytest

from tests.support.profiles import errors, library_of
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.profiles.validator import ProfileValidator

FORM = "http://test.vn/Questionnaire/form"
QUESTIONS: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "url": FORM,
    "status": "active",
    "item": [
        {"linkId": "name", "type": "string", "required": True, "maxLength": 5},
        {"linkId": "smokes", "type": "boolean"},
        {
            "linkId": "many",
            "type": "integer",
            "required": True,
            "enableWhen": [{"question": "smokes", "operator": "=", "answerBoolean": True}],
        },
        {
            "linkId": "colour",
            "type": "choice",
            "answerOption": [{"valueCoding": {"system": "http://c", "code": "red"}}],
        },
        {
            "linkId": "group",
            "type": "group",
            "repeats": True,
            "item": [{"linkId": "inner", "type": "date", "required": True}],
        },
    ],
}


def item(link_id: str, **value: Any) -> dict[str, Any]:
    return {"linkId": link_id, "answer": [value]}


NAME = item("name", valueString="An")
PLACE = "QuestionnaireResponse"
CASES: dict[str, tuple[list[dict[str, Any]], list[tuple[str, str]]]] = {
    "enough": ([NAME], []),
    "missing": ([], [("answer-missing", PLACE)]),
    "empty": ([{"linkId": "name"}], [("answer-missing", f"{PLACE}.item[0]")]),
    "unknown": ([NAME, item("x", valueString="a")], [("answer-link-id", f"{PLACE}.item[1]")]),
    "twice": ([NAME, NAME], [("answer-too-many", PLACE)]),
    "type": (
        [NAME, item("smokes", valueString="a")],
        [("answer-type", f"{PLACE}.item[1].answer[0]")],
    ),
    "long": (
        [item("name", valueString="abcdef")],
        [("answer-too-long", f"{PLACE}.item[0].answer[0]")],
    ),
    "asked": ([NAME, item("smokes", valueBoolean=True)], [("answer-missing", PLACE)]),
    "not asked": (
        [NAME, item("smokes", valueBoolean=False), item("many", valueInteger=1)],
        [("answer-disabled", f"{PLACE}.item[2]")],
    ),
    "option": (
        [NAME, item("colour", valueCoding={"system": "http://c", "code": "blue"})],
        [("answer-option", f"{PLACE}.item[1].answer[0]")],
    ),
    "chosen": ([NAME, item("colour", valueCoding={"system": "http://c", "code": "red"})], []),
    "order": (
        [item("smokes", valueBoolean=False), NAME],
        [("answer-order", f"{PLACE}.item[1]")],
    ),
    "groups": (
        [NAME, {"linkId": "group", "item": [item("inner", valueDate="2020")]}, {"linkId": "group"}],
        [("answer-missing", f"{PLACE}.item[2]")],
    ),
}


@pytest.fixture(scope="module")
def validator(definitions: Definitions, structures: Cache) -> ProfileValidator:
    return full_validator(library_of(definitions, structures, [QUESTIONS]))


def response(items: list[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": PLACE, "status": status, "questionnaire": FORM}
    return {**made, "item": items} if items else made


@pytest.mark.parametrize("name", CASES)
def test_answers_are_checked_by_their_questions(validator: ProfileValidator, name: str) -> None:
    items, expected = CASES[name]
    assert errors(validator.check(response(items))) == expected


def test_a_response_that_is_being_filled_in_may_lack_answers(validator: ProfileValidator) -> None:
    assert errors(validator.check(response([], "in-progress"))) == []


def test_a_questionnaire_that_is_not_there_is_said(validator: ProfileValidator) -> None:
    lost = {**response([]), "questionnaire": "http://nowhere"}
    assert [i.message_id for i in validator.check(lost)] == ["questionnaire-unknown"]


OPERATORS = [
    ("exists", {"answerBoolean": True}, [1], True),
    ("exists", {"answerBoolean": False}, [1], False),
    ("!=", {"answerInteger": 1}, [2], True),
    ("!=", {"answerInteger": 1}, [], False),
    (">", {"answerInteger": 1}, [2], True),
    ("<", {"answerInteger": 1}, [2], False),
    (">=", {"answerDate": "2020-01-01"}, ["2020-01-01"], True),
    ("<=", {"answerQuantity": {"value": 3}}, [{"value": 2}], True),
    (">", {"answerInteger": 1}, ["2"], False),
    ("?", {"answerInteger": 1}, [1], False),
]


@pytest.mark.parametrize(("operator", "answer", "given", "expected"), OPERATORS)
def test_conditions_compare_answers(
    operator: str, answer: dict[str, Any], given: list[Any], expected: bool
) -> None:
    from trucyte.fhir.profiles.special.enabled import is_enabled

    question = {"enableWhen": [{"question": "q", "operator": operator, **answer}]}
    assert is_enabled(question, {"q": given}) is expected


@pytest.mark.parametrize(("behaviour", "expected"), [("any", True), ("all", False), (None, False)])
def test_several_conditions_hold_all_or_any(behaviour: str | None, expected: bool) -> None:
    from trucyte.fhir.profiles.special.enabled import is_enabled

    conditions = [
        {"question": "q", "operator": "=", "answerInteger": 1},
        {"question": "q", "operator": "=", "answerInteger": 2},
    ]
    question = {"enableWhen": conditions, "enableBehavior": behaviour}
    assert is_enabled(question, {"q": [1]}) is expected
