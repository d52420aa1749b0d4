"""What is in force at one moment: the parameters of users, and the rows they give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.search import Extractor
from trucyte.fhir.search.custom import CompiledParameter
from trucyte.fhir.search.parameters import Parameter
from trucyte.records.rows import RowMaker


class ParameterNotReady(Problem):
    """The search parameter {parameter} of {type} is being indexed ({percent} %); try later."""

    kind = Kind.UNAVAILABLE
    code = "search-parameter-indexing"


class ParameterStopped(Problem):
    """Indexing of the search parameter {parameter} of {type} was stopped; have it resumed first."""

    kind = Kind.UNAVAILABLE
    code = "search-parameter-stopped"


class State(IntEnum):
    """Where a parameter stands."""

    BUILDING = 1
    READY = 2
    LEAVING = 3  # deleted or retired; rows still have its values
    STOPPED = 4  # its building was cancelled


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of `records.parameter`."""

    id: str
    seq: int
    walked: int
    done: int
    total: int
    rate: int
    state: State
    sides: tuple[int, ...]
    types: tuple[str, ...]
    body: str

    @property
    def percent(self) -> int:
        """How much of its walk is done, 0 to 100; by position where rows are not counted yet."""
        if self.state is State.READY or self.walked >= self.seq:
            return 100
        if self.total:
            return min(99, self.done * 100 // self.total)
        return min(99, self.walked * 100 // max(self.seq, 1))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is in force until something changes it; never changes itself."""

    stamp: int
    seq: int  # the last line that was looked at for it
    kept: Mapping[str, Kept]  # by id
    compiled: Mapping[str, CompiledParameter]  # by id; those leaving are none
    broken: Mapping[str, str]  # by id: why this program cannot use one that another accepted
    extractor: Extractor
    maker: RowMaker

    @property
    def sides(self) -> Sequence[int]:
        """Return the numbers in the side tables of all users' parameters, also of those leaving.

        They are written together: rows of a composite know its place among the composites.
        """
        return sorted({number for kept in self.kept.values() for number in kept.sides})

    def custom_of(self, resource_type: str) -> Sequence[CompiledParameter]:
        """Return the parameters whose values a type's rows have."""
        return self.extractor.custom_of(resource_type)

    def unready(self, resource_type: str, code: str) -> Kept | None:
        """Return the row of a parameter that is there but cannot be asked yet."""
        for id_, parameter in self.compiled.items():
            if parameter.code == code and resource_type in parameter.expressions:
                kept = self.kept[id_]
                return None if kept.state is State.READY else kept
        return None


class Vocabulary:
    """The names one search may use, of one plan; see `search.asked.names.Language`."""

    def __init__(self, plan: Plan) -> None:
        """Read from one plan."""
        self.plan = plan
        self._known: dict[str, tuple[Parameter, ...]] = {}
        self.is_custom_used = False

    def parameters(self, resource_type: str) -> tuple[Parameter, ...]:
        """Return the type's parameters that can be asked now."""
        every = self.plan.extractor.parameters(resource_type)
        if not self.plan.compiled or not self.plan.custom_of(resource_type):
            return every
        if resource_type not in self._known:
            self._known[resource_type] = tuple(
                parameter
                for parameter in every
                if not parameter.is_custom
                or self.plan.unready(resource_type, parameter.code) is None
            )
        return self._known[resource_type]

    def custom_of(self, resource_type: str) -> Mapping[str, CompiledParameter]:
        """Return the users' parameters of a type, by code."""
        return {one.code: one for one in self.plan.custom_of(resource_type)}

    def left_to_full_language(self, resource_type: str) -> Sequence[str]:
        """Return the codes of R4's own that have no values."""
        return self.plan.extractor.left_to_full_language(resource_type)

    def check_ready(self, resource_type: str, code: str) -> None:
        """Raise ParameterNotReady or ParameterStopped for one that is still being indexed."""
        kept = self.plan.unready(resource_type, code)
        self.is_custom_used = True
        if kept is None:
            return
        if kept.state is State.STOPPED:
            raise ParameterStopped(parameter=code, type=resource_type)
        raise ParameterNotReady(parameter=code, type=resource_type, percent=kept.percent)
