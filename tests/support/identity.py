"""Links between Patients over a node of one test, and a naive model of who is one person."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.support.records import KEY, Node
from trucyte.records import Hasher
from trucyte.shared.identity.links.link import Decided
from trucyte.shared.identity.links.links import Links

CLERK = Decided(("clerk",))


def links_of(node: Node) -> Links:
    """Return the links over a node."""
    return Links(node.journal, node.records, node.clock, ids=KEY, person=Hasher(KEY).person)


def patient(id: str, **more: object) -> dict:
    return {"resourceType": "Patient", "id": id, **more}


def observation(id: str, whose: str, **more: object) -> dict:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "subject": {"reference": f"Patient/{whose}"},
        **more,
    }


@dataclass
class Naive:
    """Groups by walking over all links again and again."""

    linked: set[frozenset[str]] = field(default_factory=set)
    different: set[frozenset[str]] = field(default_factory=set)

    def group(self, one: str) -> set[str]:
        found = {one}
        while True:
            more = {m for pair in self.linked if pair & found for m in pair} | found
            if more == found:
                return found
            found = more

    def may_link(self, one: str, other: str) -> bool:
        whole = self.group(one) | self.group(other)
        apart = self.different - {frozenset({one, other})}
        return not any(pair <= whole for pair in apart)

    def link(self, one: str, other: str) -> None:
        self.different.discard(frozenset({one, other}))
        self.linked.add(frozenset({one, other}))

    def unlink(self, one: str, other: str) -> None:
        self.linked.discard(frozenset({one, other}))

    def may_differ(self, one: str, other: str) -> bool:
        without = Naive(self.linked - {frozenset({one, other})}, self.different)
        return other not in without.group(one)

    def differ(self, one: str, other: str) -> None:
        self.unlink(one, other)
        self.different.add(frozenset({one, other}))


def references(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"Patient/{one}" for one in sorted(ids))
