"""Follow the journal: learn what is asked for, and write an event for each version that is.

Each step is one transaction with the cursor, so that events are written exactly once. Only
what is accepted after a Subscription was is told to it. A subscription sees what its
creator may see when the version is matched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Final, Protocol

from trucyte.base.clock import Clock
from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.database.connect import Cursor
from trucyte.exchange.subscriptions.definition import Definition, read_definition
from trucyte.exchange.subscriptions.matching import (
    AskIndex,
    Catalogue,
    Compiler,
    Version,
)
from trucyte.exchange.subscriptions.problems import CreatorUnknown
from trucyte.exchange.subscriptions.statements import statements
from trucyte.exchange.subscriptions.store import (
    Creator,
    NewEvent,
    Standing,
    Status,
    Store,
    add_events,
)
from trucyte.exchange.subscriptions.topics import Pairs, Topics
from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.journal.behalf import organisation_number, organisations_of
from trucyte.journal.change import Operation, Position, Stored
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records

NAME: Final = "subscriptions"
TYPE: Final = "Subscription"
_OWN: Final = 0
_LINES_AT_ONCE: Final = 500
_PROVENANCES_MAX: Final = 50  # looked at for the one that tells of a line
_LOOK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 5.0
_ACCOUNTS: Final = "https://trucyte.vn/fhir/sid/account"


class AccessOf(Protocol):
    """Decides what a creator may see; nothing of it is shown to anybody by itself."""

    def __call__(self, creator: Creator) -> Access:
        """Return the access of a creator, with a recorder that keeps nothing."""
        ...


class CheckEndpoint(Protocol):
    """Refuses endpoints by their address."""

    def __call__(self, endpoint: str) -> None:
        """Raise EndpointRefused."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What following needs of a node."""

    store: Store
    journal: Journal
    records: Records
    extractor: Extractor
    compiler: Compiler
    topics: Topics
    clock: Clock
    access_of: AccessOf
    check_endpoint: CheckEndpoint


