"""The invariants that nearly every resource meets, as plain Python.

Each stands under its FHIRPath word for word; a test evaluates both over all examples.
A rule holds unless it is found broken: what is malformed is a fault of structure.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from trucyte.fhir.profiles.scope import Scope

Native = Callable[[Any, Any, Scope], bool]


def _has(value: Any, name: str) -> bool:
    """Say whether an element is there: by its value or by its `_` sibling."""
    return name in value or "_" + name in value


def _has_choice(value: Any, stem: str) -> bool:
    return any(key.startswith(stem) or key.startswith("_" + stem) for key in value)


def _without(name: str, *, unless: str) -> Native:
    """`name.empty() or unless.exists()`."""
    return lambda value, extra, scope: not _has(value, name) or _has(value, unless)


def _not_both(one: str, other: str) -> Native:
    """`one.empty() or other.empty()`."""
    return lambda value, extra, scope: not (_has(value, one) and _has(value, other))


def _either(*names: str) -> Native:
    """`a.exists() or b.exists() …`."""
    return lambda value, extra, scope: any(_has(value, name) for name in names)


def in_order(first: Any, second: Any) -> bool:
    """Say whether one date is not after another; unequal precisions that agree are in order."""
    if type(first) is not str or type(second) is not str:
        return True
    if len(first) > 10 and len(second) > 10:
        try:
            return _moment(first) <= _moment(second)
        except (ValueError, TypeError):
            return True
    length = min(len(first), len(second), 10)
    return first[:length] <= second[:length]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace(":60", ":59"))


def _period(value: Any, extra: Any, scope: Scope) -> bool:
    return in_order(value.get("start"), value.get("end"))


def _range(value: Any, extra: Any, scope: Scope) -> bool:
    low, high = value.get("low"), value.get("high")
    if type(low) is not dict or type(high) is not dict:
        return True
    if (low.get("code") or low.get("unit")) != (high.get("code") or high.get("unit")):
        return True
    one, other = low.get("value"), high.get("value")
    numbers = (int, Decimal)
    return not isinstance(one, numbers) or not isinstance(other, numbers) or one <= other


def _contained_plain(value: Any, extra: Any, scope: Scope) -> bool:
    return not any(
        isinstance(meta, dict) and ("versionId" in meta or "lastUpdated" in meta)
        for meta in _metas(value)
    )


def _contained_open(value: Any, extra: Any, scope: Scope) -> bool:
    return not any(isinstance(meta, dict) and "security" in meta for meta in _metas(value))


def _metas(value: Any) -> list[Any]:
    listed = value.get("contained")
    if type(listed) is not list:
        return []
    return [one.get("meta") for one in listed if isinstance(one, dict)]


def _observation_value(value: Any, extra: Any, scope: Scope) -> bool:
    return not _has(value, "dataAbsentReason") or not _has_choice(value, "value")


def _component_codes(value: Any, extra: Any, scope: Scope) -> bool:
    components = value.get("component")
    if type(components) is not list or not _has_choice(value, "value"):
        return True
    mine = _codings(scope.resource.get("code"))
    return not any(
        coding in mine
        for one in components
        if isinstance(one, dict)
        for coding in _codings(one.get("code"))
    )


def _codings(concept: Any) -> list[Any]:
    listed = concept.get("coding") if isinstance(concept, dict) else None
    return listed if isinstance(listed, list) else []


def _says(value: Any, name: str, system: str, codes: frozenset[str]) -> bool:
    return any(
        isinstance(coding, dict) and coding.get("system") == system and coding.get("code") in codes
        for coding in _codings(value.get(name))
    )


_STATUS = "http://terminology.hl7.org/CodeSystem/"
_IN_ERROR = frozenset({"entered-in-error"})
_OVER = frozenset({"resolved", "remission", "inactive"})


def _condition_in_error(value: Any) -> bool:
    return _says(value, "verificationStatus", _STATUS + "condition-ver-status", _IN_ERROR)


def _condition_3(value: Any, extra: Any, scope: Scope) -> bool:
    # `category.select($this='problem-list-item')` compares a concept with a text: each
    # category gives false, so any category makes the collection not empty.
    return _has(value, "clinicalStatus") or _condition_in_error(value) or "category" not in value


def _condition_4(value: Any, extra: Any, scope: Scope) -> bool:
    is_over = _says(value, "clinicalStatus", _STATUS + "condition-clinical", _OVER)
    return is_over or not _has_choice(value, "abatement")


def _condition_5(value: Any, extra: Any, scope: Scope) -> bool:
    return not _condition_in_error(value) or not _has(value, "clinicalStatus")


def _ratio(value: Any, extra: Any, scope: Scope) -> bool:
    both = _has(value, "numerator") == _has(value, "denominator")
    return both and (_has(value, "numerator") or "extension" in value)


def _named(value: Any, extra: Any, scope: Scope) -> bool:
    return _has(value, "identifier") or _has(value, "name")


def _not_home(value: Any, extra: Any, scope: Scope) -> bool:
    return bool(value.get("use") != "home")


def _goal(value: Any, extra: Any, scope: Scope) -> bool:
    return not _has_choice(value, "detail") or _has(value, "measure")


def _at_least_nothing(name: str) -> Native:
    def holds(value: Any, extra: Any, scope: Scope) -> bool:
        number = value.get(name)
        return not isinstance(number, int | Decimal) or number >= 0

    return holds


NATIVE: dict[str, Native] = {
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _period,
    "low.empty() or high.empty() or (low <= high)": _range,
    "code.empty() or system.exists()": _without("code", unless="system"),
    "value.empty() or system.exists()": _without("value", unless="system"),
    "data.empty() or contentType.exists()": _without("data", unless="contentType"),
    "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()": _contained_plain,
    "contained.meta.security.empty()": _contained_open,
    "dataAbsentReason.empty() or value.empty()": _observation_value,
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding)"
    ".exists()).empty()": _component_codes,
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7"
    ".org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or "
    "category.select($this='problem-list-item').empty()": _condition_3,
    "abatement.empty() or clinicalStatus.coding.where(system='http://terminology.hl7.org/"
    "CodeSystem/condition-clinical' and (code='resolved' or code='remission' or "
    "code='inactive')).exists()": _condition_4,
    "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/"
    "condition-ver-status' and code='entered-in-error').empty() or "
    "clinicalStatus.empty()": _condition_5,
    "(numerator.empty() xor denominator.exists()) and "
    "(numerator.exists() or extension.exists())": _ratio,
    "(identifier.count() + name.count()) > 0": _named,
    "where(use = 'home').empty()": _not_home,
    "(detail.exists() and measure.exists()) or detail.exists().not()": _goal,
    "low.exists() or high.exists() or text.exists()": _either("low", "high", "text"),
    "name.exists() or telecom.exists() or address.exists() or organization.exists()": _either(
        "name", "telecom", "address", "organization"
    ),
    "documentType.exists() or reference.exists()": _either("documentType", "reference"),
    "detail.empty() or reference.empty()": _not_both("detail", "reference"),
    "code.exists() or detail.exists()": _either("code", "detail"),
    "summary.exists() or assessment.exists()": _either("summary", "assessment"),
    "resource.exists() or request.exists() or response.exists()": _either(
        "resource", "request", "response"
    ),
    "duration.empty() or durationUnit.exists()": _without("duration", unless="durationUnit"),
    "period.empty() or periodUnit.exists()": _without("period", unless="periodUnit"),
    "periodMax.empty() or period.exists()": _without("periodMax", unless="period"),
    "durationMax.empty() or duration.exists()": _without("durationMax", unless="duration"),
    "countMax.empty() or count.exists()": _without("countMax", unless="count"),
    "timeOfDay.empty() or when.empty()": _not_both("timeOfDay", "when"),
    "duration.exists() implies duration >= 0": _at_least_nothing("duration"),
    "period.exists() implies period >= 0": _at_least_nothing("period"),
    "orderDetail.empty() or code.exists()": _without("orderDetail", unless="code"),
}
