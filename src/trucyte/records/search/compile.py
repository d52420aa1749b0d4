"""Criteria as SQL: each becomes one condition over a row `e` of the index.

Values are always parameters; what stands in the text comes from this module alone.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trucyte.fhir.search import fold
from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.search.parameters import Component, Parameter
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.leaf import head_key
from trucyte.records.hashing import Hasher, parameter_number
from trucyte.records.mains import MAIN_DATES, MAIN_QUANTITIES
from trucyte.records.rows import shortened
from trucyte.records.search.query import Criterion, ParameterNotSupported, Query, Value

# Where the range of the search value [{low}, {high}) stands to the resource's [l, h), both
# half open (R4 3.1.1.4.6). `{l} < …` follows from l < h; it gives the index its other end.
_DATE_TESTS = {
    "eq": "({l} >= {low} and {l} < {high} and {h} <= {high})",
    "ne": "not ({l} >= {low} and {h} <= {high})",
    "gt": "{h} > {high}",
    "lt": "{l} < {low}",
    "ge": "({h} > {high} or {l} >= {low})",
    "le": "({l} < {high} and ({l} < {low} or {h} <= {high}))",
    "sa": "{l} >= {high}",
    "eb": "({l} < {low} and {h} <= {low})",
    "ap": "({l} < {high} and {h} > {low})",
}
# A number in a resource is what it is; only the search value's precision counts, and only
# for equality (R4 3.1.1.4.8). [l, h] is closed, {point} the bare search value.
_NUMBER_TESTS = {
    "eq": "({l} >= {low} and {h} < {high})",
    "ne": "not ({l} >= {low} and {h} < {high})",
    "gt": "{h} > {point}",
    "lt": "{l} < {point}",
    "ge": "{h} >= {point}",
    "le": "{l} <= {point}",
    "sa": "{l} > {point}",
    "eb": "{h} < {point}",
    "ap": "({l} <= {high} and {h} >= {low})",
}
NOTHING = "false"


@dataclass(slots=True)
class Parameters:
    """The statement's parameters, named as they come."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any, cast: str) -> str:
        """Keep a value and return its place in the text."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s::{cast}"


class Conditions:
    """Compiles the criteria of one query."""

    def __init__(
        self, query: Query, parameters: Sequence[Parameter], hasher: Hasher, now: int, origin: int
    ) -> None:
        """Take the query; `now` in µs since 1970 decides what is approximately."""
        self._query = query
        self._parameters = parameters
        self._hasher = hasher
        self._now = now
        self._origin = origin
        self.bound = Parameters()
        # Conditions on the main date alone: what a walk by date may begin with.
        self.dated: list[str] = []
        self.typed = 0  # criteria that only resources of the type can meet

    def build(self) -> list[str]:
        """Return one condition a criterion, and the type's where none implies it."""
        built = [self._condition(criterion) for criterion in self._query.criteria]
        if not self.typed:
            built.insert(0, self._tokens([self._hasher.type(self._query.type)]))
        return built

    def _condition(self, criterion: Criterion) -> str:
        if criterion.modifier == "missing":
            return self._missing(criterion)
        return _TYPES[criterion.type](self, criterion)

    def _any(self, conditions: Sequence[str]) -> str:
        kept = [condition for condition in conditions if condition != NOTHING]
        return f"({' or '.join(kept)})" if kept else NOTHING

    # Tokens

    def _tokens(self, tokens: Sequence[int]) -> str:
        if not tokens:
            return NOTHING
        place = self.bound.add(list(dict.fromkeys(tokens)), "bigint[]")
        return f"e.tokens {'@>' if len(set(tokens)) == 1 else '&&'} {place}"

    def _hashed(self, parameter: Parameter, forms: Sequence[int]) -> list[int]:
        return [
            self._hasher.parameter(self._query.type, self._parameters[source].code) ^ form
            for source in parameter.sources
            for form in forms
        ]

    def _token(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        if criterion.modifier == "text":
            return self._phrases(parameter, [value.parts[0] for value in criterion.values])
        forms = [self._token_form(value, criterion.modifier) for value in criterion.values]
        condition = self._tokens(self._hashed(parameter, forms))
        if criterion.modifier == "not":
            return f"not ({condition})"
        self.typed += 1
        return condition

    def _token_form(self, value: Value, modifier: str = "") -> int:
        hasher, parts = self._hasher, value.parts
        if modifier == "of-type":
            return hasher.of_type(*parts)
        if len(parts) == 1:
            return hasher.code(parts[0])
        system, code = parts
        if not system:
            return hasher.bare_code(code)
        return hasher.system_code(system, code) if code else hasher.system(system)

    def _phrases(self, parameter: Parameter, texts: Sequence[str]) -> str:
        """`:text`: what a display or text of the code begins with."""
        self.typed += 1
        inner = self._prefixes(parameter, texts)
        return f"e.tokens && array(select t.token from records.phrase t where {inner} limit 10000)"

    # Strings

    def _string(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        texts = [value.parts[0] for value in criterion.values]
        self.typed += 1
        if criterion.modifier == "exact":
            return self._tokens(self._hashed(parameter, [self._hasher.exact(t) for t in texts]))
        if criterion.modifier == "contains":
            inner = self._contained(parameter, texts)
        else:
            inner = self._prefixes(parameter, texts)
        return f"e.seq in (select t.seq from records.text t where {inner})"

    def _prefixes(self, parameter: Parameter, texts: Sequence[str]) -> str:
        ranges = []
        for text in texts:
            folded = shortened(fold(text))
            low = self.bound.add(folded, "text")
            high = self.bound.add(_after(folded), "text")
            ranges.append(f"(t.value >= {low} and t.value < {high})")
        return f"t.parameter = any({self._numbers(parameter)}) and ({' or '.join(ranges)})"

    def _contained(self, parameter: Parameter, texts: Sequence[str]) -> str:
        likes = []
        for text in texts:
            folded = fold(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            likes.append(f"t.value like {self.bound.add(f'%{folded}%', 'text')}")
        return f"t.parameter = any({self._numbers(parameter)}) and ({' or '.join(likes)})"

    def _numbers(self, parameter: Parameter) -> str:
        numbers = [
            parameter_number(self._query.type, self._parameters[source].code)
            for source in parameter.sources
        ]
        return self.bound.add(numbers, "integer[]")

    def _uri(self, criterion: Criterion) -> str:
        self.typed += 1
        forms = [self._hasher.uri(value.parts[0]) for value in criterion.values]
        return self._tokens(self._hashed(_of(criterion), forms))

    # References

    def _reference(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        self.typed += 1
        if criterion.modifier == "identifier":
            forms = [
                self._hasher.form("identifier", str(self._token_form(value)))
                for value in criterion.values
            ]
            condition = self._tokens(self._hashed(parameter, forms))
            if parameter.target_only is None:
                return condition
            return f"({condition} and {self._has_bit(1 << parameter.number)})"
        forms = [
            form
            for value in criterion.values
            for form in self._reference_forms(parameter, criterion.modifier, value.parts[0])
        ]
        return self._tokens(self._hashed(parameter, forms))

    def _reference_forms(self, parameter: Parameter, modifier: str, text: str) -> list[int]:
        kind, id_, url = split_reference(text)
        allowed = self._targets(parameter, modifier)
        if url is not None:
            if kind is not None or "/" in text or ":" in text:
                return [self._hasher.uri(url)]
            return [self._hasher.reference(self._origin, target, text) for target in allowed]
        if kind is None or kind not in allowed or id_ is None:
            return []
        return [self._hasher.reference(self._origin, kind, id_)]

    def _targets(self, parameter: Parameter, modifier: str) -> Sequence[str]:
        if parameter.target_only is not None:
            only: Sequence[str] = (parameter.target_only,)
            return only if modifier in ("", parameter.target_only) else ()
        if modifier:
            return (modifier,)
        targets = parameter.targets
        return targets if targets and "Resource" not in targets else RESOURCE_TYPES

    def _id(self, criterion: Criterion) -> str:
        """The journal knows which row is a resource's current one; an ended row its hash."""
        number = TYPE_NUMBERS[self._query.type]
        ids = [value.parts[0] for value in criterion.values]
        keys = [head_key(self._origin, number, id_.encode()) for id_ in ids]
        references = [self._hasher.reference(self._origin, self._query.type, i) for i in ids]
        current = self.bound.add([key.hex() for key in keys], "text[]")
        ended = self.bound.add(references, "bigint[]")
        self.typed += 1
        return (
            f"(e.reference = any({ended}) and e.type = {self.bound.add(number, 'smallint')}"
            f" and (e.is_ended or e.seq in (select h.seq from journal.head h"
            f" where h.key = any({current}::uuid[]))))"
        )

    # Ranges

    def _date(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        condition = self._any([self._date_of(parameter, v) for v in criterion.values])
        if parameter.stored and parameter.code == MAIN_DATES.get(self._query.type):
            self.dated.append(condition)
        return condition

    def _date_of(self, parameter: Parameter, value: Value) -> str:
        main = MAIN_DATES.get(self._query.type)
        conditions = []
        beside = [s for s in parameter.sources if self._parameters[s].code != main]
        if len(beside) < len(parameter.sources):
            # With the type, whose dates lie together in the index.
            test = self._range(_DATE_TESTS, value, "e.date_low", "e.date_high")
            conditions.append(f"(e.type = {TYPE_NUMBERS[self._query.type]} and {test})")
        if beside:
            numbers = self._side_numbers(beside)
            test = self._range(_DATE_TESTS, value, "d.low", "d.high")
            conditions.append(
                f"e.seq in (select d.seq from records.date d"
                f" where d.parameter = any({numbers}) and {test})"
            )
        return self._any(conditions)

    def _last_updated(self, criterion: Criterion) -> str:
        tests = [
            self._range(_DATE_TESTS, value, "e.last_updated", "(e.last_updated + 1)")
            for value in criterion.values
        ]
        return self._any(tests)

    def _range(self, tests: dict[str, str], value: Value, low: str, high: str) -> str:
        bounds: tuple[float, float] = (value.low, value.high)
        is_date = tests is _DATE_TESTS
        if value.prefix == "ap":
            bounds = value.around_time(self._now) if is_date else value.around()
        cast = "bigint" if is_date else "double precision"
        text = tests[value.prefix]
        places = {
            name: self.bound.add(bound, cast)
            for name, bound in zip(("low", "high", "point"), (*bounds, value.point), strict=True)
            if f"{{{name}}}" in text
        }
        return text.format(l=low, h=high, **places)

    def _side_numbers(self, sources: Sequence[int]) -> str:
        numbers = [parameter_number(self._query.type, self._parameters[s].code) for s in sources]
        return self.bound.add(numbers, "integer[]")

    def _quantity(self, criterion: Criterion) -> str:
        return self._any([self._quantity_of(_of(criterion), v) for v in criterion.values])

    def _quantity_of(self, parameter: Parameter, value: Value) -> str:
        main = MAIN_QUANTITIES.get(self._query.type)
        conditions = []
        for source in parameter.sources:
            if self._parameters[source].code == main:
                conditions.append(self._main_quantity(source, value))
            else:
                conditions.append(self._side_quantity(source, value, None))
        return self._any(conditions)

    def _main_quantity(self, source: int, value: Value) -> str:
        test = self._range(_NUMBER_TESTS, value, "e.quantity_low", "e.quantity_high")
        unit = self._unit(value)
        if unit is None:
            return test
        own = self._hasher.parameter(self._query.type, self._parameters[source].code)
        return f"({test} and {self._tokens([own ^ unit])})"

    def _side_quantity(self, source: int, value: Value, component: int | None) -> str:
        test = self._range(_NUMBER_TESTS, value, "q.low", "q.high")
        conditions = [f"q.parameter = any({self._side_numbers([source])})", test]
        for column, form in (("units", self._unit(value)), ("components", component)):
            if form is not None:
                conditions.append(f"q.{column} @> {self.bound.add([form], 'bigint[]')}")
        return f"e.seq in (select q.seq from records.quantity q where {' and '.join(conditions)})"

    def _unit(self, value: Value) -> int | None:
        if not any(value.parts):
            return None
        system, code = value.parts
        return self._hasher.system_code(system, code) if system else self._hasher.code(code)

    # Composites

    def _composite(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        conditions = []
        for value in criterion.values:
            if parameter.components:
                conditions.append(self._all(parameter.components, value))
            if parameter.pairs:
                conditions.append(self._pair(criterion, parameter, value))
        return self._any(conditions)

    def _all(self, components: Sequence[Component], value: Value) -> str:
        """A composite on the resource itself: each component by its own parameter."""
        parts = []
        for component, part in zip(components, value.components, strict=True):
            source = self._parameters[component.source]
            inner = Criterion(source.code, source.type, source, "", (part,))
            before, dated = self.typed, list(self.dated)
            parts.append(_TYPES[source.type](self, inner))
            # One alternative of several proves nothing.
            self.typed, self.dated = before, dated
        return f"({' and '.join(parts)})"

    def _pair(self, criterion: Criterion, parameter: Parameter, value: Value) -> str:
        if parameter.component_types == ("token", "quantity"):
            component = self._token_form(value.components[0])
            source = parameter.pairs[1].source
            return self._side_quantity(source, value.components[1], component)
        if parameter.component_types[:1] != ("token",) or len(parameter.component_types) != 2:
            raise ParameterNotSupported(parameter=criterion.name)
        first = self._token_form(value.components[0])
        if parameter.component_types[1] == "token":
            seconds = [self._token_form(value.components[1])]
        else:
            other = self._parameters[parameter.pairs[1].source]
            seconds = self._reference_forms(other, "", value.components[1].parts[0])
        forms = [self._hasher.pair(first, second) for second in seconds]
        return self._tokens(self._hashed(parameter, forms))

    # Presence

    def _missing(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        mask = 1 << parameter.number
        if parameter.target_only is None:
            mask = sum(1 << source for source in parameter.sources)
        has = self._has_bit(mask)
        wanted = {value.parts[0] for value in criterion.values}
        if len(wanted) == 2:
            return "true"
        return f"not {has}" if wanted == {"true"} else has

    def _has_bit(self, mask: int) -> str:
        signed = mask - (1 << 64) if mask >= 1 << 63 else mask
        return f"((e.present & {self.bound.add(signed, 'bigint')}) <> 0)"


def _of(criterion: Criterion) -> Parameter:
    assert criterion.parameter is not None
    return criterion.parameter


def _after(text: str) -> str:
    """Return the smallest text behind all that begin with `text`, in code point order."""
    stem = text.rstrip("\U0010ffff")
    following = ord(stem[-1]) + 1 if stem else 0
    # Surrogates are no characters.
    following = 0xE000 if following == 0xD800 else following
    return stem[:-1] + chr(following)


_TYPES: dict[str, Callable[[Conditions, Criterion], str]] = {
    "token": Conditions._token,
    "string": Conditions._string,
    "uri": Conditions._uri,
    "reference": Conditions._reference,
    "date": Conditions._date,
    "number": Conditions._quantity,
    "quantity": Conditions._quantity,
    "composite": Conditions._composite,
    "id": Conditions._id,
    "lastUpdated": Conditions._last_updated,
}
