"""What is proposed to the journal, and what it becomes.

A `Change` is one new version of one resource, already validated; an `Entry` is the
line that was written for it. Shapes only; the work is in `Journal`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Cursor


class Operation(IntEnum):
    """What a line does to its resource."""

    CREATE = 1
    UPDATE = 2
    DELETE = 3


class VersionConflict(Problem):
    """The record changed after you read it."""

    kind = Kind.CONFLICT
    code = "version-conflict"


class KeyDestroyed(Problem):
    """What is known of this person was being erased at this moment; send it again."""

    kind = Kind.CONFLICT
    code = "key-destroyed"


class ExpectationFailed(Problem):
    """What meets the condition changed while it was decided on."""

    kind = Kind.CONFLICT
    code = "expectation-failed"


class ExpectationTooSlow(Problem):
    """Whether the condition still holds could not be told in {seconds} seconds."""

    kind = Kind.TOO_LARGE
    code = "expectation-too-slow"


@dataclass(frozen=True, slots=True)
class Change:
    """A proposed version. `body` and `meta_offset` as `fhir.text.Accepted` has them."""

    type: str
    id: str
    operation: Operation
    body: bytes  # empty for DELETE
    meta_offset: int
    person: int  # keyed hash of the Patient's first id; the resource's own where there is none
    expected: int | None = None  # None: whatever is there; 0: must not exist; n: n is current
    data_group: int = 0  # of Decree 102/2025; 0: not yet classified
    source: int = 0  # intake's number of the file or message it came from
    row: int = 0  # the row in that source
    origin: int = 0  # 0: this node
    retention: int = 0  # class of the retention schedule; 0: not yet classified
    # The parsed resource, where the proposer has it at hand: spares projections a parse.
    resource: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted line, without its body."""

    seq: int
    accepted_at: datetime  # aware, UTC
    origin: int
    type: str
    id: str
    version: int
    operation: Operation
    data_group: int
    person: int
    source: int
    row: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An accepted line with its body as accepted (decompressed, `meta` not spliced in)."""

    entry: Entry
    body: bytes
    meta_offset: int


@dataclass(frozen=True, slots=True)
class Head:
    """The current version of a resource; a deleted one has a head with operation DELETE."""

    version: int
    seq: int
    operation: Operation


@dataclass(frozen=True, slots=True)
class Position:
    """How far a follower came. A restore starts a new epoch: positions of the old one are void."""

    seq: int
    epoch: int


Key = tuple[int, str, str]  # (origin, type, id)


class Expectation(Protocol):
    """Which resources a unit takes for granted to meet a condition, beside its versions.

    It is asked again under the lock, of what is current there and of the units accepted
    before in the same batch; hence "nothing meets it" stays true until the unit is in.
    """

    @property
    def type(self) -> str:
        """Of the resources it is about."""
        ...

    @property
    def expected(self) -> frozenset[Key]:
        """Exactly these meet it."""
        ...

    @property
    def limit(self) -> int:
        """Keys asked for at most, more than are expected."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether a resource meets it by itself, whatever others say."""
        ...

    def ask(self, cursor: Cursor) -> None:
        """Send the query; may be called inside a pipeline."""
        ...

    def found(self, cursor: Cursor) -> frozenset[Key]:
        """Return what meets the condition, `limit` keys at most, from a cursor that asked."""
        ...

    def meets(self, change: Change) -> bool:
        """Whether the version that a change proposes meets it; pure."""
        ...


class Projection(Protocol):
    """A table derived from the journal inside its own transaction.

    `prepare` runs before the lock and may be slow; `apply` runs inside it and must
    not be. Replaying `apply` over the whole journal must give the same rows.
    """

    name: str
    tables: Sequence[str]  # qualified, e.g. "records.current": what a rebuild compares row by row

    def prepare(self, change: Change) -> Any:
        """Compute what `apply` will need; pure."""
        ...

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[Any]) -> None:
        """Write the rows of `entries` (in `seq` order) and end those they replace."""
        ...

    def clear(self, cursor: Cursor) -> None:
        """Empty the table, before a rebuild."""
        ...
