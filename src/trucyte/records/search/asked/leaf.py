"""One condition of a search, read strictly: a parameter, its modifier, its values.

What this node does not know is refused with its name, never passed over: a search that
silently ignored a filter would show too much.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.search.limits import ALL_ALLOWED, Limits
from trucyte.fhir.search.moments import moment_range
from trucyte.fhir.search.parameters import Parameter
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.search.near import Circle, read_circle

# Bounds on one condition, so that a small request cannot ask for unbounded work.
ALTERNATIVES_MAX = 500
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.+)", re.DOTALL)
_RANGED = ("date", "number", "quantity")
_MODIFIERS: dict[str, frozenset[str]] = {
    "token": frozenset({"missing", "text", "not", "of-type", "in", "not-in", "above", "below"}),
    "reference": frozenset({"missing", "identifier"}),
    "string": frozenset({"missing", "exact", "contains"}),
    "uri": frozenset({"missing", "above", "below"}),
    "date": frozenset({"missing"}),
    "number": frozenset({"missing"}),
    "quantity": frozenset({"missing"}),
    "composite": frozenset(),
    "special": frozenset({"missing"}),
    "id": frozenset({"missing"}),
    "lastUpdated": frozenset({"missing"}),
}
# Where a message came from is often of that message alone: its prefixes are not kept.
_LEFT_OUT = {"_source": frozenset({"below"})}


class UnknownParameter(Problem):
    """The search parameter {parameter} is not known for {type}."""

    code = "search-parameter-unknown"


class ParameterNotSupported(Problem):
    """The search parameter {parameter} is not supported yet."""

    kind = Kind.UNSUPPORTED
    code = "search-parameter-unsupported"


class ModifierNotSupported(Problem):
    """The modifier of {parameter} is not supported for its type."""

    code = "search-modifier"


class LimitedByAuthor(Problem):
    """The SearchParameter behind {parameter} does not allow this {element}."""

    code = "search-parameter-limits"


class BadSearchValue(Problem):
    """The value of the search parameter {parameter} is not a {expected}."""

    code = "search-value"


class SearchTooLarge(Problem):
    """The search has more than {most} conditions or alternatives."""

    kind = Kind.TOO_LARGE
    code = "search-too-large"


@dataclass(frozen=True, slots=True)
class Value:
    """One alternative of a criterion.

    `parts` are the unescaped parts of a token (system, code), a reference, a quantity's unit
    or a composite; `low` and `high` the range of a date or number, half open; of a place
    there is the circle.
    """

    parts: tuple[str, ...] = ()
    prefix: str = "eq"
    low: float = 0
    high: float = 0
    point: float = 0
    components: tuple["Value", ...] = ()
    circle: Circle | None = None
    is_widened: bool = False

    def around(self) -> tuple[float, float]:
        """Return what is approximately a number: within a tenth of it, at least its precision."""
        if self.is_widened:
            return self.low, self.high
        tenth = abs(self.point) / 10
        return min(self.low, self.point - tenth), max(self.high, self.point + tenth)

    def around_itself(self) -> "Value":
        """Return the value with its range widened where it asks approximately."""
        if self.prefix != "ap":
            return self
        low, high = self.around()
        return replace(self, low=low, high=high)

    def with_ends(self, converted: Callable[[tuple[float, ...]], tuple[float, ...]]) -> "Value":
        """Return it in another unit; its range is then what it is, also approximately."""
        low, high, point = converted((self.low, self.high, self.point))
        return replace(self, low=low, high=high, point=point, is_widened=True)

    def around_time(self, now: int) -> tuple[int, int]:
        """Return what is approximately a date: within a tenth of the time between it and now."""
        margin = abs(now - int(self.low)) // 10
        return int(self.low) - margin, int(self.high) + margin


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition; its values are alternatives."""

    name: str  # as the caller wrote it, modifier included
    type: str  # id, lastUpdated, or the parameter's type
    parameter: Parameter | None
    modifier: str
    values: tuple[Value, ...]


# The name of the condition that a resource is the one at the centre of a compartment.
CENTRE = "(centre)"


def read_leaf(
    name: str, code: str, modifier: str, text: str, parameter: Parameter | None
) -> Criterion:
    """Read one condition on the resource itself.

    `name` is what the caller wrote; `parameter` is None for what the index itself knows.
    Raises ModifierNotSupported, BadSearchValue, SearchTooLarge.
    """
    shown = shown_name(name)
    kind = parameter.type if parameter is not None else code.removeprefix("_")
    check_modifier(shown, code, kind, modifier)
    # A filter without a value is no filter, and would show everything.
    _nonempty(text, shown)
    alternatives = split_at(text, ",")
    if len(alternatives) > ALTERNATIVES_MAX:
        raise SearchTooLarge(most=ALTERNATIVES_MAX)
    values = tuple(_value(kind, modifier, part, shown, parameter) for part in alternatives)
    if parameter is not None and parameter.limits is not ALL_ALLOWED:
        _check_limits(parameter.limits, shown, modifier, values)
    return Criterion(name, kind, parameter, modifier, values)


