"""People to be matched, and links that live in memory."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.records import KEY, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records.access import Access
from trucyte.shared.access.local import system_access
from trucyte.shared.identity.index import Follower, Keys, Matcher
from trucyte.shared.identity.links import Decided, LinkState
from trucyte.shared.identity.matching.model import load_model
from trucyte.shared.identity.newcomers import Newcomers, Policy, Worklist
from trucyte.shared.identity.newcomers.run import Parts

CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
KEYS = Keys(KEY[:16])
PHONE = "0912000111"


def patient(
    id: str,
    name: str = "Nguyễn Văn Hùng",
    birth: str = "1985-03-02",
    *,
    sex: str = "male",
    number: str = "",
    phone: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Return a Patient of someone who does not exist."""
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": id,
        "name": [{"use": "official", "text": name}],
        "gender": sex,
    }
    if birth:
        resource["birthDate"] = birth
    if number:
        resource["identifier"] = [{"system": CCCD, "value": number}]
    if phone:
        resource["telecom"] = [{"system": "phone", "value": phone}]
    return resource | more


@dataclass
class LinksInMemory:
    """What was decided of pairs, as `Links` tells it."""

    known: dict[tuple[str, str], LinkState] = field(default_factory=dict)
    made: list[tuple[str, str, str, Decided]] = field(default_factory=list)
    refusal: Exception | None = None

    def link(self, access: Access, one: str, other: str, decided: Decided) -> None:
        self._decide(access, one, other, LinkState.LINKED, decided)

    def link_all(
        self, access: Access, asked: Sequence[tuple[str, str, Decided]]
    ) -> list[Problem | None]:
        found: list[Problem | None] = []
        for one, other, decided in asked:
            try:
                found.append(self.link(access, one, other, decided))
            except Problem as problem:
                found.append(problem)
        return found

    def differ(self, access: Access, one: str, other: str, decided: Decided) -> None:
        self._decide(access, one, other, LinkState.DIFFERENT, decided)

    def unlink(self, access: Access, one: str, other: str, decided: Decided) -> None:
        self._decide(access, one, other, LinkState.BROKEN, decided)

    def states(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], LinkState | None]:
        return {pair: self.known.get(_ordered(*pair)) for pair in pairs}

    def group(self, reference: str) -> Sequence[str]:
        found, waiting = {reference}, [reference]
        while waiting:
            one = waiting.pop()
            for pair, state in self.known.items():
                other = pair[one == pair[0]] if one in pair else None
                if state is LinkState.LINKED and other and other not in found:
                    found.add(other)
                    waiting.append(other)
        return tuple(sorted(found))

    def _decide(
        self, access: Access, one: str, other: str, state: LinkState, decided: Decided
    ) -> None:
        if self.refusal is not None:
            raise self.refusal
        if self.known.get(_ordered(one, other)) is not state:
            self.known[_ordered(one, other)] = state
            self.made.append((access.caller, *_ordered(one, other), decided))


def _ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


@dataclass
class People:
    """A node with its index of people."""

    node: Node
    follower: Follower
    matcher: Matcher
    links: LinksInMemory
    newcomers: Newcomers
    worklist: Worklist

    def put(self, *resources: dict[str, Any]) -> None:
        """Accept Patients and lay them out."""
        for resource in resources:
            self.node.put(resource)
        self.follower.catch_up()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.node.database.connection() as connection:
            return connection.execute(sql).fetchall()

    def with_policy(self, policy: Policy) -> Newcomers:
        return newcomers_of(self.node, self.matcher, self.links, policy)


def newcomers_of(
    node: Node, matcher: Matcher, links: LinksInMemory, policy: Policy | None = None
) -> Newcomers:
    return Newcomers(
        Parts(
            node.database,
            node.journal,
            matcher,
            links,
            node.clock,
            system_access("identity"),
            policy or Policy(),
        )
    )


@contextmanager
def open_people(
    database: Database,
    folder: Path,
    clock: FixedClock,
    definitions: Definitions,
    *,
    crowd: int = 100,
) -> Iterator[People]:
    with open_node(database, folder, clock, definitions) as node:
        matcher = Matcher(database, KEYS, load_model(), crowd=crowd)
        links = LinksInMemory()
        yield People(
            node,
            Follower(database, node.journal, KEYS),
            matcher,
            links,
            newcomers_of(node, matcher, links),
            Worklist(database, node.records, links, clock),
        )
