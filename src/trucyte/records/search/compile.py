"""Criteria as SQL: each becomes one condition over a row `e` of the index.

Values are always parameters; what stands in the text comes from this module alone.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Callable, Sequence
from typing import Protocol

from trucyte.fhir.search import fold
from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.search.parameters import RANGED, Component, Parameter
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.leaf import head_key
from trucyte.records.hashing import Hasher, combined, parameter_number
from trucyte.records.mains import MAIN_DATES, MAIN_QUANTITIES
from trucyte.records.rows import component_number, shortened
from trucyte.records.search.amounts import Amounts
from trucyte.records.search.asked.leaf import ALTERNATIVES_MAX, Criterion, Value
from trucyte.records.search.asked.names import Language
from trucyte.records.search.asked.paths import uris_above
from trucyte.records.search.asked.tree import And, Chain, Has, Listed, Node, Not, Or, Words
from trucyte.records.search.bound import NOTHING, Parameters, any_of, text_after
from trucyte.records.search.near import near_condition
from trucyte.records.search.ranges import DATE_TESTS, NUMBER_TESTS
from trucyte.records.search.tokens import token_form, tokens_under

# More alternatives than this are looked up apart from the row.
TOKENS_IN_ROW_MAX = 200


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
        self._origin = origin
        self._links = links
        self.bound = Parameters() if bound is None else bound
        self._amounts = Amounts(self.bound, hasher, now)
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
                return any_of([self._part(part) for part in parts])
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
        return tokens_under(self.type, self._parameters, parameter, forms, self._hasher)

    def _token(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        if criterion.modifier == "text":
            return self._phrases(parameter, [value.parts[0] for value in criterion.values])
        forms = [token_form(self._hasher, value, criterion.modifier) for value in criterion.values]
        condition = self.tokens(self.hashed(parameter, forms))
        if criterion.modifier == "not":
            return f"not ({condition})"
        self.typed += 1
        return condition

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
            high = self.bound.add(text_after(folded), "text")
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
            places = (self.bound.add(text, "text") for text in (whole, under, text_after(under)))
            ranges.append("(t.value = {} or (t.value >= {} and t.value < {}))".format(*places))
        inner = f"t.parameter = any({self._numbers(parameter)}) and ({' or '.join(ranges)})"
        return f"e.tokens && array(select t.token from records.phrase t where {inner} limit 10000)"

    # References

    def _reference(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        self.typed += 1
        if criterion.modifier == "identifier":
            forms = [
                self._hasher.form("identifier", str(token_form(self._hasher, value)))
                for value in criterion.values
            ]
            condition = self.tokens(self.hashed(parameter, forms))
            if parameter.target_only is None:
                return condition
            return f"({condition} and {self._has_bit(1 << parameter.number)})"
        targets = self._targets(parameter, criterion.modifier)
        forms = [
            form
            for value in criterion.values
            for form in self._forms_among(targets, value.parts[0])
        ]
        return self.tokens(self.hashed(parameter, forms))

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
            f" and (e.is_ended or e.seq = any(array(select h.seq from journal.head h"
            f" where h.key = any({current}::uuid[])))))"
        )

    # Ranges

    def _date(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        self.typed += 1
        condition = any_of([self._date_of(parameter, v) for v in criterion.values])
        if parameter.stored and parameter.code == MAIN_DATES.get(self.type):
            self.dated.append(condition)
        return condition

    def _date_of(self, parameter: Parameter, value: Value) -> str:
        main = MAIN_DATES.get(self.type)
        conditions = []
        beside = [s for s in parameter.sources if self._parameters[s].code != main]
        if len(beside) < len(parameter.sources):
            # With the type, whose dates lie together in the index.
            test = self._amounts.range(DATE_TESTS, value, "e.date_low", "e.date_high")
            conditions.append(f"(e.type = {TYPE_NUMBERS[self.type]} and {test})")
        if beside:
            numbers = self._side_numbers(beside)
            test = self._amounts.range(DATE_TESTS, value, "d.low", "d.high")
            conditions.append(
                f"e.seq in (select d.seq from records.date d"
                f" where d.parameter = any({numbers}) and {test})"
            )
        return any_of(conditions)

    def _last_updated(self, criterion: Criterion) -> str:
        tests = [
            self._amounts.range(DATE_TESTS, value, "e.last_updated", "(e.last_updated + 1)")
            for value in criterion.values
        ]
        return any_of(tests)

    def _side_numbers(self, sources: Sequence[int]) -> str:
        numbers = [parameter_number(self.type, self._parameters[s].code) for s in sources]
        return self.bound.add(numbers, "integer[]")

    def _quantity(self, criterion: Criterion) -> str:
        # With a unit each alternative is a token of the type's own; without, a bare number.
        self.typed += all(self._amounts.unit(value) is not None for value in criterion.values)
        return any_of([self._quantity_of(_of(criterion), v) for v in criterion.values])

    def _quantity_of(self, parameter: Parameter, value: Value) -> str:
        main = MAIN_QUANTITIES.get(self.type)
        conditions = []
        for source in parameter.sources:
            if self._parameters[source].code == main:
                conditions.append(self._main_quantity(source, value))
            else:
                conditions.append(self._side_quantity(source, value, None))
        return any_of(conditions)

    def _main_quantity(self, source: int, value: Value) -> str:
        test = self._amounts.range(NUMBER_TESTS, value, "e.quantity_low", "e.quantity_high")
        unit = self._amounts.unit(value)
        if unit is None:
            return test
        own = self._hasher.parameter(self.type, self._parameters[source].code)
        asked = self.tokens([own ^ unit])
        # With the type, whose quantities lie together in an index.
        conditions = [f"(e.type = {TYPE_NUMBERS[self.type]} and {test} and {asked})"]
        held, choices = [], [f"when {asked} then false"]
        for form, other in self._amounts.other_units(value):
            test = self._amounts.range(NUMBER_TESTS, other, "e.quantity_low", "e.quantity_high")
            held.append(self.tokens([own ^ form]))
            choices.append(f"when {held[-1]} then {test}")
        if held:
            # A row has one unit. The index does not look into a choice: the units come again.
            conditions.append(f"(case {' '.join(choices)} end and {any_of(held)})")
        conditions.extend(self._amounts.rare_units(self._side_numbers([source]), value))
        return any_of(conditions)

    def _side_quantity(self, source: int, value: Value, component: int | None) -> str:
        conditions = [f"q.parameter = any({self._side_numbers([source])})"]
        conditions.append(self._amounts.amount(value, "q"))
        if component is not None:
            conditions.append(f"q.components @> {self.bound.add([component], 'bigint[]')}")
        return f"e.seq in (select q.seq from records.quantity q where {' and '.join(conditions)})"

    def _special(self, criterion: Criterion) -> str:
        """Places in a circle: a box by the index, then the distance."""
        self.typed += 1
        number = parameter_number(self.type, _of(criterion).code)
        circles = [value.circle for value in criterion.values if value.circle is not None]
        return any_of([near_condition(circle, number, self.bound.add) for circle in circles])

    # Composites

    def _composite(self, criterion: Criterion) -> str:
        parameter = _of(criterion)
        conditions = []
        for value in criterion.values:
            if parameter.components:
                conditions.append(self._all(parameter.components, value))
            if parameter.pairs:
                conditions.append(self._pair(parameter, value))
        return any_of(conditions)

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
            return self.tokens(self.hashed(parameter, together))
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
            number = component_number(self.type, parameter.code, place)
            conditions.append(f"{row}.parameter = {self.bound.add(number, 'integer')}")
            if component.type == "date":
                test = self._amounts.range(DATE_TESTS, value, f"{row}.low", f"{row}.high")
            else:
                test = self._amounts.amount(value, row)
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
            return [token_form(self._hasher, value)]
        if component.type == "uri":
            return [self._hasher.uri(value.parts[0])]
        return self._forms_among(targets_of(component.targets), value.parts[0])

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
        if parameter.is_custom:
            return self.tokens(self.hashed(parameter, [self._hasher.present()]))
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
    "special": Conditions._special,
    "id": Conditions._id,
    "lastUpdated": Conditions._last_updated,
}
