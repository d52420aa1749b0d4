"""One search under way: what was read, what it is asked through, and whose links it follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from trucyte.records.access import Access
from trucyte.records.persons.following import NOBODY, Circles, followed, named
from trucyte.records.results.wishes import Wishes
from trucyte.records.search.bound import Parameters
from trucyte.records.search.links import Links
from trucyte.records.search.page_token import PageState
from trucyte.records.search.query import Query


@dataclass(slots=True)
class Search:
    """One search, read, and what it is asked through."""

    access: Access
    type: str  # "": several
    asked: Mapping[str, Query]  # as they were read
    links: Links
    after: PageState | None
    bound: Parameters = field(default_factory=Parameters)
    dated: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    # Who is one person with whom the search names, as far as is known yet.
    circles: Circles = field(default_factory=lambda: NOBODY)
    queries: Mapping[str, Query] = field(init=False)  # with all of them

    def __post_init__(self) -> None:
        """Begin as if nobody had links: so it is nearly always."""
        self.queries = self.asked

    @property
    def wishes(self) -> Wishes:
        """The controls, the same for all types."""
        return next(iter(self.asked.values())).wishes

    def follow(self, circles: Circles) -> None:
        """Ask for all of these circles instead of the one of each that is named."""
        self.circles = circles
        self.queries = {
            name: replace(
                query, criteria=tuple(followed(name, node, circles) for node in query.criteria)
            )
            for name, query in self.asked.items()
        }

    def named(self) -> list[str]:
        """Return the ids of the Patients whose links are followed."""
        if self.wishes.is_exact:
            return []
        return sorted(
            {
                id_
                for name, query in self.asked.items()
                for node in query.criteria
                for id_ in named(name, node)
            }
        )
