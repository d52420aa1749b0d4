"""What lies outside a row: resources that are referred to or refer, and what bodies tell.

A link is looked at from its far end. Where few resources meet it, they are found first,
asked again of their bodies, and named in the statement; where many do, the statement
joins them. Either way each link has the caller's permission, and rows of one moment.
"""

# ruff: noqa: S608 - the text comes from this package alone, every value is a parameter

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Cursor
from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.search.expression import Key
from trucyte.fhir.search.parameters import Parameter
from trucyte.journal.journal import Journal
from trucyte.records.hashing import Hasher
from trucyte.records.persons.following import AS_SAID, circles_of_ids
from trucyte.records.persons.statements import QUERIES
from trucyte.records.search.asked.leaf import Criterion, Value
from trucyte.records.search.asked.tree import Chain, Has, Listed, Node, Words, every_node
from trucyte.records.search.asked.words import has_words
from trucyte.records.search.bound import NOTHING, Parameters
from trucyte.records.search.compile import Conditions
from trucyte.records.search.match import Matcher
from trucyte.records.shown import SearchTooSlow

# Up to so many resources at the far end are named one by one …
TARGETS_MAX = 2_000  # … those referred to,
PERSONS_MAX = 200  # … Patients, who have a faster way,
REFERRING_MAX = 500  # … and those that refer, whose bodies say to whom.
CHECKED_MAX = 50  # referred to, whose bodies are looked at again
WORDS_ROWS_MAX = 10_000  # bodies that words are looked for in
_AT_ONCE = 500
# Elements that say whose record a resource is before any other does; see records.person.
_OF_PERSON = frozenset({"subject", "patient", "beneficiary"})
_ALIAS = re.compile(r"\be\b")

Row = tuple[int, int]  # seq, reference


class SearchTooBroad(Problem):
    """Words are looked for in at most {most} resources: name a person, a code or a time too."""

    kind = Kind.TOO_LARGE
    code = "search-broad"


