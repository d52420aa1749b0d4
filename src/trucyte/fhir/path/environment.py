"""What an expression may ask of the world around it, and the limits it works within."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from trucyte.fhir.path.model import Node
from trucyte.fhir.path.problems import PathTooCostly

WORK_MAX: Final = 2_000_000  # a second or two, whatever the loops are made of
TEXT_MAX: Final = 64 * 1024 * 1024


_CHARACTERS_A_UNIT: Final = 32
_NOTHING: Final[list[Any]] = []


class Resolver(Protocol):
    """Finds resources by reference."""

    def resolve(self, reference: str) -> dict[str, Any] | None:
        """Return the resource a reference points to in parsed JSON, None where unknown."""


class Terminology(Protocol):
    """Knows codes. None as an answer says that it cannot tell."""

    def member_of(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Say whether a code is in a value set; without a system, whatever its system."""

    def subsumes(self, system: str, code: str, other: str) -> bool | None:
        """Say whether `code` is `other` or an ancestor of it."""


class Profiles(Protocol):
    """Knows profiles beyond the types of the definitions."""

    def conforms(self, node: Node, profile: str) -> bool | None:
        """Say whether an element conforms to a profile; None where it is unknown."""

    def in_slice(self, node: Node, profile: str, name: str) -> list[Node] | None:
        """Return what of an element belongs to a slice; None where there is no such slice."""

    def element_definition(self, path: str) -> dict[str, Any] | None:
        """Return the ElementDefinition of a path such as `Patient.name`; None where unknown."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What stands around one evaluation; make one for a resource and keep it."""

    resource: Node | None = None  # %resource; None: the input itself, where it is a resource
    root_resource: Node | None = None  # %rootResource; None: the same
    resolver: Resolver | None = None
    terminology: Terminology | None = None
    profiles: Profiles | None = None
    now: datetime | None = None  # None: the language has no clock, and now() is refused
    variables: Mapping[str, Any] = field(default_factory=dict)  # each a value, or a list of them
    trace: Callable[[str, list[Any]], None] | None = None
    work_max: int = WORK_MAX  # items looked at, all loops together


NO_ENVIRONMENT: Final = Environment()


class Shared:
    """What all scopes of one evaluation share: the work left, and what is settled."""

    __slots__ = ("settled", "work")

    def __init__(self, work: int) -> None:
        """Begin with all of the work left."""
        self.work = work
        self.settled: dict[object, Any] = {}


class Scope:
    """Where an evaluation is: `$this`, `$index`, `$total`, and the variables in sight."""

    __slots__ = ("context", "environment", "index", "shared", "this", "total", "variables")

    def __init__(self, environment: Environment, context: list[Any], shared: Shared) -> None:
        """Begin at the input of the expression."""
        self.environment = environment
        self.context = context
        self.this = context
        self.index: int | None = None
        self.total: list[Any] | None = None
        self.variables: Mapping[str, list[Any]] | None = None
        self.shared = shared

    def inner(self, items: list[Any]) -> "Scope":
        """Return a scope for a loop over `items`, which it charges for."""
        self.charge(len(items))
        scope = Scope(self.environment, self.context, self.shared)
        scope.variables = self.variables
        scope.total = self.total
        return scope

    def made(self, result: Any) -> list[Any]:
        """Return a result as a collection; a long text is charged for as memory is."""
        if result is None:
            return _NOTHING
        if result.__class__ is str and len(result) >= _CHARACTERS_A_UNIT:
            self.charge(len(result) // _CHARACTERS_A_UNIT)
        return [result]

    def weigh(self, items: list[Any]) -> None:
        """Count the work of comparing items: whole elements by all that is in them."""
        self.charge(len(items))
        for item in items:
            if item.__class__ is Node and item.value.__class__ is dict:
                self.charge(_size(item.value))

    def charge(self, count: int) -> None:
        """Count work. Raises `PathTooCostly` where it is more than allowed."""
        self.shared.work -= count
        if self.shared.work < 0:
            raise PathTooCostly(reason="it would look at too many elements")


def _size(value: Any) -> int:
    """Count the members of all objects and lists in an element."""
    inner = value.values() if value.__class__ is dict else value
    size = len(inner)
    for one in inner:
        if one.__class__ is dict or one.__class__ is list:
            size += _size(one)
    return size