class Follower:
    """Writes the events. One thread; several processes take turns."""

    def __init__(self, parts: Parts) -> None:
        """Know nothing yet: what is there is read at the first step."""
        self._parts = parts
        self._catalogue: Catalogue | None = None
        self._standings: dict[str, Standing] = {}
        self._position = -1  # where the catalogue stands
        self._accesses: dict[Creator, Access] = {}

    def run(self, stop: Event, waits: Callable[[Problem], None]) -> None:
        """Follow until `stop` is set; a Problem is told to `waits` and tried again."""
        while not stop.is_set():
            try:
                after = self.catch_up()
                while not stop.is_set():
                    if self._parts.journal.wait(after, _LOOK_SECONDS) > after:
                        break
            except Problem as problem:
                waits(problem)
                stop.wait(_AGAIN_SECONDS)

    def catch_up(self) -> int:
        """Go as far as the journal goes now; return the seq reached."""
        while True:
            try:
                reached, is_end = self._step()
            except BaseException:
                self._catalogue = None  # it may know what was rolled back
                raise
            if is_end:
                return reached

    def _step(self) -> tuple[int, bool]:
        journal = self._parts.journal
        with self._parts.store.database.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statements().lock)
            here, end = journal.cursor(NAME), journal.position()
            if here is None or here.epoch != end.epoch:
                self._begin(cursor, end.seq)
                journal.move_cursor(NAME, end, cursor)
                return end.seq, True
            catalogue = self._known(cursor, here.seq)
            if here.seq >= end.seq:
                return here.seq, True
            lines = journal.follow(here.seq, _LINES_AT_ONCE)
            found = self._walk(cursor, catalogue, lines)
            if found:
                add_events(cursor, found)
            reached = lines[-1].entry.seq
            journal.move_cursor(NAME, Position(reached, end.epoch), cursor)
        self._position = reached
        return reached, False

    def _begin(self, cursor: Cursor, end: int) -> None:
        """Learn what was asked for before anybody followed, or before a restore."""
        self._catalogue, self._standings = Catalogue(), {}
        after = 0
        while lines := self._parts.journal.follow(after, _LINES_AT_ONCE, [TYPE]):
            for line in lines:
                if line.entry.seq <= end:
                    self._learn(cursor, self._catalogue, line)
            after = lines[-1].entry.seq
        cursor.execute(statements().clear, {"ids": list(self._standings)})
        self._position = end

    def _known(self, cursor: Cursor, position: int) -> Catalogue:
        """Return the catalogue as it is at a position: kept, or read from the tables."""
        if self._catalogue is not None and self._position == position:
            return self._catalogue
        catalogue = Catalogue()
        standings = self._parts.store.every(cursor)
        bodies = self._parts.journal.bodies([one.seq for one in standings])
        for standing in standings:
            line = bodies.get(standing.seq)
            if standing.channel and standing.status is not Status.OFF and line and line.body:
                self._restore(cursor, catalogue, standing, line)
        self._standings = {one.id: one for one in standings}
        self._catalogue, self._position = catalogue, position
        return catalogue

    def _restore(
        self, cursor: Cursor, catalogue: Catalogue, standing: Standing, line: Stored
    ) -> None:
        try:
            definition = read_definition(parse(line.body), self._parts.topics)
            catalogue.put(standing.id, self._parts.compiler.rules(definition))
        except Problem as problem:  # understood once, by another version of this program
            told = {"id": standing.id, "problem": problem.code}
            told["reason"] = wording(problem, "en")
            cursor.execute(statements().refuse, told)

    # Learning

    def _learn(self, cursor: Cursor, catalogue: Catalogue, line: Stored) -> None:
        """Take in a version of a Subscription."""
        entry = line.entry
        if entry.origin != _OWN:
            return
        if entry.operation is Operation.DELETE or not line.body:
            cursor.execute(statements().drop, {"id": entry.id})
            self._standings.pop(entry.id, None)
            catalogue.drop(entry.id)
            return
        resource = parse(line.body)
        known = self._parts.store.one(entry.id, cursor)
        if known is not None and self._asks_nothing_new(known, resource):
            told = {"id": entry.id, "version": entry.version, "told_status": resource["status"]}
            cursor.execute(statements().seen, told)
            return
        self._ask_anew(cursor, catalogue, line, resource)

    def _asks_nothing_new(self, known: Standing, resource: Mapping[str, Any]) -> bool:
        """Whether a version only says where a subscription stands, as this node's own do."""
        status = resource.get("status")
        if status == Status.OFF and known.status is not Status.OFF:
            return False
        if status not in (Status.ACTIVE, Status.ERROR, Status.OFF):
            return False
        before = self._parts.journal.bodies([known.seq]).get(known.seq)
        return before is not None and bool(before.body) and _same(parse(before.body), resource)

    def _ask_anew(
        self, cursor: Cursor, catalogue: Catalogue, line: Stored, resource: Mapping[str, Any]
    ) -> None:
        entry = line.entry
        catalogue.drop(entry.id)
        status, problem, reason, definition = Status.REQUESTED, "", "", None
        creator = self._creator(cursor, line) or Creator("", "", "")
        if resource.get("status") == Status.OFF:
            status = Status.OFF
        else:
            try:
                definition = self._understood(catalogue, resource, creator)
            except Problem as refusal:
                status, problem, reason = Status.ERROR, refusal.code, wording(refusal, "en")
        row = {
            "id": entry.id, "version": entry.version, "seq": entry.seq,
            "caller": creator.caller, "purpose": creator.purpose,
            "organisation": creator.organisation, "asker": creator.asker,
            "status": status, "problem": problem, "reason": reason,
            "told_status": resource.get("status", ""), "now": self._parts.clock.now(),
            "channel": definition.channel if definition else "",
            "heartbeat_seconds": definition.heartbeat_seconds if definition else None,
            "ends_at": definition.ends_at if definition else None,
        }  # fmt: skip
        cursor.execute(statements().put, row)
        cursor.execute(statements().notify)
        standing = self._parts.store.one(entry.id, cursor)
        assert standing is not None
        self._standings[entry.id] = standing

    def _understood(
        self, catalogue: Catalogue, resource: Mapping[str, Any], creator: Creator
    ) -> Definition:
        """Read a Subscription and let it be found; raises the Problem it is refused for."""
        if not creator.caller:
            raise CreatorUnknown
        definition = read_definition(resource, self._parts.topics)
        rules = self._parts.compiler.rules(definition)
        if definition.endpoint:
            self._parts.check_endpoint(definition.endpoint)
        catalogue.put(definition.id, rules)
        return definition

    def _creator(self, cursor: Cursor, line: Stored) -> Creator | None:
        """Return on whose behalf a version was accepted: the Provenance beside it says so.

        Anyone may write one: the first is taken that agrees with what the node knows itself.
        """
        entry = line.entry
        wanted = f"{TYPE}/{entry.id}/_history/{entry.version}"
        near = self._parts.journal.follow(entry.seq, _PROVENANCES_MAX, ["Provenance"])
        for other in near:
            if other.entry.origin == _OWN and wanted.encode() in other.body:
                resource = parse(other.body)
                if any(one.get("reference") == wanted for one in resource.get("target", ())):
                    told = _creator_of(resource)
                    if told is not None and (known := _as_known(cursor, line, told)):
                        return known
        return None

    # Matching

    def _walk(
        self, cursor: Cursor, catalogue: Catalogue, lines: Sequence[Stored]
    ) -> list[tuple[str, NewEvent]]:
        """Return the events of some lines, in their order."""
        met: list[tuple[str, Creator, Stored]] = []
        for line in lines:
            if line.entry.type == TYPE:
                self._learn(cursor, catalogue, line)
            if line.entry.origin != _OWN or not catalogue.wants(line.entry.type):
                continue
            version = self._version(line)
            if version is not None:
                found = catalogue.met_by(version, self._ask_for)
                met += [(id, self._standings[id].creator, line) for id in found]
        allowed = self._allowed(met)
        return [
            (id, _event(line)) for id, creator, line in met if (creator, line.entry.seq) in allowed
        ]

    def _version(self, line: Stored) -> Version | None:
        """Return a line as it is matched; None where nothing is left of it."""
        entry = line.entry

        def values_of(body: bytes) -> SearchValues:
            """Whoever subscribes to one Patient is told of all that are the same person."""
            values = self._parts.extractor.values(parse(body))
            return self._parts.records.with_circles(entry.type, values)

        def before() -> SearchValues | None:
            earlier = self._parts.journal.version(
                entry.origin, entry.type, entry.id, entry.version - 1
            )
            return values_of(earlier.body) if earlier and earlier.body else None

        if line.body:
            return Version(entry, values_of(line.body), before)
        values = before() if entry.operation is Operation.DELETE else None
        return Version(entry, values, lambda: values) if values is not None else None

    def _ask_for(self, id: str) -> AskIndex:
        """Return what asks the index on behalf of a subscription's creator."""
        access = self._access(self._standings[id].creator)

        def ask(kind: str, pairs: Pairs, resource: str) -> bool:
            asked = [*pairs, ("_id", resource), ("_count", "1")]
            return bool(self._parts.records.search(access, kind, asked).entries)

        return ask

    def _allowed(self, met: Sequence[tuple[str, Creator, Stored]]) -> set[tuple[Creator, int]]:
        """Return which creators may see which lines, asked once for each creator."""
        lines: dict[Creator, dict[int, Stored]] = {}
        for _, creator, line in met:
            lines.setdefault(creator, {})[line.entry.seq] = line
        return {
            (creator, seen.entry.seq)
            for creator, listed in lines.items()
            for seen in self._parts.records.visible(self._access(creator), list(listed.values()))
        }

    def _access(self, creator: Creator) -> Access:
        if creator not in self._accesses:
            self._accesses[creator] = self._parts.access_of(creator)
        return self._accesses[creator]


