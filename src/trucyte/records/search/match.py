"""Does a resource meet a search? Asked of the body, for every row about to be shown.

The index knows hashes, which may collide, so what it finds is looked at again here,
with the values themselves. No hash and no SQL: the same rules as `compile`, twice.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from trucyte.fhir.search import SearchValues, fold
from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.search.parameters import Parameter
from trucyte.records.measures import UCUM, converted_to
from trucyte.records.rows import shortened
from trucyte.records.search.asked.leaf import Criterion, Value
from trucyte.records.search.asked.paths import is_below, uris_above
from trucyte.records.search.asked.tree import And, Node, Not, Or

Numbers = Collection[int]

# (value's low and high, half open) against (search low and high, half open)
_DATES: dict[str, Callable[[float, float, float, float], bool]] = {
    "eq": lambda start, end, low, high: start >= low and end <= high,
    "ne": lambda start, end, low, high: not (start >= low and end <= high),
    "gt": lambda start, end, low, high: end > high,
    "lt": lambda start, end, low, high: start < low,
    "ge": lambda start, end, low, high: end > high or start >= low,
    "le": lambda start, end, low, high: start < low or end <= high,
    "sa": lambda start, end, low, high: start >= high,
    "eb": lambda start, end, low, high: end <= low,
    "ap": lambda start, end, low, high: start < high and end > low,
    "po": lambda start, end, low, high: start < high and end > low,
}
_NUMBERS: dict[str, Callable[[float, float, Value], bool]] = {
    "eq": lambda least, most, v: least >= v.low and most < v.high,
    "ne": lambda least, most, v: not (least >= v.low and most < v.high),
    "gt": lambda least, most, v: most > v.point,
    "lt": lambda least, most, v: least < v.point,
    "ge": lambda least, most, v: most >= v.point,
    "le": lambda least, most, v: least <= v.point,
    "sa": lambda least, most, v: least > v.point,
    "eb": lambda least, most, v: most < v.point,
    "ap": lambda least, most, v: least <= v.around()[1] and most >= v.around()[0],
}


class Links(Protocol):
    """Knows what was found at the far ends of links."""

    def holds(self, resource_type: str, node: Node, id: str, values: SearchValues) -> bool | None:
        """Whether a resource meets a node, None where only the index can tell."""


class Matcher:
    """What is asked of the resources of one type, to be asked of bodies."""

    def __init__(
        self,
        resource_type: str,
        nodes: Sequence[Node],
        parameters: Sequence[Parameter],
        now: int,
        links: Links,
    ) -> None:
        """Take what is asked; `now` in µs since 1970 decides what is approximately."""
        self._type = resource_type
        self._nodes = nodes
        self._parameters = parameters
        self._now = now
        self._links = links

    def matches(self, id: str, values: SearchValues) -> bool:
        """Whether a resource with this id and these values may meet everything.

        What its body does not tell has been asked of the index.
        """
        return all(self._holds(node, id, values) is not False for node in self._nodes)

    def _holds(self, node: Node, id: str, values: SearchValues) -> bool | None:
        match node:
            case Criterion():
                return self._meets(node, id, values)
            case And(parts):
                return _all(self._holds(part, id, values) for part in parts)
            case Or(parts):
                return _opposite(_all(_opposite(self._holds(part, id, values)) for part in parts))
            case Not(part):
                return _opposite(self._holds(part, id, values))
            case _:
                return self._links.holds(self._type, node, id, values)

    def _meets(self, criterion: Criterion, id: str, values: SearchValues) -> bool | None:
        if criterion.type == "id" and not criterion.modifier:
            return any(value.parts[0] == id for value in criterion.values)
        if criterion.parameter is None:
            return None  # the index has the journal's own time
        parameter = criterion.parameter
        if criterion.modifier == "missing":
            present = self._is_present(parameter, values)
            return any((value.parts[0] == "false") == present for value in criterion.values)
        met = any(
            self._has(parameter.type, criterion.modifier, parameter, parameter.sources, v, values)
            for v in criterion.values
        )
        return met != (criterion.modifier == "not")

    def _has(
        self, kind: str, modifier: str, parameter: Parameter, numbers: Numbers, value: Value,
        values: SearchValues,
    ) -> bool:  # fmt: skip
        if kind == "composite":
            return self._has_composite(parameter, value, values)
        if kind == "date":
            return _has_date(numbers, value, self._now, values)
        if kind == "reference":
            return _has_reference(modifier, parameter.target_only, numbers, value, values)
        return _TESTS[kind](modifier, numbers, value, values)

    def _has_composite(self, parameter: Parameter, value: Value, values: SearchValues) -> bool:
        on_resource = bool(parameter.components) and all(
            self._has(c.type, "", self._parameters[c.source], (c.source,), part, values)
            for c, part in zip(parameter.components, value.components, strict=True)
        )
        return on_resource or any(
            all(
                self._has(c.type, "", parameter, (place,), part, pairs)
                for place, (c, part) in enumerate(
                    zip(parameter.pairs, value.components, strict=True)
                )
            )
            for number, pairs in values.composites
            if number in parameter.sources
        )

    def _is_present(self, parameter: Parameter, values: SearchValues) -> bool:
        if parameter.target_only is not None:
            return any(
                value[0] in parameter.sources and value[1] == parameter.target_only
                for value in values.references
            )
        every: tuple[Sequence[tuple[int, ...]], ...] = (
            values.tokens, values.identifiers, values.references, values.dates, values.texts,
            values.quantities, values.uris, values.positions,
        )  # type: ignore[assignment]  # fmt: skip  # tuples that begin with a number
        return any(value[0] in parameter.sources for kind in every for value in kind)


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Return False if one is, None if one cannot be told, else True."""
    found = set(answers)
    return False if False in found else (None if None in found else True)


