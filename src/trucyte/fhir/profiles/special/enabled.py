"""When a question is asked: `enableWhen` of a Questionnaire (R4 Questionnaire.item)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from trucyte.fhir.profiles.special.walk import objects, texts
from trucyte.fhir.profiles.values import exact, same


def is_enabled(question: Mapping[str, Any], answers: Mapping[str, list[Any]]) -> bool:
    """Say whether a question is asked; `answers` holds those given, by linkId."""
    conditions = [one for _, one in objects(question, "enableWhen")]
    if not conditions:
        return True
    held = [_holds(one, answers.get(texts(one, "question"), [])) for one in conditions]
    return any(held) if question.get("enableBehavior") == "any" else all(held)


def _holds(condition: Mapping[str, Any], given: list[Any]) -> bool:
    operator = texts(condition, "operator")
    wanted = next((exact(v) for k, v in condition.items() if k.startswith("answer")), None)
    if operator == "exists":
        return bool(given) == (wanted is True)
    if operator == "!=":
        return bool(given) and not any(_is_same(one, wanted) for one in given)
    if operator == "=":
        return any(_is_same(one, wanted) for one in given)
    return any(_compares(operator, one, wanted) for one in given)


def _is_same(value: Any, wanted: Any) -> bool:
    if isinstance(value, dict) and isinstance(wanted, dict) and "code" in wanted:
        systems = {value.get("system"), wanted.get("system")} - {None}
        number = value.get("value") == wanted.get("value")
        return value.get("code") == wanted.get("code") and len(systems) < 2 and number
    return same(value, wanted)


def _compares(operator: str, value: Any, wanted: Any) -> bool:
    one, other = _ordered(value), _ordered(wanted)
    if type(one) is not type(other) or one is None or other is None:
        return False
    match operator:
        case ">":
            return bool(one > other)
        case "<":
            return bool(one < other)
        case ">=":
            return bool(one >= other)
        case "<=":
            return bool(one <= other)
    return False


def _ordered(value: Any) -> Any:
    """Return what can be put in order: a number, a date, the number of a quantity."""
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    return value if isinstance(value, Decimal | str) else None


def given_answers(item: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield step, type suffix ("Quantity") and value of the answers of an item."""
    for step, answer in objects(item, "answer"):
        for key, value in answer.items():
            if key.startswith("value") and len(key) > len("value"):
                yield step, key.removeprefix("value"), value
