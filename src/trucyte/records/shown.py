"""What the gate gives out, and the reasons why it does not."""

from dataclasses import dataclass
from datetime import datetime

from trucyte.base.problem import Kind, Problem


class ResourceNotFound(Problem):
    """There is no such {type} here."""

    kind = Kind.NOT_FOUND
    code = "not-found"


class ResourceGone(Problem):
    """This {type} was deleted."""

    kind = Kind.GONE
    code = "gone"


class ResourceRestricted(Problem):
    """This {type} is restricted: ask for permission."""

    kind = Kind.FORBIDDEN
    code = "restricted"


class InteractionNotAllowed(Problem):
    """This is not among what you may do with a {type}."""

    kind = Kind.FORBIDDEN
    code = "interaction-not-allowed"


class UnknownType(Problem):
    """{type} is not a resource type of FHIR R4."""

    kind = Kind.NOT_FOUND
    code = "type-unknown"


class SearchTooSlow(Problem):
    """The search took more than {seconds} seconds: narrow it, by person, code or time."""

    kind = Kind.TOO_LARGE
    code = "search-too-slow"


@dataclass(frozen=True, slots=True)
class Resource:
    """One version of a resource, ready to be sent. A deleted one has an empty body."""

    type: str
    id: str
    version: int
    last_updated: datetime  # aware, UTC
    body: bytes  # with `meta.versionId` and `meta.lastUpdated`
    person: int
    seq: int
    source: int = 0  # intake's number of the file or message it came from; 0: none
    row: int = 0  # the row in that source

    @property
    def is_deleted(self) -> bool:
        """Whether this version is the deletion."""
        return not self.body


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search. It may be short although there is a next one."""

    entries: tuple[Resource, ...]
    next: str | None  # opaque; for `Records.next_page`
    total: int | None  # where it was asked for
    ignored: tuple[str, ...] = ()  # names of parameters that were left out, when lenient
    included: tuple[Resource, ...] = ()  # what came along; not counted
    is_cut: bool = False  # more would have come along than may
    count: int = 0  # how many were asked for at most, as far as that may be


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions in their order; `next` is opaque, for `Records.history`'s `page`."""

    entries: tuple[Resource, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One resource of a person's record; of a restricted one no more than that it is there."""

    type: str
    id: str
    month: str | None  # YYYY-MM at +07:00, of the type's main date
    restricted: bool
    resource: Resource | None  # None where restricted