@dataclass(slots=True)
class Links:
    """The links of one search, asked through one cursor: all of one moment."""

    cursor: Cursor
    journal: Journal
    extractor: Extractor
    hasher: Hasher
    origin: int
    now: int  # µs since 1970
    permitted: Callable[[Parameters, str], list[str]]  # of rows of one type
    at: int | None = None  # the journal position to look from; None: what is current
    follows: bool = True  # whether who is one person stands for all of them
    seconds_max: float = 30.0  # for all far ends together
    _started: float = field(default_factory=monotonic)
    _rows: dict[tuple[str, tuple[Node, ...], int], tuple[Row, ...] | None] = field(
        default_factory=dict
    )
    _targets: dict[tuple[str, Chain], frozenset[int] | None] = field(default_factory=dict)
    _ids: dict[tuple[str, Node], frozenset[str] | None] = field(default_factory=dict)
    _worded: dict[tuple[str, tuple[Node, ...], Words], list[int]] = field(default_factory=dict)
    _aliases: int = 0

    def conditions(
        self, resource_type: str, bound: Parameters | None = None, *, is_far: bool = False
    ) -> Conditions:
        """Return a compiler for a type."""
        return Conditions(
            resource_type,
            self.extractor,
            self.hasher,
            self.now,
            self.origin,
            links=self,
            bound=bound,
            is_far=is_far,
        )

    def condition(self, node: Chain | Has | Words | Listed, of: Conditions) -> str:
        """Return the condition that a row of `of` meets the node."""
        match node:
            case Chain():
                return self._chain(node, of)
            case Has():
                return self._has(node, of)
            case Words():
                return self._words(node, of)
            case Listed():
                return of.ids(sorted(self._listed(node, of.type)))

    def holds(self, resource_type: str, node: Node, id: str, values: SearchValues) -> bool | None:
        """Whether a resource meets a node, None where only the index can tell."""
        if isinstance(node, Chain):
            targets = self._targets.get((resource_type, node))
            if targets is None:
                return None
            return any(
                self.hasher.reference(self.origin, kind, held) in targets
                for kind, held in _references(node.parameter, values)
            )
        ids = self._ids.get((resource_type, node))
        return None if ids is None else id in ids

    # Forwards

    def _chain(self, node: Chain, of: Conditions) -> str:
        known: set[int] | None = set()
        conditions, tokens = [], []
        for target, part in node.targets:
            is_fast = target == "Patient" and self._is_of_person(of.type, node.parameter)
            rows = self._few(target, (part,), PERSONS_MAX if is_fast else TARGETS_MAX)
            if rows is None:
                known = None
                many = self._of_persons if is_fast else self._leads_to_many
                conditions.append(many(node.parameter, target, part, of))
                if target == "Patient" and self._has_circles(of.type):
                    conditions.append(self._leads_to_circles(node.parameter, part, of))
            else:
                references = [reference for _, reference in rows]
                if target == "Patient":
                    references = self._with_circles(of.type, references)
                tokens += of.hashed(node.parameter, references)
                if known is not None:
                    known.update(references)
        self._targets[of.type, node] = None if known is None else frozenset(known)
        if tokens:
            conditions.append(of.tokens(tokens))
        if known is not None:
            of.typed += 1
        return f"({' or '.join(conditions)})" if conditions else NOTHING

    def _of_persons(self, parameter: Parameter, target: str, part: Node, of: Conditions) -> str:
        """Many Patients: whoever is referred to is the person of the record."""
        places = self._places(parameter, of)
        return self._exists(
            target,
            part,
            of.bound,
            lambda row: [
                f"{row}.person = e.person",
                f"e.tokens && array[{_xor(places, f'{row}.reference')}]",
            ],
        )

    def _leads_to_many(self, parameter: Parameter, target: str, part: Node, of: Conditions) -> str:
        """Many others: is one of the row's tokens a reference to one of them?"""
        places = self._places(parameter, of)
        wanted = self._selects(target, part, of.bound, "e.reference")
        # The inner select is asked once and kept hashed; as a bare condition it would be joined,
        # row by row.
        inner = " union all ".join(
            f"select {place} # w.reference from ({wanted}) w" for place in places
        )
        return (
            f"exists (select from unnest(e.tokens) u (token) where (u.token in ({inner})) is true)"
        )

    def _leads_to_circles(self, parameter: Parameter, part: Node, of: Conditions) -> str:
        """Rows of those who are one person with one of many Patients."""
        places = self._places(parameter, of)
        found = self._selects("Patient", part, of.bound, "e.reference")
        held = f"theirs.tokens && array[{_xor(places, 'member.reference')}]"
        rows = " union all ".join(
            f"select theirs.seq from ({found}) found"
            " join records.linked own on own.reference = found.reference"
            " join records.linked member on member.circle = own.circle"
            f" join {table} theirs on theirs.person = member.person and {held}"
            for table, _ in self._tables()
        )
        return f"e.seq in (select l.seq from ({rows}) l offset 0)"

    # Backwards

    def _has(self, node: Has, of: Conditions) -> str:
        key = of.type, node
        only = node.parameter.target_only
        possible = (only,) if only is not None else node.parameter.targets
        if possible and of.type not in possible and "Resource" not in possible:
            self._ids[key] = frozenset()
            return NOTHING
        rows = self._few(node.type, (node.part,), REFERRING_MAX)
        if rows is not None:
            if key not in self._ids:
                ids = set(self._referred(node, rows, of.type))
                if self._follows_back(node, of):
                    known = circles_of_ids(self.cursor, self.hasher, ids)
                    ids.update(id_ for circle in known.values() for id_ in circle)
                self._ids[key] = frozenset(ids)
            return of.ids(sorted(self._ids[key] or ()))
        self._ids[key] = None
        refers = self.conditions(node.type, of.bound)
        places = self._places(node.parameter, refers)
        is_fast = of.type == "Patient" and self._is_of_person(node.type, node.parameter)

        def joined(row: str) -> list[str]:
            held = f"{row}.tokens && array[{_xor(places, 'e.reference')}]"
            if len(places) == 1:
                held = f"{row}.tokens @> array[{_xor(places, 'e.reference')}]"
            return [f"{row}.person = e.person", held] if is_fast else [held]

        found = self._exists(node.type, node.part, of.bound, joined)
        if not self._follows_back(node, of) or not self._has_circles(node.type):
            return found
        # Also those who are one person with one that is referred to.
        referring = self._selects(node.type, node.part, of.bound, "e.person, e.tokens")
        held = f"found.tokens && array[{_xor(places, 'own.reference')}]"
        circles = (
            f"select member.reference from ({referring}) found"
            f" join records.linked own on own.person = found.person and {held}"
            " join records.linked member on member.circle = own.circle"
        )
        return f"({found} or e.reference in (select l.reference from ({circles}) l offset 0))"

    def _follows_back(self, node: Has, of: Conditions) -> bool:
        return self.follows and of.type == "Patient" and node.type not in AS_SAID

    def _referred(self, node: Has, rows: Sequence[Row], resource_type: str) -> Iterator[str]:
        """Yield the ids that resources refer to which meet the rest, by their bodies."""
        for _, values in self._met(node.type, node.part, rows):
            for kind, id_ in _references(node.parameter, values):
                if kind == resource_type:
                    yield id_

    # Who is one person

    def _has_circles(self, type_name: str) -> bool:
        """Whether there are links at all that a search on a type would follow."""
        if not self.follows or type_name in AS_SAID:
            return False
        row = self.cursor.execute("select exists (select from records.linked)").fetchone()
        return bool(row and row[0])

    def _with_circles(self, type_name: str, references: list[int]) -> list[int]:
        """Return references to Patients, and to all who are one person with one of them."""
        if not self.follows or type_name in AS_SAID or not references:
            return references
        facts = {"references": references}
        rows = self.cursor.execute(QUERIES.members_of_references, facts).fetchall()
        return sorted({*references, *(row[0] for row in rows)}) if rows else references

    # Bodies

    def _words(self, node: Words, of: Conditions) -> str:
        """Look into those that meet everything else: no index has all words of all bodies."""
        beside = tuple(
            one for one in of.asked if not any(isinstance(n, Words) for n in every_node(one))
        )
        key = of.type, beside, node
        if key not in self._worded:
            self._worded[key] = self._find_words(*key)
        found = self._worded[key]
        return f"e.seq = any({of.bound.add(found, 'bigint[]')})" if found else NOTHING

    def _find_words(self, type_name: str, beside: tuple[Node, ...], node: Words) -> list[int]:
        rows = self._few(type_name, beside, WORDS_ROWS_MAX)
        if rows is None:
            raise SearchTooBroad(most=WORDS_ROWS_MAX)
        return [
            seq
            for seq, _, resource in self._bodies([seq for seq, _ in rows])
            if has_words(resource, node.alternatives, in_narrative=node.in_narrative)
        ]

    def _listed(self, node: Listed, resource_type: str) -> frozenset[str]:
        key = resource_type, node
        if key not in self._ids:
            values = tuple(Value(parts=(id_,)) for id_ in node.lists)
            lists = Criterion("_list", "id", None, "", values)
            rows = self._few("List", (lists,), len(values)) or ()
            held = (
                split_reference(str(entry.get("item", {}).get("reference") or ""))
                for _, _, resource in self._bodies([seq for seq, _ in rows])
                for entry in resource.get("entry", ())
                if not entry.get("deleted")
            )
            self._ids[key] = frozenset(id_ for kind, id_, _ in held if id_ and kind == key[0])
        return self._ids[key] or frozenset()

    def _check_time(self) -> None:
        """Raise SearchTooSlow: each statement has its time, but there may be many."""
        if monotonic() - self._started > self.seconds_max:
            raise SearchTooSlow(seconds=int(self.seconds_max))

    def _bodies(self, seqs: Sequence[int]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
        for begin in range(0, len(seqs), _AT_ONCE):
            self._check_time()
            stored = self.journal.bodies(seqs[begin : begin + _AT_ONCE], self.cursor)
            for seq, line in stored.items():
                if line.body:
                    yield seq, line.entry.id, parse(line.body)

    def _met(
        self, resource_type: str, part: Node, rows: Sequence[Row]
    ) -> Iterator[tuple[int, SearchValues]]:
        """Yield those whose bodies meet the part too: hashes may collide."""
        parameters = self.extractor.parameters(resource_type)
        matcher = Matcher(resource_type, (part,), parameters, self.now, self)
        for seq, id_, resource in self._bodies([seq for seq, _ in rows]):
            values = self.extractor.values(resource)
            if resource["resourceType"] == resource_type and matcher.matches(id_, values):
                yield seq, values

    # Statements

    def _few(self, resource_type: str, nodes: tuple[Node, ...], most: int) -> Sequence[Row] | None:
        """Return (seq, reference) of those that meet all, None if there are more than `most`."""
        key = resource_type, nodes, most
        if key in self._rows:
            return self._rows[key]
        self._check_time()
        conditions = self.conditions(resource_type, is_far=True)
        bound = conditions.bound
        built = [*conditions.build(nodes), *self.permitted(bound, resource_type)]
        rows: tuple[Row, ...] = ()
        if NOTHING not in built:
            limit = bound.add(most + 1, "integer")
            text = self._union(bound, built, "e.seq, e.reference")
            self.cursor.execute(f"{text} limit {limit}".encode(), bound.values, prepare=False)
            rows = tuple((seq, reference) for seq, reference in self.cursor.fetchall())
        if 0 < len(rows) <= CHECKED_MAX and len(nodes) == 1:
            met = {seq for seq, _ in self._met(resource_type, nodes[0], rows)}
            rows = tuple(row for row in rows if row[0] in met)
        self._rows[key] = None if len(rows) > most else rows
        return self._rows[key]

    def _exists(
        self,
        resource_type: str,
        part: Node,
        bound: Parameters,
        joined: Callable[[str], list[str]],
    ) -> str:
        """Return that there is a row which meets the part and is joined to the outer `e`."""
        built = [
            *self.conditions(resource_type, bound, is_far=True).build((part,)),
            *self.permitted(bound, resource_type),
        ]
        self._aliases += 1
        row = f"e{self._aliases}"
        # Inside, the row has a name of its own: `e` is the one outside.
        inner = [_ALIAS.sub(row, condition) for condition in built]
        found = [
            f"exists (select from {table} {row} where"
            f" {' and '.join([*joined(row), *self._moment(table, row, bound), *kept])})"
            for table, kept in (
                (table, [one.replace(f"{row}.is_ended", is_ended) for one in inner])
                for table, is_ended in self._tables()
            )
        ]
        return f"({' or '.join(found)})"

    def _selects(self, resource_type: str, part: Node, bound: Parameters, columns: str) -> str:
        conditions = self.conditions(resource_type, bound, is_far=True)
        built = [*conditions.build((part,)), *self.permitted(bound, resource_type)]
        return self._union(bound, built, columns)

    def _union(self, bound: Parameters, built: Sequence[str], columns: str) -> str:
        return " union all ".join(
            f"select {columns} from {table} e where "
            + " and ".join([*self._moment(table, "e", bound), *built]).replace(
                "e.is_ended", is_ended
            )
            for table, is_ended in self._tables()
        )

    def _tables(self) -> Sequence[tuple[str, str]]:
        """Return where rows of the moment lie, and whether those have been replaced since."""
        current = ("records.entry", "false")
        return (current,) if self.at is None else (current, ("records.ended", "true"))

    def _moment(self, table: str, row: str, bound: Parameters) -> list[str]:
        if self.at is None:
            return []
        at = bound.add(self.at, "bigint")
        then = [f"{row}.seq <= {at}"]
        return [*then, f"{row}.ended > {at}"] if table == "records.ended" else then

    def _places(self, parameter: Parameter, of: Conditions) -> list[str]:
        """Return the hashes of the parameter, as SQL: XOR a reference they are its tokens."""
        return [of.bound.add(token, "bigint") for token in of.hashed(parameter, [0])]

    def _is_of_person(self, resource_type: str, parameter: Parameter) -> bool:
        """Whether who is referred to, if a Patient, is always the person of the row."""
        parameters = self.extractor.parameters(resource_type)
        named = {_element(parameters[source]) for source in parameter.sources}
        others = {_element(other) for other in parameters} & _OF_PERSON
        return len(named) == 1 and named <= _OF_PERSON and others == named


def _element(parameter: Parameter) -> str | None:
    """Return the element of the resource itself that a reference parameter has, if just one."""
    if parameter.type != "reference" or len(parameter.paths) != 1:
        return None
    steps = [step for step in parameter.paths[0] if isinstance(step, Key)]
    return steps[1].name if len(steps) == 2 else None


def _references(parameter: Parameter, values: SearchValues) -> Iterator[tuple[str, str]]:
    """Yield (type, id) of what a resource refers to under a parameter."""
    for number, kind, id_, *_ in values.references:
        is_held = number in parameter.sources and parameter.target_only in (None, kind)
        if is_held and kind is not None and id_ is not None:
            yield kind, id_


def _xor(places: Sequence[str], reference: str) -> str:
    return ", ".join(f"{place} # {reference}" for place in places)
