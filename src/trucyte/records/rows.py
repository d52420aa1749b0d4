"""Index rows, made before the lock: search values become hashed tokens and packed bytes.

Everything here is pure. A row's bytes are ready for PostgreSQL's binary COPY except for
its position and time, which only the lock gives.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trucyte.fhir.search import Extractor, fold
from trucyte.fhir.search.parameters import PRESENCE_BITS, RANGED, Parameter
from trucyte.fhir.search.values import DateRange, Position, Quantity, SearchValues, Token
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.forms import pair_forms, reference_forms, unit_forms
from trucyte.records.hashing import Hasher, coding_forms, combined, parameter_number
from trucyte.records.labels import sensitivity_of
from trucyte.records.listing import is_listed, sorted_number
from trucyte.records.mains import MAIN_DATES, MAIN_QUANTITIES
from trucyte.records.measures import in_base_units, is_rare
from trucyte.records.packing import ARRAY_HEAD, EMPTY_ARRAY, packed_array

# Ways in which the codes of one element can stand together; a resource has a few.
COMBINATIONS_MAX = 10_000
# A btree entry has at most 2,700 bytes, and nobody types more to find a name.
TEXT_BYTES_MAX = 1000
# Different coded values of a type that are remembered, some hundred bytes each.
CODED_MAX = 5_000

_HEAD = struct.Struct(">hiqiq")  # field count, seq, last_updated
_FIXED = struct.Struct(">iqiqiq")  # reference, person, present
_RANGE = struct.Struct(">iqiq")
_FLOATS = struct.Struct(">idid")
_SMALL = struct.Struct(">ihihih")
_NULL = struct.pack(">i", -1)
_NULLS = 2 * _NULL
_SIDE = struct.Struct(">hiq")  # field count, seq
_DATE = struct.Struct(">iqiqii")  # low, high, parameter
_QUANTITY = struct.Struct(">ididii")
_TEXT = struct.Struct(">iii")  # parameter, length
_SPAN = 1 << 64
_HALF = 1 << 63


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What `SearchIndex.apply` writes for one version."""

    reference: int
    sensitivity: int
    body: bytes  # of records.entry, behind seq, last_updated and organisations
    dates: tuple[bytes, ...]  # of records.date, behind seq; the others alike
    quantities: tuple[bytes, ...]
    texts: tuple[bytes, ...]
    phrases: tuple[tuple[int, int, str], ...]  # token, parameter, value

    def packed(self, seq: int, last_updated: int, owners: Sequence[int]) -> bytes:
        """Return the whole row; whose it is, the commit alone knows."""
        return _HEAD.pack(14, 8, seq, 8, last_updated) + packed_array(owners) + self.body

    def tokens(self) -> tuple[int, ...]:
        """Return the tokens, as they lie at the end of the body."""
        place = _FIXED.size
        for _ in range(4):
            place += 4 if self.body[place : place + 4] == _NULL else 12
        place += _SMALL.size + ARRAY_HEAD.size
        count = (len(self.body) - place) // 12
        return struct.unpack_from(">" + "4xq" * max(count, 0), self.body, place)

    def only_sides(self, parameters: frozenset[int]) -> "IndexRow":
        """Return the row with the side rows of some parameters alone, by their numbers."""
        return replace(
            self,
            dates=tuple(row for row in self.dates if _number_at(row, 28) in parameters),
            quantities=tuple(row for row in self.quantities if _number_at(row, 28) in parameters),
            texts=tuple(row for row in self.texts if _number_at(row, 4) in parameters),
        )


def _number_at(row: bytes, place: int) -> int:
    return int.from_bytes(row[place : place + 4], "big", signed=True)


def side_row(columns: int, seq: int, rest: bytes) -> bytes:
    """Return a whole row of a side table."""
    return _SIDE.pack(columns, 8, seq) + rest


# Of one coded value: the bit of its parameter, its tokens, its phrases.
Coded = tuple[int, tuple[int, ...], tuple[tuple[int, int, str], ...]]


@dataclass(slots=True)
class _TypePlan:
    """What is the same for all resources of a type."""

    name: str
    number: int
    type_token: int
    parameters: tuple[Parameter, ...]
    hashes: tuple[int, ...]
    numbers: tuple[int, ...]
    date: int | None
    quantity: int | None
    source: int | None  # `_source`: of each message its own, no list to choose from
    listed: tuple[int | None, ...]  # where codes of a parameter are listed to sort by
    # (a parameter kept to one target type, that type) by the parameter it repeats
    kept: dict[int, list[tuple[int, str]]]
    mask: int  # the bits of `present` that are R4's own
    # (bit, token that says it has a value) of each custom parameter
    custom: tuple[tuple[int, int], ...]
    # What coded values gave that came before.
    coded: dict[Token, Coded] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """A row in the making."""

    tokens: set[int] = field(default_factory=set)
    present: int = 0
    phrases: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    date: tuple[int, int] | None = None
    dates: list[bytes] = field(default_factory=list)
    quantity: tuple[float, float] | None = None
    quantities: dict[bytes, None] = field(default_factory=dict)
    paired: set[bytes] = field(default_factory=set)
    texts: dict[bytes, None] = field(default_factory=dict)


