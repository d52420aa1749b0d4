"""Read the Parameters of R4's terminology operations, from a resource or from a query.

What an operation does not know, what is given twice, and what has another type is refused
by name: a parameter passed over in silence would change the meaning of the answer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from trucyte.base.clock import VIETNAM
from trucyte.base.problem import Kind, Problem
from trucyte.shared.terminology.concept import read_day

Json = Mapping[str, Any]

_TEXT_KEYS: Final = frozenset(
    {"valueString", "valueCode", "valueUri", "valueCanonical", "valueUrl", "valueId"}
)
_DATE_KEYS: Final = frozenset({"valueDateTime", "valueDate", "valueInstant"})
_KEYS: Final = {
    "text": _TEXT_KEYS,
    "texts": _TEXT_KEYS,
    "date": _DATE_KEYS,
    "boolean": frozenset({"valueBoolean"}),
    "integer": frozenset({"valueInteger", "valuePositiveInt", "valueUnsignedInt"}),
    "coding": frozenset({"valueCoding"}),
    "concept": frozenset({"valueCodeableConcept"}),
    "resource": frozenset({"resource"}),
    "resources": frozenset({"resource"}),
    "meta": frozenset({"valueMeta"}),
    "reference": _TEXT_KEYS | {"valueReference"},
    "references": _TEXT_KEYS | {"valueReference"},
}
_CLASSES: Final[Mapping[str, type]] = {
    "text": str, "texts": str, "date": str, "boolean": bool, "integer": int,
    "coding": dict, "concept": dict, "resource": dict, "resources": dict,
    "meta": dict, "reference": str, "references": str,
}  # fmt: skip
_SEVERAL: Final = frozenset({"texts", "resources", "references"})
_IN_BODY: Final = frozenset({"coding", "concept", "resource", "resources", "meta"})
_DATE: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_LEXEMES: Final = {"true": True, "false": False}
_INTEGER_DIGITS_MAX: Final = 9


class ParameterRefused(Problem):
    """The parameter {name} cannot be taken: {reason}."""

    code = "operation-parameter"


class ParameterUnsupported(Problem):
    """This node does not answer with the parameter {name}."""

    kind = Kind.UNSUPPORTED
    code = "operation-parameter-unsupported"


@dataclass(frozen=True, slots=True)
class Given:
    """The parameters of one call, by name; a name that is not there was not given."""

    values: Mapping[str, Sequence[Any]]

    def text(self, name: str) -> str:
        """Return a text, empty where it was not given."""
        return str(self.values.get(name, ("",))[0])

    def texts(self, name: str) -> Sequence[str]:
        """Return all texts, or references, of a name."""
        return self.values.get(name, ())

    def flag(self, name: str) -> bool | None:
        """Return a boolean, None where it was not given."""
        found: bool | None = self.values.get(name, (None,))[0]
        return found

    def number(self, name: str) -> int | None:
        """Return an integer, None where it was not given."""
        found: int | None = self.values.get(name, (None,))[0]
        return found

    def json(self, name: str) -> Json | None:
        """Return a Coding, CodeableConcept, Meta or resource, None where it was not given."""
        found: Json | None = self.values.get(name, (None,))[0]
        return found

    def jsons(self, name: str) -> Sequence[Json]:
        """Return all resources of a name."""
        return self.values.get(name, ())

    def day(self, name: str) -> date | None:
        """Return the day of a dateTime in Viet Nam, None where it was not given."""
        text = self.text(name)
        if not text:
            return None
        if "T" in text:
            try:
                moment = datetime.fromisoformat(text)
                return moment.astimezone(VIETNAM).date() if moment.tzinfo else moment.date()
            except (ValueError, OverflowError):
                raise ParameterRefused(name=name, reason="not a dateTime") from None
        found = read_day(text) if _DATE.fullmatch(text) else None
        if found is None:
            raise ParameterRefused(name=name, reason="not a dateTime")
        return found


def read_given(parameters: Json, known: Mapping[str, str]) -> Given:
    """Read a Parameters resource; `known` is name to kind, "no" for what is not answered here.

    Raises ParameterRefused, ParameterUnsupported.
    """
    entries = parameters.get("parameter", ())
    if parameters.get("resourceType") != "Parameters" or not isinstance(entries, (list, tuple)):
        raise ParameterRefused(name="parameter", reason="not a Parameters resource")
    values: dict[str, list[Any]] = {}
    for entry in entries:
        name = str(entry.get("name", "")) if isinstance(entry, dict) else ""
        kind = _kind(name, known)
        keys = entry.keys() - {"name", "id", "extension"}
        if len(keys) != 1 or not keys <= _KEYS[kind]:
            raise ParameterRefused(name=name, reason=f"not one {kind}")
        _add(values, name, kind, _read(entry, keys.pop()))
    return Given(values)


def _read(entry: Json, key: str) -> Any:
    value = entry[key]
    if key == "valueReference" and isinstance(value, dict):
        return value.get("reference")
    return value


def read_query(pairs: Iterable[tuple[str, str]], known: Mapping[str, str]) -> Given:
    """Read the pairs of a GET, which can be of simple types only (R4 3.2.0.2).

    Raises ParameterRefused, ParameterUnsupported.
    """
    values: dict[str, list[Any]] = {}
    for name, text in pairs:
        kind = _kind(name, known)
        _add(values, name, kind, _simple(name, kind, text))
    return Given(values)


def _kind(name: str, known: Mapping[str, str]) -> str:
    kind = known.get(name)
    if kind is None:
        raise ParameterRefused(name=name[:40], reason="this operation has none such")
    if kind == "no":
        raise ParameterUnsupported(name=name)
    return kind


def _simple(name: str, kind: str, text: str) -> Any:
    if kind == "boolean":
        return _LEXEMES.get(text, text)
    if kind == "integer":
        digits = text.removeprefix("-")
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= _INTEGER_DIGITS_MAX
        return int(text) if is_number else text
    if kind in _IN_BODY:
        raise ParameterRefused(name=name, reason="give it in the body of a POST")
    return text


def _add(values: dict[str, list[Any]], name: str, kind: str, value: Any) -> None:
    if type(value) is not _CLASSES[kind] or value == "":
        raise ParameterRefused(name=name, reason=f"not one {kind}")
    held = values.setdefault(name, [])
    if held and kind not in _SEVERAL:
        raise ParameterRefused(name=name, reason="given twice")
    held.append(value)
