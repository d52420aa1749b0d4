"""Which resources meet a condition, asked before a write and once more under its lock.

A conditional write looks first, decides, and hands the journal what it found as an
expectation (`journal.change.Expectation`). Both times the same statement is asked, over
everything there is in the caller's scope, restricted or not: else a caller who may not see
a resource would make its double. What is shown of it is the writer's business.
"""

# ruff: noqa: S608 - the conditions come from `compile` alone, every value is a parameter

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from trucyte.database.connect import Cursor
from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Change, Key
from trucyte.records.search.asked.leaf import Criterion
from trucyte.records.search.asked.tree import And, Node, Not, Or, every_node
from trucyte.records.search.bound import NOTHING

Matches = Callable[[str, SearchValues], bool]


@dataclass(frozen=True, slots=True, eq=False)
class SearchExpectation:
    """A search whose answer a write rests on; see `journal.change.Expectation`."""

    type: str
    origin: int
    # The statement, which gives at most `limit` ids, and its values. What lies at far ends of
    # links is looked up on the way, so it is made anew each time.
    compiled: Callable[[Cursor], tuple[str, Mapping[str, Any]]]
    matches: Matches
    extractor: Extractor
    limit: int
    is_local: bool
    expected: frozenset[Key] = frozenset()

    def asked(self, cursor: Cursor) -> Self:
        """Ask it now, and return it with what was found as what is expected."""
        self.ask(cursor)
        return replace(self, expected=self.found(cursor))

    def ask(self, cursor: Cursor) -> None:
        """Send the query; may be called inside a pipeline."""
        statement, values = self.compiled(cursor)
        # Never prepared: a plan must know its values.
        cursor.execute(statement, values, prepare=False)

    def found(self, cursor: Cursor) -> frozenset[Key]:
        """Return what meets the condition, `limit` keys at most, from a cursor that asked."""
        return frozenset((self.origin, self.type, id_) for (id_,) in cursor.fetchall())

    def meets(self, change: Change) -> bool:
        """Whether the version that a change proposes meets it; pure."""
        if change.type != self.type or not change.body:
            return False
        resource = change.resource if change.resource is not None else parse(change.body)
        return self.matches(change.id, self.extractor.values(dict(resource)))


def expectation_statement(
    type_name: str, conditions: Sequence[str], limit: int, origin: int
) -> str:
    """Return the statement that finds the ids of at most `limit` resources."""
    if NOTHING in conditions:
        return "select null::text where false"
    joined = "\nand ".join(conditions).replace("e.is_ended", "false")
    # The type is the conditions' own; the line says the id and whose it is beyond any hash.
    return (
        "select c.id from (\n"
        f"select e.seq from records.entry e where {joined} limit {limit:d}\n"
        ") e join journal.change c on c.seq = e.seq\n"
        f"where c.type = {TYPE_NUMBERS[type_name]:d} and c.origin = {origin:d}"
    )


def is_local(nodes: Sequence[Node]) -> bool:
    """Say whether a resource's own body tells if it meets what is asked."""
    return all(
        isinstance(part, (And, Or, Not))
        or (isinstance(part, Criterion) and (part.parameter is not None or part.type == "id"))
        for node in nodes
        for part in every_node(node)
    )
