"""Every finding and every refusal is worded in both languages."""

import string

import pytest

import trucyte.fhir.definitions
import trucyte.fhir.package
import trucyte.fhir.packages.library
import trucyte.fhir.packages.read
import trucyte.fhir.packages.snapshot
import trucyte.fhir.parse
import trucyte.fhir.text
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.outcome import ISSUE_TYPES, operation_outcome, problem_outcome
from trucyte.fhir.profiles.rules import RULES as BEYOND
from trucyte.fhir.validation.fault import RULES as STRUCTURE
from trucyte.fhir.wording import WORDINGS

MODULES = (
    trucyte.fhir.definitions,
    trucyte.fhir.package,
    trucyte.fhir.packages.library,
    trucyte.fhir.packages.read,
    trucyte.fhir.packages.snapshot,
    trucyte.fhir.parse,
    trucyte.fhir.text,
)
PROBLEMS = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Problem) and value is not Problem
]


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("message_id", WORDINGS)
def test_both_languages_say_the_same_facts(message_id: str) -> None:
    wording = WORDINGS[message_id]
    assert wording.vi and wording.en and wording.vi != wording.en
    assert fields(wording.vi) == fields(wording.en)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_refusal_is_in_the_catalogue(problem: type[Problem]) -> None:
    assert fields(WORDINGS[problem.code].vi) <= fields((problem.__doc__ or "").splitlines()[0])


def test_every_finding_is_in_the_catalogue() -> None:
    assert {rule.message_id for rule in (*STRUCTURE, *BEYOND)} <= set(WORDINGS)


def test_every_kind_of_problem_has_an_issue_type() -> None:
    assert set(ISSUE_TYPES) == set(Kind)


def test_an_outcome_names_place_message_and_mend() -> None:
    issue = Issue(
        Severity.ERROR, "required", "missing-element", "Patient.link[0].type", {"name": "type"}
    )
    outcome = operation_outcome([issue], "en")
    assert outcome == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "details": {"text": WORDINGS["missing-element"].en.format(
                    path="Patient.link[0].type", name="type"
                )},
                "diagnostics": "missing-element",
                "expression": ["Patient.link[0].type"],
            }
        ],
    }  # fmt: skip


def test_an_outcome_without_issues_says_so() -> None:
    assert operation_outcome([], "vi")["issue"][0]["details"] == {"text": "Không có lỗi."}


def test_a_refusal_becomes_an_outcome() -> None:
    problem = trucyte.fhir.text.NotUtf8(offset=7)
    (issue,) = problem_outcome(problem, "vi")["issue"]
    assert issue["code"] == "invalid" and "Byte 7" in issue["details"]["text"]


def test_a_refusal_unknown_to_the_catalogue_says_its_own_message() -> None:
    class Elsewhere(Problem):
        """The disk of shelf {shelf} is full."""

        kind = Kind.NO_SPACE
        code = "disk-full"

    (issue,) = problem_outcome(Elsewhere(shelf=3), "vi")["issue"]
    assert issue["details"]["text"] == "The disk of shelf 3 is full."


def test_our_outcomes_are_valid_themselves(definitions: trucyte.fhir.definitions.Definitions):
    from trucyte.fhir.validate import Validator

    validator = Validator(definitions)
    broken = validator.check({"resourceType": "Observation", "id": "a b", "x": 1})
    assert validator.check(operation_outcome(broken, "vi")) == []
    assert validator.check(problem_outcome(trucyte.fhir.text.NotUtf8(offset=7), "en")) == []