def _check_limits(limits: Limits, shown: str, modifier: str, values: Sequence[Value]) -> None:
    """Raise LimitedByAuthor; a value without a prefix asks what every parameter answers."""
    if modifier and limits.modifiers is not None and modifier not in limits.modifiers:
        raise LimitedByAuthor(parameter=shown, element="modifier")
    used = {value.prefix for value in values} - {"eq"}
    if limits.comparators is not None and not used <= limits.comparators:
        raise LimitedByAuthor(parameter=shown, element="comparator")
    if len(values) > 1 and not limits.multiple_or:
        raise LimitedByAuthor(parameter=shown, element="multipleOr")


def check_modifier(shown: str, code: str, kind: str, modifier: str) -> None:
    """Raise ModifierNotSupported where R4 3.1.1.5 knows none such for the type, or we do not."""
    if not modifier or modifier in _MODIFIERS[kind] - _LEFT_OUT.get(code, frozenset()):
        return
    if kind != "reference" or modifier not in TYPE_NUMBERS:
        raise ModifierNotSupported(parameter=shown)


def shown_name(name: str) -> str:
    """A parameter's name is the caller's text: show it only where it looks like a name."""
    return name if re.fullmatch(r"[A-Za-z_][\w\-:.]{0,63}", name, re.ASCII) else "(unreadable)"


def _value(kind: str, modifier: str, text: str, shown: str, parameter: Parameter | None) -> Value:
    if modifier == "missing":
        if text not in ("true", "false"):
            raise BadSearchValue(parameter=shown, expected="true | false")
        return Value(parts=(text,))
    if kind == "composite":
        assert parameter is not None
        return _composite(text, shown, parameter)
    if kind in _READERS:
        return _READERS[kind](text, shown)
    if kind in ("number", "quantity"):
        return _number(kind, text, shown)
    if kind == "token" or modifier == "identifier":
        return _token(modifier, text, shown)
    return Value(parts=(_nonempty(unescape(text), shown),))


def _near(text: str, shown: str) -> Value:
    try:
        return Value(circle=read_circle(tuple(unescape(part) for part in split_at(text, "|"))))
    except ValueError:
        expected = "latitude|longitude|distance|km, m or [mi_us]"
        raise BadSearchValue(parameter=shown, expected=expected) from None


def _composite(text: str, shown: str, parameter: Parameter) -> Value:
    parts = split_at(text, "$")
    types = parameter.component_types
    if len(parts) != len(types):
        raise BadSearchValue(parameter=shown, expected="$".join(types))
    values = (_value(kind, "", part, shown, None) for kind, part in zip(types, parts, strict=True))
    return Value(components=tuple(values))


def _token(modifier: str, text: str, shown: str) -> Value:
    if modifier == "text":
        return Value(parts=(_nonempty(unescape(text), shown),))
    parts = tuple(unescape(part) for part in split_at(text, "|"))
    if modifier == "of-type":
        if len(parts) != 3 or not all(parts):
            raise BadSearchValue(parameter=shown, expected="system|code|value")
    elif len(parts) > 2 or not any(parts):
        raise BadSearchValue(parameter=shown, expected="code or system|code")
    return Value(parts=parts)


def _date(text: str, shown: str) -> Value:
    shape = _PREFIX.fullmatch(text)
    prefix, rest = shape.groups() if shape else (None, "")
    # A plus sign of the offset that was not escaped comes as a space.
    rest = re.sub(r" (?=\d\d:\d\d$)", "+", rest)
    try:
        low, high = moment_range(rest)
    except (ValueError, OverflowError):
        raise BadSearchValue(parameter=shown, expected="date") from None
    return Value(prefix=prefix or "eq", low=low, high=high)


def _number(kind: str, text: str, shown: str) -> Value:
    parts = tuple(unescape(part) for part in split_at(text, "|"))
    shape = _PREFIX.fullmatch(parts[0])
    if shape is None or len(parts) not in (1, 3) or (kind == "number" and len(parts) != 1):
        raise BadSearchValue(parameter=shown, expected=kind)
    prefix, digits = shape.groups()
    if not re.fullmatch(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", digits, re.ASCII):
        raise BadSearchValue(parameter=shown, expected=kind)
    number = Decimal(digits)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(exponent - 1)
    return Value(
        parts=parts[1:],
        prefix=prefix or "eq",
        low=float(number - half),
        high=float(number + half),
        point=float(number),
    )


def _nonempty(text: str, shown: str) -> str:
    if not text.strip() or "\0" in text:
        raise BadSearchValue(parameter=shown, expected="text")
    return text


def split_at(text: str, mark: str) -> list[str]:
    r"""Split at `mark` where no backslash stands before it (R4 3.1.1.5: \, \| \$ \\)."""
    parts, begin, place = [], 0, 0
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == mark:
            parts.append(text[begin:place])
            begin = place + 1
        place += 1
    return [*parts, text[begin:]]


def unescape(text: str) -> str:
    """Return a part of a value as it is meant, without its backslashes (R4 3.1.1.5.7)."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


_READERS: dict[str, Callable[[str, str], Value]] = {
    "special": _near,
    "date": _date,
    "lastUpdated": _date,
}