class RowMaker:
    """Makes index rows of resources."""

    def __init__(self, extractor: Extractor, hasher: Hasher) -> None:
        """Plans are made when a type is first met."""
        self._extractor = extractor
        self._hasher = hasher
        self._plans: dict[str, _TypePlan] = {}

    def carried_to(self, extractor: Extractor) -> "RowMaker":
        """Return the maker of another extractor, with the plans of types that stay the same."""
        made = RowMaker(extractor, self._hasher)
        made._plans = {
            name: plan
            for name, plan in self._plans.items()
            if plan.parameters == extractor.parameters(name)
        }
        return made

    def row(self, resource: Mapping[str, Any], id: str, person: int, origin: int) -> IndexRow:
        """Return the row of a valid resource."""
        type_name = resource["resourceType"]
        plan = self._plans.get(type_name) or self._plan(type_name)
        values = self._extractor.values(resource)
        draft = _Draft(tokens={plan.type_token})
        self._add_tokens(plan, values, draft)
        if values.identifiers:
            self._add_identifiers(plan, values, draft)
        self._add_references(plan, values, draft, origin)
        self._add_uris_and_texts(plan, values, draft)
        self._add_dates(plan, values.dates, draft)
        if values.composites:
            self._add_pairs(plan, values, draft, origin)
        self._add_quantities(plan, values.quantities, draft)
        if values.positions:
            self._add_positions(plan, values.positions, draft)
        if plan.custom:
            draft.tokens.update(token for bit, token in plan.custom if draft.present & bit)
            draft.present &= plan.mask
        reference = self._hasher.reference(origin, type_name, id)
        sensitivity = sensitivity_of(resource)
        return IndexRow(
            reference=reference,
            sensitivity=sensitivity,
            body=_pack_entry(draft, (reference, person), (origin, plan.number, sensitivity)),
            dates=tuple(draft.dates),
            quantities=tuple(draft.quantities),
            texts=tuple(draft.texts),
            phrases=tuple(draft.phrases.values()),
        )

    def _plan(self, type_name: str) -> _TypePlan:
        parameters = self._extractor.parameters(type_name)
        places = {parameter.code: parameter.number for parameter in parameters}
        kept: dict[int, list[tuple[int, str]]] = {}
        for parameter in parameters:
            if parameter.target_only is not None:
                pair = (parameter.number, parameter.target_only)
                kept.setdefault(parameter.sources[0], []).append(pair)
        plan = _TypePlan(
            name=type_name,
            number=TYPE_NUMBERS[type_name],
            type_token=self._hasher.type(type_name),
            parameters=parameters,
            hashes=tuple(self._hasher.parameter(type_name, p.code) for p in parameters),
            numbers=tuple(parameter_number(type_name, p.code) for p in parameters),
            date=places.get(MAIN_DATES.get(type_name, "")),
            quantity=places.get(MAIN_QUANTITIES.get(type_name, "")),
            source=places.get("_source"),
            listed=tuple(
                sorted_number(type_name, p.code) if is_listed(p) else None for p in parameters
            ),
            kept=kept,
            mask=sum(1 << parameter.number for parameter in parameters if not parameter.is_custom),
            custom=tuple(
                (1 << p.number, self._hasher.parameter(type_name, p.code) ^ self._hasher.present())
                for p in parameters
                if p.is_custom
            ),
        )
        assert plan.mask < 1 << PRESENCE_BITS
        self._plans[type_name] = plan
        return plan

    def _add_tokens(self, plan: _TypePlan, values: SearchValues, draft: _Draft) -> None:
        known, tokens, phrases = plan.coded, draft.tokens, draft.phrases
        for value in values.tokens:
            coded = known.get(value)
            if coded is None:
                coded = self._coded(plan, value)
            draft.present |= coded[0]
            tokens.update(coded[1])
            for phrase in coded[2]:
                phrases[phrase[0]] = phrase

    def _coded(self, plan: _TypePlan, value: Token) -> Coded:
        """Return what one coded value gives, and remember it: the same codes come again."""
        number, system, code, text = value
        made = _Draft()
        parameter = plan.hashes[number]
        made.tokens.update(parameter ^ form for form in coding_forms(self._hasher, system, code))
        listed = plan.listed[number]
        if listed is not None and code:
            token = parameter ^ self._hasher.code(code)
            made.phrases[token] = (token, listed, shortened(code))
        if text:
            self._add_phrase(plan, number, text, made)
        if len(plan.coded) >= CODED_MAX:
            plan.coded.clear()
        coded = plan.coded[value] = (
            1 << number, tuple(made.tokens), tuple(made.phrases.values())
        )  # fmt: skip
        return coded

    def _add_phrase(self, plan: _TypePlan, number: int, text: str, draft: _Draft) -> None:
        folded = shortened(fold(text))
        token = plan.hashes[number] ^ self._hasher.phrase(folded)
        draft.tokens.add(token)
        draft.phrases[token] = (token, plan.numbers[number], folded)

    def _add_identifiers(self, plan: _TypePlan, values: SearchValues, draft: _Draft) -> None:
        hasher = self._hasher
        for number, system, value, types, text in values.identifiers:
            draft.present |= 1 << number
            parameter = plan.hashes[number]
            draft.tokens.update(parameter ^ f for f in coding_forms(hasher, system, value))
            for type_system, type_code in types:
                if value is not None and type_system and type_code:
                    form = hasher.of_type(type_system, type_code, value)
                    draft.tokens.add(parameter ^ form)
            if text:
                self._add_phrase(plan, number, text, draft)

    def _add_references(
        self, plan: _TypePlan, values: SearchValues, draft: _Draft, origin: int
    ) -> None:
        tokens, hashes, kept, within = draft.tokens, plan.hashes, plan.kept, str(origin)
        form_of = self._hasher.form
        for value in values.references:
            number, kind, id_, url, system, identifier = value
            draft.present |= 1 << number
            parameter = hashes[number]
            if url is None and identifier is None and system is None and kind and id_:
                tokens.add(parameter ^ form_of("reference", within, kind, id_))
            else:
                forms = reference_forms(self._hasher, value[1:], origin)
                tokens.update(parameter ^ form for form in forms)
            if number in kept:
                for other, target in kept[number]:
                    if kind == target:
                        draft.present |= 1 << other

    def _add_uris_and_texts(self, plan: _TypePlan, values: SearchValues, draft: _Draft) -> None:
        hasher = self._hasher
        for number, uri in values.uris:
            draft.present |= 1 << number
            for text in (uri, uri.partition("|")[0]) if "|" in uri else (uri,):
                token = plan.hashes[number] ^ hasher.uri(text)
                draft.tokens.add(token)
                if number != plan.source:
                    draft.phrases[token] = (token, plan.numbers[number], shortened(text))
        for number, text in values.texts:
            draft.present |= 1 << number
            draft.tokens.add(plan.hashes[number] ^ hasher.exact(text))
            encoded = shortened(fold(text)).encode()
            row = _TEXT.pack(4, plan.numbers[number], len(encoded)) + encoded
            draft.texts[row] = None

    def _add_dates(self, plan: _TypePlan, dates: Sequence[DateRange], draft: _Draft) -> None:
        for number, low, high in dates:
            draft.present |= 1 << number
            if number == plan.date:
                known = draft.date or (low, high)
                draft.date = min(low, known[0]), max(high, known[1])
            else:
                draft.dates.append(_DATE.pack(8, low, 8, high, 4, plan.numbers[number]))

    def _add_quantities(
        self, plan: _TypePlan, quantities: Sequence[Quantity], draft: _Draft
    ) -> None:
        for number, low, high, system, code, unit in quantities:
            draft.present |= 1 << number
            units = unit_forms(self._hasher, system, code, unit)
            if number == plan.quantity:
                draft.quantity = low, high
                draft.tokens.update(plan.hashes[number] ^ form for form in units)
                if is_rare(system, code):
                    self._add_rare(plan.numbers[number], (low, high, code or ""), b"", draft)
                continue
            fixed = _QUANTITY.pack(8, low, 8, high, 4, plan.numbers[number]) + packed_array(units)
            if is_rare(system, code):
                self._add_rare(plan.numbers[number], (low, high, code or ""), b"", draft)
            # A value that stands in a pair has its row already.
            if fixed not in draft.paired:
                draft.quantities[fixed + EMPTY_ARRAY] = None

    def _add_rare(
        self,
        parameter: int,
        amount: tuple[float, float, str],
        components: bytes,
        draft: _Draft,
    ) -> None:
        """Add an amount in base units too, where its unit is not one that searches try."""
        low, high, code = amount
        base = in_base_units(code, (low, high))
        if base is not None:
            measured, (least, most) = base
            fixed = _QUANTITY.pack(8, least, 8, most, 4, parameter)
            units = packed_array([self._hasher.measure(measured)])
            draft.quantities[fixed + units + (components or EMPTY_ARRAY)] = None

    def _add_positions(self, plan: _TypePlan, positions: Sequence[Position], draft: _Draft) -> None:
        """A place is a row with its latitude and longitude for ends (`records.search.near`)."""
        for number, latitude, longitude in positions:
            draft.present |= 1 << number
            fixed = _QUANTITY.pack(8, latitude, 8, longitude, 4, plan.numbers[number])
            draft.quantities[fixed + EMPTY_ARRAY + EMPTY_ARRAY] = None

    def _add_pairs(self, plan: _TypePlan, values: SearchValues, draft: _Draft, origin: int) -> None:
        """Values that must stand in one element: hashed together, or beside the number."""
        for ordinal, (number, pairs) in enumerate(values.composites):
            parameter = plan.parameters[number]
            types = parameter.component_types
            forms = pair_forms(self._hasher, pairs, origin, len(types))
            whole = [found for kind, found in zip(types, forms, strict=True) if kind not in RANGED]
            if not all(whole):
                continue
            together = combined(self._hasher, whole, COMBINATIONS_MAX)
            if parameter.is_beside_number:
                self._add_beside_number(plan, parameter, pairs, together, draft)
            elif len(whole) == len(types):
                draft.present |= 1 << number
                draft.tokens.update(plan.hashes[number] ^ form for form in together)
            else:
                self._add_linked(plan, parameter, pairs, (ordinal, *together), draft)

    def _add_beside_number(
        self,
        plan: _TypePlan,
        parameter: Parameter,
        pairs: SearchValues,
        together: Sequence[int],
        draft: _Draft,
    ) -> None:
        """A token beside the row that the number has anyway."""
        source = plan.numbers[parameter.pairs[1].source]
        components = packed_array(sorted(set(together)))
        for _, low, high, system, code, unit in pairs.quantities:
            units = unit_forms(self._hasher, system, code, unit)
            fixed = _QUANTITY.pack(8, low, 8, high, 4, source) + packed_array(units)
            draft.paired.add(fixed)
            draft.quantities[fixed + components] = None
            draft.present |= 1 << parameter.number
            if is_rare(system, code):
                self._add_rare(source, (low, high, code or ""), components, draft)

    def _add_linked(
        self,
        plan: _TypePlan,
        parameter: Parameter,
        pairs: SearchValues,
        components: tuple[int, ...],
        draft: _Draft,
    ) -> None:
        """One row a date or number, linked by the place of their element in the resource.

        The place stands first among the components, what else the element says behind it.
        Dates lie with the numbers: a double holds their seconds exactly.
        """
        type_name = plan.name
        ranged = [n for n, kind in enumerate(parameter.component_types) if kind in RANGED]
        found = {date[0] for date in pairs.dates} | {amount[0] for amount in pairs.quantities}
        if not found.issuperset(ranged):
            return
        draft.present |= 1 << parameter.number
        numbers = {n: component_number(type_name, parameter.code, n) for n in ranged}
        packed = packed_array(components)
        for place, low, high in pairs.dates:
            fixed = _QUANTITY.pack(8, float(low), 8, float(high), 4, numbers[place])
            draft.quantities[fixed + EMPTY_ARRAY + packed] = None
        for place, least, most, system, code, unit in pairs.quantities:
            units = packed_array(unit_forms(self._hasher, system, code, unit))
            fixed = _QUANTITY.pack(8, least, 8, most, 4, numbers[place])
            draft.quantities[fixed + units + packed] = None
            if is_rare(system, code):
                self._add_rare(numbers[place], (least, most, code or ""), packed, draft)


def component_number(resource_type: str, code: str, place: int) -> int:
    """Return the number of one component of a composite in the side tables."""
    return parameter_number(resource_type, f"{code}${place}")


def shortened(text: str) -> str:
    """Return as much of a folded text as the index keeps."""
    encoded = text.encode()
    if len(encoded) <= TEXT_BYTES_MAX:
        return text
    return encoded[:TEXT_BYTES_MAX].decode(errors="ignore")


def _pack_entry(draft: _Draft, wide: tuple[int, int], small: tuple[int, int, int]) -> bytes:
    present = draft.present - _SPAN if draft.present >= _HALF else draft.present
    return b"".join(
        (
            _FIXED.pack(8, wide[0], 8, wide[1], 8, present),
            _RANGE.pack(8, draft.date[0], 8, draft.date[1]) if draft.date else _NULLS,
            _FLOATS.pack(8, draft.quantity[0], 8, draft.quantity[1]) if draft.quantity else _NULLS,
            _SMALL.pack(2, small[0], 2, small[1], 2, small[2]),
            packed_array(sorted(draft.tokens)),
        )
    )