def _opposite(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _has_token(modifier: str, numbers: Numbers, value: Value, values: SearchValues) -> bool:
    if modifier == "text":
        return _has_phrase(numbers, value.parts[0], values)
    if modifier == "of-type":
        system, code, text = value.parts
        return any(
            number in numbers and text == identifier and (system, code) in types
            for number, _, identifier, types, _ in values.identifiers
        )
    codings = [token[:3] for token in values.tokens]
    codings += [identifier[:3] for identifier in values.identifiers]
    return any(
        number in numbers and _is_coding(value.parts, system, code)
        for number, system, code in codings
    )


def _is_coding(parts: tuple[str, ...], system: str | None, code: str | None) -> bool:
    if len(parts) == 1:
        return code == parts[0]
    if not parts[0]:
        return system is None and code == parts[1]
    return system == parts[0] and (not parts[1] or code == parts[1])


def _has_phrase(numbers: Numbers, text: str, values: SearchValues) -> bool:
    stem = shortened(fold(text))
    phrases = [(token[0], token[3]) for token in values.tokens]
    phrases += [(identifier[0], identifier[4]) for identifier in values.identifiers]
    return any(
        number in numbers and phrase and fold(phrase).startswith(stem) for number, phrase in phrases
    )


def _has_date(numbers: Numbers, value: Value, now: int, values: SearchValues) -> bool:
    low, high = value.around_time(now) if value.prefix == "ap" else (value.low, value.high)
    test = _DATES[value.prefix]
    return any(
        number in numbers and test(start, end, low, high) for number, start, end in values.dates
    )


def _has_reference(
    modifier: str, only: str | None, numbers: Numbers, value: Value, values: SearchValues
) -> bool:
    held = [r[1:] for r in values.references if r[0] in numbers and only in (None, r[1])]
    if modifier == "identifier":
        return any(_is_coding(value.parts, system, number) for *_, system, number in held)
    kind, id_, url = split_reference(value.parts[0])
    wanted = modifier or kind
    return any(
        (url is not None and held_url is not None and url in (held_url, _bare(held_url)))
        or (held_id is not None and held_id == (id_ or url) and wanted in (None, held_kind))
        for held_kind, held_id, held_url, _, _ in held
    )


def _bare(canonical: str) -> str:
    return canonical.partition("|")[0]


def _has_string(modifier: str, numbers: Numbers, value: Value, values: SearchValues) -> bool:
    text = value.parts[0]
    if modifier == "exact":
        return any(number in numbers and held == text for number, held in values.texts)
    stem = shortened(fold(text))
    test = _STRINGS.get(modifier, str.startswith)
    return any(
        number in numbers and test(shortened(fold(held)), stem) for number, held in values.texts
    )


def _has_uri(modifier: str, numbers: Numbers, value: Value, values: SearchValues) -> bool:
    uri = value.parts[0]
    held = {form for number, u in values.uris if number in numbers for form in (u, _bare(u))}
    if modifier == "above":
        return not held.isdisjoint(uris_above(uri))
    if modifier == "below":
        return any(is_below(form, uri) for form in held)
    return uri in held


def _has_quantity(_: str, numbers: Numbers, value: Value, values: SearchValues) -> bool:
    test = _NUMBERS[value.prefix]
    return any(
        number in numbers
        and (
            test(low, high, value)
            if _is_unit(value.parts, system, code, unit)
            else _holds_converted(test, value, (low, high), (system, code))
        )
        for number, low, high, system, code, unit in values.quantities
    )


def _holds_converted(
    test: Callable[[float, float, Value], bool],
    value: Value,
    ends: tuple[float, float],
    unit: tuple[str | None, str | None],
) -> bool:
    """Whether an amount in another UCUM unit meets the value, expressed in the value's."""
    system, code = unit
    if value.parts[:1] != (UCUM,) or system != UCUM or code is None:
        return False
    converted = converted_to(code, value.parts[1], ends)
    return converted is not None and test(converted[0], converted[1], value)


def _is_near(_: str, numbers: Numbers, value: Value, values: SearchValues) -> bool:
    circle = value.circle
    assert circle is not None
    return any(
        number in numbers and circle.has(latitude, longitude)
        for number, latitude, longitude in values.positions
    )


def _is_unit(
    parts: tuple[str, ...], system: str | None, code: str | None, unit: str | None
) -> bool:
    if not any(parts):
        return True
    if parts[0]:
        return (system, code) == parts
    return parts[1] in (code, unit)


_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "ends": str.endswith,
    "equals": str.__eq__,
}
_TESTS: dict[str, Callable[[str, Numbers, Value, SearchValues], bool]] = {
    "token": _has_token,
    "string": _has_string,
    "uri": _has_uri,
    "number": _has_quantity,
    "quantity": _has_quantity,
    "special": _is_near,
}
