"""The one gate through which records are read.

Every method takes an `Access` first, compiles it into the query before any limit, and
records whose data was shown before it returns. Restricted resources never show in a
search, a count or a history of a caller who may not see them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from trucyte.base.clock import VIETNAM, Clock
from trucyte.database.connect import Connection, Database
from trucyte.fhir.parse import parse
from trucyte.fhir.search.values import SearchValues
from trucyte.journal.change import Stored
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.index import SearchIndex
from trucyte.records.labels import sensitivity_of_body
from trucyte.records.owners import Standing, standing
from trucyte.records.persons.following import AS_SAID, circles_of_ids, with_circles
from trucyte.records.results.everything import Everything
from trucyte.records.results.explain import explain
from trucyte.records.results.finding import Finder
from trucyte.records.results.history import Historian
from trucyte.records.results.kept import KeptLines
from trucyte.records.results.lines import (
    OWN,
    check_type,
    microseconds,
    reading,
    shown,
)
from trucyte.records.results.sight import Sight
from trucyte.records.search.asked.codes import Codes, CodesOf
from trucyte.records.search.bound import Parameters
from trucyte.records.search.expectation import SearchExpectation
from trucyte.records.search.narrowing import is_granted
from trucyte.records.search.page_token import PageSeal
from trucyte.records.search.permission import NOBODYS, permitted, sees_statistics
from trucyte.records.search.steps import timeline_statement
from trucyte.records.shown import (
    HistoryPage,
    InteractionNotAllowed,
    Page,
    Resource,
    ResourceGone,
    ResourceNotFound,
    ResourceRestricted,
    TimelineEntry,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Records:
    """What is true now, and what was."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        index: SearchIndex,
        clock: Clock,
        key: bytes,
        *,
        codes: Codes | None = None,
        kept: KeptLines | None = None,
    ) -> None:
        """Take the index that the journal keeps, and the node's index key.

        `codes` answers searches by value sets and hierarchies; without it they are refused.
        `kept` may be shared by all who read one journal.
        """
        self._database = database
        self._journal = journal
        self._codes = codes
        self._hasher = index.hasher
        seal = PageSeal(key)
        self._finder = Finder(
            database,
            journal,
            index,
            clock,
            seal,
            self._codes_for,
            index.extractor.compartments,
            kept or KeptLines(),
        )
        self._historian = Historian(database, journal, seal, self._finder.sight)
        self._everything = Everything(self._finder)

    def _sight(self, access: Access, connection: Connection) -> Sight:
        return self._finder.sight(access, connection)

    def _codes_for(self, access: Access) -> CodesOf | None:
        if self._codes is None:
            return None
        return CodesOf(self._codes, lambda id_: parse(self.read(access, "ValueSet", id_).body))

    def read(self, access: Access, type: str, id: str) -> Resource:
        """Return the current version.

        Raises ResourceNotFound, ResourceGone, ResourceRestricted.
        """
        check_type(type)
        check_granted(access, type)
        key = (OWN, type, id)
        with self._database.reader() as connection:
            stored = self._journal.current([key], connection).get(key)
            if stored is None or not self._sight(access, connection).known([stored]):
                raise ResourceNotFound(type=type)
        if not stored.body:
            raise ResourceGone(type=type)
        # The current version's own label is the resource's.
        if not access.sees(sensitivity_of_body(stored.body)):
            raise ResourceRestricted(type=type)
        return shown(access, [stored], f"read {type}")[0]

    def read_all(
        self, access: Access, type: str, ids: Sequence[str], reason: str
    ) -> tuple[Resource, ...]:
        """Return the current versions of several, in the order of `ids`.

        What is not there, was deleted or is not for the caller is left out. `reason` is for
        the trail: "match Patient". Raises UnknownType.
        """
        check_type(type)
        keys = [(OWN, type, id) for id in ids]
        with self._database.reader() as connection:
            found = self._journal.current(keys, connection)
            lines = [found[key] for key in keys if key in found and found[key].body]
            seen = self._sight(access, connection).known(lines)
        # The current version's own label is the resource's.
        return shown(
            access, [line for line in seen if access.sees(sensitivity_of_body(line.body))], reason
        )

    def read_version(self, access: Access, type: str, id: str, version: int) -> Resource:
        """Return one version, also of a resource that was deleted later.

        Raises as `read`. Who may not see what is restricted now may not see what it was.
        """
        check_type(type)
        check_granted(access, type)
        stored = self._journal.version(OWN, type, id, version)
        if stored is None:
            raise ResourceNotFound(type=type)
        with self._database.reader() as connection:
            if not self._sight(access, connection).visible([stored]):
                widened = self._sight(replace(access, sees_restricted=True), connection)
                if not widened.visible([stored]):
                    raise ResourceNotFound(type=type)
                raise ResourceRestricted(type=type)
        if not stored.body:
            raise ResourceGone(type=type)
        return shown(access, [stored], f"vread {type}")[0]

    def history(
        self,
        access: Access,
        type: str | None = None,
        id: str | None = None,
        *,
        count: int = 50,
        since: datetime | None = None,
        at: tuple[datetime, datetime] | None = None,
        oldest_first: bool = False,
        page: str | None = None,
    ) -> HistoryPage:
        """Return versions, newest first: of one resource, of a type, or of all.

        `since`: accepted at or after it. `at`: current at some time within, half open.
        `page` is what the page before gave as `next`; all else is then in it. Raises
        ResourceNotFound, ResourceRestricted for one resource; of many, what is restricted is
        left out. Raises PageTokenUnknown, PageExpired.
        """
        if page is not None:
            return self._historian.following(access, page)
        if type is not None:
            check_type(type)
        return self._historian.first(
            access,
            type or "",
            id or "",
            count,
            _microseconds(since),
            None if at is None else (microseconds(at[0]), microseconds(at[1])),
            oldest_first=oldest_first,
        )

    def search(
        self,
        access: Access,
        type: str | None,
        query: Sequence[tuple[str, str]],
        *,
        lenient: bool = False,
        compartment: tuple[str, str] | None = None,
    ) -> Page:
        """Return the first page of what meets the query, newest first unless sorted.

        `query` has decoded names and values in their order. `type` None searches the types of
        `_type`, or all, by what they have in common. `compartment` (type, id) keeps to what
        belongs to it. Raises a Problem that names the parameter where one is unknown, not
        supported or has a bad value; `lenient` leaves out those that are unknown or not
        supported, and the page names them.
        """
        if type is not None:
            check_type(type)
        return self._finder.first(access, type or "", query, compartment or (), lenient=lenient)

    def standing(self, access: Access, keys: Collection[tuple[str, str]]) -> Standing:
        """Return what the caller may do with resources (type, id); shows nothing of them."""
        if not keys or sees_statistics(access):
            return standing(access, (), None)  # nothing is to be asked
        with self._database.reader() as connection:
            found = standing(access, keys, connection)
            return found.without(self._finder.sight(access, connection, "rud").hidden(keys))

    def check_within(
        self, access: Access, letter: str, resource: Mapping[str, Any], person: int
    ) -> None:
        """Raise InteractionNotAllowed for a version that a caller may not write so.

        `letter` is one of "cud", `person` the key of whom the version is about.
        """
        kind = resource["resourceType"]
        is_theirs = access.persons is None or kind in NOBODYS or person in access.persons
        if not is_theirs or not is_granted(access, letter, resource, self._finder.index.extractor):
            raise InteractionNotAllowed(type=kind)

    def expectation(
        self, access: Access, type: str, pairs: Sequence[tuple[str, str]], *, limit: int = 2
    ) -> SearchExpectation:
        """Return what meets a query now, of all in the caller's scope, also restricted.

        For a conditional write to rest on: it shows nothing of what it finds. `expected` has
        at most `limit`; as many as that is not all. Raises as `search` does.
        """
        return self._finder.expectation(access, type, pairs, limit)

    def next_page(self, access: Access, token: str) -> Page:
        """Return the page behind the one that gave `token`, as of that search's position.

        Neither writes nor restarts shift it: a resource changed since shows as it was, a
        deleted or newly restricted one not at all. Raises PageTokenUnknown, PageExpired.
        """
        return self._finder.following(access, token)

    def with_circles(self, type: str, values: SearchValues) -> SearchValues:
        """Return the values of a version as if it named all who are one person with whom it names.

        Shows nothing: what a search follows, whoever matches versions follows by this.
        """
        ids = {id_ for _, kind, id_, *_ in values.references if kind == "Patient" and id_}
        if type in AS_SAID or not ids:
            return values
        with self._database.reader() as connection, connection.cursor() as cursor:
            with_circles(values, circles_of_ids(cursor, self._hasher, ids))
        return values

    def visible(self, access: Access, lines: Sequence[Stored]) -> list[Stored]:
        """Return those lines that the caller may see now; nothing is shown by that."""
        with self._database.reader() as connection:
            return self._sight(access, connection).visible(lines)

    def everything(
        self,
        access: Access,
        type: str,
        id: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        since: datetime | None = None,
        types: Sequence[str] = (),
        count: int = 100,
        is_exact: bool = False,
        page: str | None = None,
    ) -> Page:
        """Return all of a Patient or an Encounter, page by page, with what it points to.

        Of a Patient that is one person with others it is all of theirs too, unless `is_exact`.
        `start` and `end` (half open) keep to what has a date within, or none. Raises
        ResourceNotFound, ResourceGone, ResourceRestricted, CompartmentUnknown,
        PageTokenUnknown, PageExpired.
        """
        if page is not None:
            return self._everything.following(access, page)
        for name in (type, *types):
            check_type(name)
        dates = _microseconds(start), _microseconds(end)
        return self._everything.first(
            access, type, id, dates, _microseconds(since), types, count, is_exact=is_exact
        )

    def explain(
        self,
        access: Access,
        type: str | None,
        query: Sequence[tuple[str, str]],
        *,
        compartment: tuple[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Return how a search would be answered; raises as `search`. Holds no values."""
        return explain(self._finder, access, type or "", query, compartment or ())

    def timeline(
        self, access: Access, person: int, *, count: int = 1000
    ) -> tuple[TimelineEntry, ...]:
        """Return a person's resources, the newest date first; restricted ones as stubs.

        `person` is the key of any Patient of it; those it is linked to are the same person.
        """
        bound = Parameters()
        # Of what is restricted it is told that it is there; of all else that is hidden nothing.
        widened = replace(access, sees_restricted=True)
        seen = permitted(widened, bound, OWN, self._finder.basis(), letters="r")
        text = timeline_statement(seen, bound, person, count)
        with reading(self._database) as cursor:
            cursor.execute(text.encode(), bound.values, prepare=False)
            rows = cursor.fetchall()
        bodies = self._journal.bodies([row[0] for row in rows])
        hidden = {row[0] for row in rows if not access.sees(row[2])}
        open_lines = [s for seq, s in bodies.items() if seq not in hidden and s.body]
        found = {r.seq: r for r in shown(access, open_lines, "timeline", person)}
        return tuple(
            TimelineEntry(
                type=bodies[seq].entry.type,
                id=bodies[seq].entry.id,
                month=_month(date_low),
                restricted=seq in hidden,
                resource=found.get(seq),
            )
            for seq, date_low, _ in rows
            if seq in bodies and (seq in hidden or seq in found)
        )


def check_granted(access: Access, type: str) -> None:
    """Raise ResourceRestricted where no resource of a type may be read, whichever there are."""
    if not access.may("r", type):
        raise ResourceRestricted(type=type)


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def _month(date_low: int | None) -> str | None:
    if date_low is None or date_low == -(1 << 63):
        return None
    return (_EPOCH + timedelta(microseconds=date_low)).astimezone(VIETNAM).strftime("%Y-%m")
