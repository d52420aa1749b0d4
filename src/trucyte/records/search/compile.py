"""Criteria as SQL: each becomes one condition over a row `e` of the index.

Values are always parameters; what stands in the text comes from this module alone.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from trucyte.fhir.search import fold
from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.search.parameters import RANGED, Component, Parameter
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.leaf import head_key
from trucyte.records.hashing import Hasher, combined, parameter_number
from trucyte.records.mains import MAIN_DATES, MAIN_QUANTITIES
from trucyte.records.measures import UCUM, alternatives, in_base_units, to_base
from trucyte.records.rows import component_number, shortened
from trucyte.records.search.near import near_condition
from trucyte.records.search.query import ALTERNATIVES_MAX, Criterion, Query, Value
from trucyte.records.search.ranges import DATE_TESTS, NUMBER_TESTS

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
        return self._forms_among(self._targets(parameter, modifier), text)

    def _forms_among(self, allowed: Sequence[str], text: str) -> list[int]:
        """Return the forms of a reference to one of the allowed types."""
        kind, id_, url = split_reference(text)
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
        return targets_of(parameter.targets)

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
            test = self._range(DATE_TESTS, value, "e.date_low", "e.date_high")
            conditions.append(f"(e.type = {TYPE_NUMBERS[self._query.type]} and {test})")
        if beside:
            numbers = self._side_numbers(beside)
            test = self._range(DATE_TESTS, value, "d.low", "d.high")
            conditions.append(
                f"e.seq in (select d.seq from records.date d"
                f" where d.parameter = any({numbers}) and {test})"
            )
        return self._any(conditions)

    def _last_updated(self, criterion: Criterion) -> str:
        tests = [
            self._range(DATE_TESTS, value, "e.last_updated", "(e.last_updated + 1)")
            for value in criterion.values
        ]
        return self._any(tests)

    def _range(self, tests: dict[str, str], value: Value, low: str, high: str) -> str:
        bounds: tuple[float, float] = (value.low, value.high)
        is_date = tests is DATE_TESTS
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
        test = self._range(NUMBER_TESTS, value, "e.quantity_low", "e.quantity_high")
        unit = self._unit(value)
        if unit is None:
            return test
        own = self._hasher.parameter(self._query.type, self._parameters[source].code)
        conditions = [f"({test} and {self._tokens([own ^ unit])})"]
        for form, other in self._other_units(value):
            test = self._range(NUMBER_TESTS, other, "e.quantity_low", "e.quantity_high")
            conditions.append(f"({test} and {self._tokens([own ^ form])})")
        conditions.extend(self._rare_units(source, value))
        return self._any(conditions)

    def _rare_units(self, source: int, value: Value) -> list[str]:
        """The main quantity in a unit that is not common has a row in base units."""
        based = self._based(value)
        if based is None:
            return []
        form, asked = based
        test = self._range(NUMBER_TESTS, asked, "q.low", "q.high")
        held = self.bound.add([form], "bigint[]")
        return [
            f"e.seq in (select q.seq from records.quantity q"
            f" where q.parameter = any({self._side_numbers([source])})"
            f" and q.units @> {held} and {test})"
        ]

    def _based(self, value: Value) -> tuple[int, Value] | None:
        """Return what a UCUM quantity measures, and it in base units."""
        if value.parts[:1] != (UCUM,):
            return None
        code = value.parts[1]
        base = in_base_units(code, (0.0,))
        if base is None:
            return None
        asked = value.around_itself().with_ends(partial(to_base, code))
        return self._hasher.measure(base[0]), asked

    def _other_units(self, value: Value) -> list[tuple[int, Value]]:
        """Return the value in the common units that measure the same, with their form."""
        if value.parts[:1] != (UCUM,):
            return []
        value = value.around_itself()
        return [
            (self._hasher.system_code(UCUM, other.code), value.with_ends(other.converted))
            for other in alternatives(value.parts[1])
        ]

    def _every_unit(self, value: Value) -> list[tuple[int | None, Value]]:
        """Return the value as it is asked, in other units, and in base units."""
        based = self._based(value)
        found: list[tuple[int | None, Value]] = [(self._unit(value), value)]
        found.extend(self._other_units(value))
        if based is not None:
            found.append(based)
        return found

    def _side_quantity(self, source: int, value: Value, component: int | None) -> str:
        conditions = [f"q.parameter = any({self._side_numbers([source])})"]
        conditions.append(self._amount(value, "q"))
        if component is not None:
            conditions.append(f"q.components @> {self.bound.add([component], 'bigint[]')}")
        return f"e.seq in (select q.seq from records.quantity q where {' and '.join(conditions)})"

    def _amount(self, value: Value, row: str) -> str:
        """A number or quantity in a row of the side table, whatever unit says the same."""
        conditions = []
        for unit, asked in self._every_unit(value):
            test = self._range(NUMBER_TESTS, asked, f"{row}.low", f"{row}.high")
            if unit is not None:
                test = f"({row}.units @> {self.bound.add([unit], 'bigint[]')} and {test})"
            conditions.append(test)
        return self._any(conditions)

    def _special(self, criterion: Criterion) -> str:
        """Places in a circle: a box by the index, then the distance."""
        self.typed += 1
        number = parameter_number(self._query.type, _of(criterion).code)
        circles = [value.circle for value in criterion.values if value.circle is not None]
        return self._any([near_condition(circle, number, self.bound.add) for circle in circles])

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
                conditions.append(self._pair(parameter, value))
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

    def _pair(self, parameter: Parameter, value: Value) -> str:
        """A composite on a repeating element: all components in one element."""
        places = list(enumerate(zip(parameter.pairs, value.components, strict=True)))
        whole = [self._whole_forms(c, v) for _, (c, v) in places if c.type not in RANGED]
        if not all(whole):
            return NOTHING
        together = combined(self._hasher, whole, ALTERNATIVES_MAX)
        if parameter.is_beside_number:
            return self._side_quantity(parameter.pairs[1].source, value.components[1], together[0])
        ranged = [(place, c, v) for place, (c, v) in places if c.type in RANGED]
        if not ranged:
            return self._tokens(self._hashed(parameter, together))
        return self._linked(parameter, ranged, together)

    def _linked(
        self,
        parameter: Parameter,
        ranged: Sequence[tuple[int, Component, Value]],
        together: Sequence[int],
    ) -> str:
        """Rows of one element know each other by their first component, its place."""
        self.typed += 1
        tables, conditions = [], []
        for count, (place, component, value) in enumerate(ranged):
            row = f"q{count}"
            tables.append(f"records.quantity {row}")
            number = component_number(self._query.type, parameter.code, place)
            conditions.append(f"{row}.parameter = {self.bound.add(number, 'integer')}")
            if component.type == "date":
                test = self._range(DATE_TESTS, value, f"{row}.low", f"{row}.high")
            else:
                test = self._amount(value, row)
            conditions.append(test)
            if count:
                conditions.append(f"{row}.seq = q0.seq and {row}.components[1] = q0.components[1]")
        if together:
            # Not the place itself: a small number that some hash might be.
            held = self.bound.add(list(together), "bigint[]")
            conditions.append(f"q0.components[2:] && {held}")
        joined = " and ".join(conditions)
        return f"e.seq in (select q0.seq from {', '.join(tables)} where {joined})"

    def _whole_forms(self, component: Component, value: Value) -> list[int]:
        """Return the forms of a component that is no range."""
        if component.type == "token":
            return [self._token_form(value)]
        if component.type == "uri":
            return [self._hasher.uri(value.parts[0])]
        return self._forms_among(targets_of(component.targets), value.parts[0])

    # Presence

    def _missing(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        has = self._present(parameter)
        wanted = {value.parts[0] for value in criterion.values}
        if len(wanted) == 2:
            return "true"
        return f"not {has}" if wanted == {"true"} else has

    def _present(self, parameter: Parameter) -> str:
        if parameter.is_custom:
            return self._tokens(self._hashed(parameter, [self._hasher.present()]))
        if parameter.target_only is not None:
            return self._has_bit(1 << parameter.number)
        return self._has_bit(sum(1 << source for source in parameter.sources))

    def _has_bit(self, mask: int) -> str:
        signed = mask - (1 << 64) if mask >= 1 << 63 else mask
        return f"((e.present & {self.bound.add(signed, 'bigint')}) <> 0)"


def targets_of(targets: Sequence[str]) -> Sequence[str]:
    """Return the types a reference may be to; none named means any."""
    return targets if targets and "Resource" not in targets else RESOURCE_TYPES


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
    "special": Conditions._special,
    "id": Conditions._id,
    "lastUpdated": Conditions._last_updated,
}
