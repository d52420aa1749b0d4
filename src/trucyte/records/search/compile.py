"""Criteria as SQL: each becomes one condition over a row `e` of the index.

Values are always parameters; what stands in the text comes from this module alone.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from trucyte.fhir.search import fold
from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.search.parameters import Component, Parameter
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.leaf import head_key
from trucyte.records.hashing import Hasher, parameter_number
from trucyte.records.mains import MAIN_DATES, MAIN_QUANTITIES
from trucyte.records.rows import shortened
from trucyte.records.search.leaf import Criterion, ParameterNotSupported, Value
from trucyte.records.search.names import Language
from trucyte.records.search.tree import And, Chain, Has, Listed, Node, Not, Or, Words

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
    "po": "({l} < {high} and {h} > {low})",
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
# More alternatives than this are looked up apart from the row.
TOKENS_IN_ROW_MAX = 200
_LEVELS_MAX = 100


@dataclass(slots=True)
class Parameters:
    """The statement's parameters, named as they come."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any, cast: str) -> str:
        """Keep a value and return its place in the text."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s::{cast}"


class Links(Protocol):
    """Asks what lies outside the row: other resources, and what only bodies tell."""

    @property
    def at(self) -> int | None:
        """The journal position to look from; None: what is current."""

    def condition(self, node: Chain | Has | Words | Listed, of: "Conditions") -> str:
        """Return the condition that a row of `of` meets the node."""


class Conditions:
    """Compiles what is asked of the resources of one type."""

    def __init__(
        self,
        resource_type: str,
        language: Language,
        hasher: Hasher,
        now: int,
        origin: int,
        *,
        links: Links,
        bound: Parameters | None = None,
        is_far: bool = False,
    ) -> None:
        """Take the type; `now` in µs since 1970 decides what is approximately.

        `is_far`: the rows are the far end of a link, which no walk goes through.
        """
        self._is_far = is_far
        self.type = resource_type
        self._parameters = language.parameters(resource_type)
        self._hasher = hasher
        self._now = now
        self._origin = origin
        self._links = links
        self.bound = Parameters() if bound is None else bound
        # Conditions on the main date alone: what a walk by date may begin with.
        self.dated: list[str] = []
        self.typed = 0  # criteria that only resources of the type can meet
        self.asked: Sequence[Node] = ()

    def build(self, nodes: Sequence[Node]) -> list[str]:
        """Return one condition a node, and the type's where none implies it."""
        self.asked = nodes
        built = [self._condition(node) for node in nodes]
        if not self.typed:
            built.insert(0, self.tokens([self._hasher.type(self.type)]))
        return built

    def _condition(self, node: Node) -> str:
        match node:
            case Criterion():
                return self._criterion(node)
            case And(parts):
                return f"({' and '.join(self._condition(part) for part in parts)})"
            case Or(parts):
                return self._any([self._part(part) for part in parts])
            case Not(part):
                return f"(({self._part(part)}) is not true)"
            case _:
                return self._links.condition(node, self)

    def _part(self, node: Node) -> str:
        """Return the condition of an alternative, which proves neither type nor date."""
        typed, dated = self.typed, list(self.dated)
        condition = self._condition(node)
        self.typed, self.dated = typed, dated
        return condition

    def _criterion(self, criterion: Criterion) -> str:
        if criterion.modifier == "missing":
            return self._missing(criterion)
        return _TYPES[criterion.type](self, criterion)

    def _any(self, conditions: Sequence[str]) -> str:
        kept = [condition for condition in conditions if condition != NOTHING]
        return f"({' or '.join(kept)})" if kept else NOTHING

    # Tokens

    def tokens(self, tokens: Sequence[int]) -> str:
        """Return the condition that a row has one of some tokens."""
        if not tokens:
            return NOTHING
        place = self.bound.add(list(dict.fromkeys(tokens)), "bigint[]")
        if len(tokens) <= TOKENS_IN_ROW_MAX:
            return f"e.tokens {'@>' if len(set(tokens)) == 1 else '&&'} {place}"
        # Two long arrays would be compared each with each: look each token up instead.
        looked_up = (
            f"select m.seq from unnest({place}) w (token)"
            f" join records.entry m on m.tokens @> array[w.token]"
        )
        if self._links.at is not None:
            looked_up += (
                " union all select m.seq from records.ended m where exists"
                f" (select from unnest(m.tokens) u (token) where u.token = any({place}))"
            )
        if self._is_far:
            return f"e.seq = any(array({looked_up}))"
        # The offset keeps it whole: else it would be asked anew for each row.
        return f"e.seq in (select l.seq from ({looked_up}) l offset 0)"

    def hashed(self, parameter: Parameter, forms: Sequence[int]) -> list[int]:
        """Return the tokens of forms of a value, under the parameter of this type."""
        return [
            self._hasher.parameter(self.type, self._parameters[source].code) ^ form
            for source in parameter.sources
            for form in forms
        ]

    def _token(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        if criterion.modifier == "text":
            return self._phrases(parameter, [value.parts[0] for value in criterion.values])
        forms = [self._token_form(value, criterion.modifier) for value in criterion.values]
        condition = self.tokens(self.hashed(parameter, forms))
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
            return self.tokens(self.hashed(parameter, [self._hasher.exact(t) for t in texts]))
        if criterion.modifier in _PATTERNS:
            inner = self._patterned(parameter, texts, _PATTERNS[criterion.modifier])
        elif criterion.modifier == "equals":
            inner = self._whole(parameter, texts)
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

    def _patterned(self, parameter: Parameter, texts: Sequence[str], pattern: str) -> str:
        likes = []
        for text in texts:
            folded = fold(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            likes.append(f"t.value like {self.bound.add(pattern.format(folded), 'text')}")
        return f"t.parameter = any({self._numbers(parameter)}) and ({' or '.join(likes)})"

    def _whole(self, parameter: Parameter, texts: Sequence[str]) -> str:
        wholes = self.bound.add([shortened(fold(text)) for text in texts], "text[]")
        return f"t.parameter = any({self._numbers(parameter)}) and t.value = any({wholes})"

    def _numbers(self, parameter: Parameter) -> str:
        numbers = [
            parameter_number(self.type, self._parameters[source].code)
            for source in parameter.sources
        ]
        return self.bound.add(numbers, "integer[]")

    def _uri(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        uris = [value.parts[0] for value in criterion.values]
        self.typed += 1
        if criterion.modifier == "below":
            return self._below(parameter, uris)
        if criterion.modifier == "above":
            uris = [above for uri in uris for above in uris_above(uri)]
        return self.tokens(self.hashed(parameter, [self._hasher.uri(uri) for uri in uris]))

    def _below(self, parameter: Parameter, uris: Sequence[str]) -> str:
        """What stands under a path: itself, and what goes on behind a slash."""
        ranges = []
        for uri in uris:
            whole = shortened(uri.rstrip("/"))
            under = f"{whole}/"
            places = (self.bound.add(text, "text") for text in (whole, under, _after(under)))
            ranges.append("(t.value = {} or (t.value >= {} and t.value < {}))".format(*places))
        inner = f"t.parameter = any({self._numbers(parameter)}) and ({' or '.join(ranges)})"
        return f"e.tokens && array(select t.token from records.phrase t where {inner} limit 10000)"

    # References

    def _reference(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        self.typed += 1
        if criterion.modifier == "identifier":
            forms = [
                self._hasher.form("identifier", str(self._token_form(value)))
                for value in criterion.values
            ]
            condition = self.tokens(self.hashed(parameter, forms))
            if parameter.target_only is None:
                return condition
            return f"({condition} and {self._has_bit(1 << parameter.number)})"
        forms = [
            form
            for value in criterion.values
            for form in self._reference_forms(parameter, criterion.modifier, value.parts[0])
        ]
        return self.tokens(self.hashed(parameter, forms))

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
        return self.ids([value.parts[0] for value in criterion.values])

    def ids(self, ids: Sequence[str]) -> str:
        """The journal knows which row is a resource's current one; an ended row its hash."""
        if not ids:
            return NOTHING
        number = TYPE_NUMBERS[self.type]
        keys = [head_key(self._origin, number, id_.encode()) for id_ in ids]
        references = [self._hasher.reference(self._origin, self.type, i) for i in ids]
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
        if parameter.stored and parameter.code == MAIN_DATES.get(self.type):
            self.dated.append(condition)
        return condition

    def _date_of(self, parameter: Parameter, value: Value) -> str:
        main = MAIN_DATES.get(self.type)
        conditions = []
        beside = [s for s in parameter.sources if self._parameters[s].code != main]
        if len(beside) < len(parameter.sources):
            # With the type, whose dates lie together in the index.
            test = self._range(_DATE_TESTS, value, "e.date_low", "e.date_high")
            conditions.append(f"(e.type = {TYPE_NUMBERS[self.type]} and {test})")
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
        numbers = [parameter_number(self.type, self._parameters[s].code) for s in sources]
        return self.bound.add(numbers, "integer[]")

    def _quantity(self, criterion: Criterion) -> str:
        return self._any([self._quantity_of(_of(criterion), v) for v in criterion.values])

    def _quantity_of(self, parameter: Parameter, value: Value) -> str:
        main = MAIN_QUANTITIES.get(self.type)
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
        own = self._hasher.parameter(self.type, self._parameters[source].code)
        return f"({test} and {self.tokens([own ^ unit])})"

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
        return self.tokens(self.hashed(parameter, forms))

    # Presence

    def _missing(self, criterion: Criterion) -> str:
        wanted = {value.parts[0] for value in criterion.values}
        if len(wanted) == 2:
            return "true"
        if criterion.parameter is None:  # every resource has an id and a time
            return NOTHING if wanted == {"true"} else "true"
        has = self.is_present(criterion.parameter)
        return f"not {has}" if wanted == {"true"} else has

    def is_present(self, parameter: Parameter) -> str:
        """Return the condition that a row has a value of the parameter."""
        if parameter.target_only is not None:
            return self._has_bit(1 << parameter.number)
        return self._has_bit(sum(1 << source for source in parameter.sources))

    def _has_bit(self, mask: int) -> str:
        signed = mask - (1 << 64) if mask >= 1 << 63 else mask
        return f"((e.present & {self.bound.add(signed, 'bigint')}) <> 0)"


def uris_above(uri: str) -> list[str]:
    """Return a uri and each path above it: up to its host, with and without a last slash."""
    found = [uri]
    scheme = uri.find("://")
    least = uri.find("/", scheme + 3) if scheme >= 0 else uri.find("/")
    end = len(uri)
    while 0 < least < end and len(found) < _LEVELS_MAX:
        end = uri.rfind("/", 0, end)
        found += [uri[: end + 1], uri[:end]]
    return list(dict.fromkeys(found))


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


_PATTERNS = {"contains": "%{}%", "ends": "%{}"}
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
