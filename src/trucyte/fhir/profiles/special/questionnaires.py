"""Questionnaire: its conditions ask questions that are there, and come before."""

from collections.abc import Iterator, Mapping
from typing import Any

from trucyte.fhir.packages.library import Library
from trucyte.fhir.profiles.rules import CONDITION_LATER, CONDITION_QUESTION
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.walk import objects, texts
from trucyte.fhir.validation.fault import Found, fault, joined

Placed = tuple[str, dict[str, Any]]


def questionnaire_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """Check that each `enableWhen` names another question of the form."""
    questions = list(_questions(resource))
    order = {texts(question, "linkId"): n for n, (_, question) in enumerate(questions)}
    found: Found = None
    for number, (path, question) in enumerate(questions):
        scope.run.charge(1)
        for step, condition in objects(question, "enableWhen"):
            name = texts(condition, "question")
            if name not in order or order[name] == number:
                found = joined(found, fault(CONDITION_QUESTION), path + step)
            elif order[name] > number:
                found = joined(found, fault(CONDITION_LATER), path + step)
    return found


def _questions(resource: Mapping[str, Any]) -> Iterator[Placed]:
    """Yield the items with their places, in the order they are asked."""
    waiting: list[Placed] = [*objects(resource, "item")][::-1]
    while waiting:
        path, question = waiting.pop()
        yield path, question
        waiting += [(path + step, one) for step, one in objects(question, "item")][::-1]