def _as_known(cursor: Cursor, line: Stored, creator: Creator) -> Creator | None:
    """Return a creator with its bounds; None for one who cannot have written the line."""
    entry = line.entry
    place = entry.source, entry.row
    number = organisation_number(creator.organisation) if creator.organisation else None
    if organisations_of(cursor, {place}).get(place) != number:
        return None
    told = {"id": entry.id, "version": entry.version}
    bounds: dict[str, str] = dict(cursor.execute(statements().bounds, told).fetchall())
    if bounds and creator.caller not in bounds:
        return None
    return replace(creator, asker=bounds.get(creator.caller, ""))


def _event(line: Stored) -> NewEvent:
    entry = line.entry
    return NewEvent(
        entry.seq, entry.type, entry.id, entry.version, entry.operation, entry.accepted_at
    )


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two versions ask for the same: all but what the node itself says."""
    own = ("status", "error", "meta", "text")
    return {k: v for k, v in one.items() if k not in own} == {
        k: v for k, v in other.items() if k not in own
    }


def _creator_of(provenance: Mapping[str, Any]) -> Creator | None:
    """Return whom a Provenance of this node names."""
    for agent in provenance.get("agent", ()):
        identifier = agent.get("who", {}).get("identifier", {})
        if identifier.get("system") == _ACCOUNTS and identifier.get("value"):
            organisation = agent.get("onBehalfOf", {}).get("reference", "")
            return Creator(identifier["value"], _purpose(provenance), organisation)
    return None


def _purpose(provenance: Mapping[str, Any]) -> str:
    codings = [c for reason in provenance.get("reason", ()) for c in reason.get("coding", ())]
    return codings[0].get("code", "") if codings else ""
