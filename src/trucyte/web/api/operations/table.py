"""The table of operations (R4 §3.2): what `$name` may be called, where, and who answers.

Rows are made by functions that take what they need, and put together where the node is
wired. Routing, `Allow` and the CapabilityStatement come from the rows alone, so an
operation is promised exactly where it is answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from trucyte.base.problem import Kind, Problem
from trucyte.web.api.asgi import not_allowed
from trucyte.web.api.call import FhirHandler


class OperationUnknown(Problem):
    """There is no such operation here."""

    kind = Kind.NOT_FOUND
    code = "operation-unknown"


class Level(Enum):
    """Where an operation is called (R4 §3.2.0.1)."""

    SYSTEM = "system"  # [base]/$name
    TYPE = "type"  # [base]/Patient/$name
    INSTANCE = "instance"  # [base]/Patient/p1/$name


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation and who answers it.

    The handler is called with a `FhirCall` (`places` holds type, id, name) in a thread, and
    answers FHIR JSON with any status and headers, or another content type as it is.
    """

    name: str  # without the "$"
    levels: frozenset[Level]
    methods: frozenset[str]  # of GET, POST, DELETE
    affects_state: bool  # such a one is never answered to a HEAD, nor inside a batch's GET
    definition: str  # canonical of its OperationDefinition
    handler: FhirHandler
    types: frozenset[str] | None = None  # None: every type; of no meaning at the system's level
    documentation: str = ""  # what is particular to this node
    takes_any_media: bool = False  # bodies that are not FHIR too, e.g. application/graphql
    writes_own: bool = False  # answers that are not FHIR, and reads `_format` and `Accept` itself

    def serves(self, level: Level, type: str) -> bool:
        """Say whether it can be called there."""
        if level not in self.levels:
            return False
        return level is Level.SYSTEM or self.types is None or type in self.types


class OperationTable:
    """All operations of a node, found by name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        """Take the rows; one name may have several for different types or levels."""
        by_name: dict[str, list[Operation]] = {}
        for operation in operations:
            by_name.setdefault(operation.name, []).append(operation)
        self._by_name: Mapping[str, Sequence[Operation]] = by_name
        self.rows = tuple(operations)

    def find(self, name: str, level: Level, type: str, method: str) -> Operation:
        """Return the operation of a call. Raises OperationUnknown, MethodNotAllowed."""
        there = [row for row in self._by_name.get(name, ()) if row.serves(level, type)]
        if not there:
            raise OperationUnknown
        for row in there:
            if method in row.methods:
                return row
        raise not_allowed(method, {allowed for row in there for allowed in row.methods})

    def at(self, level: Level, type: str = "") -> Sequence[Operation]:
        """Return the operations that can be called at a level, for the statement."""
        return [row for row in self.rows if row.serves(level, type)]


def level_of(type: str, id: str) -> Level:
    """Return the level of a path with this type and id."""
    if not type:
        return Level.SYSTEM
    return Level.INSTANCE if id else Level.TYPE
