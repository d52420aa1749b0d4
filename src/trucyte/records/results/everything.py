"""All of a person or of a visit: the compartment, and what it points to (`$everything`).

What is not of a person by itself, practitioners, organisations, places, medicines, comes
along with the page that points to it. What is restricted is left out, and leads nowhere.
"""

# ruff: noqa: S608 - the text comes from this package alone, every value is a parameter

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from trucyte.database.connect import Cursor
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.change import Stored
from trucyte.journal.leaf import head_key
from trucyte.journal.rows import LINE_COLUMNS, line_of
from trucyte.records.access import Access
from trucyte.records.labels import sensitivity_of_body
from trucyte.records.persons.following import (
    AS_SAID,
    NOBODY,
    Circles,
    circles_column,
    read_circles,
    references,
)
from trucyte.records.results.compartments import parameters_within, types_within
from trucyte.records.results.finding import Finder
from trucyte.records.results.lines import OWN, reading, shown
from trucyte.records.results.wishes import Include
from trucyte.records.search.bound import Parameters
from trucyte.records.search.page_token import PageExpired, RecordState
from trucyte.records.search.permission import permitted
from trucyte.records.search.steps import NO_CIRCLES, position
from trucyte.records.shown import (
    Page,
    ResourceGone,
    ResourceNotFound,
    ResourceRestricted,
)

COUNT_MAX = 1000
# What is of nobody, and of use to who reads a record.
SUPPORTING = (
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "HealthcareService",
    "Medication",
    "Substance",
    "Device",
)


@dataclass(frozen=True, slots=True)
class Everything:
    """Gathers whole records."""

    finder: Finder

    def first(
        self,
        access: Access,
        type: str,
        id: str,
        dates: tuple[int | None, int | None],
        since: int | None,
        types: Sequence[str],
        count: int,
        *,
        is_exact: bool,
    ) -> Page:
        """Return the first page; times in µs since 1970, the end open."""
        count = max(1, min(count, COUNT_MAX))
        state = RecordState(type, id, dates, since, tuple(types), count, 0, 0, 1 << 62, is_exact)
        return self._page(access, state, is_first=True)

    def following(self, access: Access, token: str) -> Page:
        """Return the page behind another. Raises PageTokenUnknown, PageExpired."""
        state = self.finder.seal.open(token, RecordState)
        return self._page(access, state, is_first=False)

    def _page(self, access: Access, state: RecordState, *, is_first: bool) -> Page:
        finder = self.finder
        with reading(finder.database, one_moment=True) as cursor:
            key = (OWN, state.type, state.id)
            centre = finder.journal.current([key], cursor.connection).get(key)
            seen = finder.sight(access, cursor.connection).known([centre]) if centre else []
            _check_centre(access, state, seen[0] if seen else None)
            rows = self._rows(access, state, cursor, NOBODY, is_first=is_first)
            if circles := read_circles(rows[0][3]):
                rows = self._rows(access, state, cursor, circles, is_first=is_first)
            snapshot, epoch, horizon = rows[0][:3]
            if is_first:
                state = replace(state, snapshot=snapshot, epoch=epoch)
            elif epoch != state.epoch or state.snapshot < horizon:
                raise PageExpired()
            found = [line_of(row[4:], finder.journal.codec) for row in rows if row[4] is not None]
            lines = [line for line in found[: state.count] if line.body]
            links = finder.links(cursor, access, 0, None)
            includes = [Include(False, True, "*", "*", kind) for kind in _supporting(state)]
            along = finder.gathering(access, links, includes).gather(lines)
        token = None
        if len(found) > state.count:
            last = found[state.count - 1].entry.seq
            token = finder.seal.seal(replace(state, seq=last))
        given = shown(access, [*lines, *along.lines], f"everything {state.type}")
        split = len(lines)
        return Page(
            given[:split],
            token,
            None,
            included=given[split:],
            is_cut=along.is_cut,
            count=state.count,
        )

    def _rows(
        self,
        access: Access,
        state: RecordState,
        cursor: Cursor,
        circles: Circles,
        *,
        is_first: bool,
    ) -> Sequence[Any]:
        """Return the newest first: (position, epoch, horizon, circles, the line)."""
        bound = Parameters()
        ids = circles.get(state.id, (state.id,))
        text = self._statement(access, state, ids, bound, is_first=is_first)
        return cursor.execute(text.encode(), bound.values, prepare=False).fetchall()

    def _statement(
        self,
        access: Access,
        state: RecordState,
        ids: Sequence[str],
        bound: Parameters,
        *,
        is_first: bool,
    ) -> str:
        conditions = [
            f"e.seq < {bound.add(state.seq, 'bigint')}",
            *self._conditions(state, ids, bound),
        ]
        column = NO_CIRCLES
        if state.type == "Patient" and not state.is_exact:
            known = references(self.finder.index.hasher, [state.id])
            column = circles_column(bound.add(known, "bigint[]"))
        conditions += permitted(access, bound, OWN, self.finder.basis(), letters="r")
        limit = bound.add(state.count + 1, "integer")
        rows = f"select e.seq from records.entry e where {' and '.join(conditions)}"
        if not is_first:
            at = bound.add(state.snapshot, "bigint")
            then = " and ".join([*conditions, f"e.seq <= {at}", f"e.ended > {at}"])
            rows += (
                f" and e.seq <= {at} union all select e.seq from records.ended e where "
                + then.replace("e.is_ended", "true")
            )
        rows = rows.replace("e.is_ended", "false")
        return (
            f"with found as materialized ({rows}),"
            f" page as materialized (select seq from found order by seq desc limit {limit})"
            f" select p.*, {LINE_COLUMNS} from ({position(column)}) p left join page on true"
            " left join journal.change c on c.seq = page.seq order by page.seq desc"
        )

    def _conditions(self, state: RecordState, ids: Sequence[str], bound: Parameters) -> list[str]:
        """Return that a row belongs to a record of `ids`, and is of what was asked for."""
        hasher, extractor = self.finder.index.hasher, self.finder.index.extractor
        named = [hasher.reference(OWN, state.type, id_) for id_ in ids]
        tokens = []
        for kind in types_within(self.finder.compartments, state.type):
            for parameter in parameters_within(
                self.finder.compartments, state.type, kind, extractor
            ):
                known = extractor.parameters(kind)
                tokens += [
                    hasher.parameter(kind, known[source].code) ^ reference
                    for source in parameter.sources
                    # What is asked of Patients themselves is asked of the one that was named.
                    for reference in (named[:1] if kind in AS_SAID else named)
                ]
        held = bound.add(list(dict.fromkeys(tokens)), "bigint[]")
        number = bound.add(TYPE_NUMBERS[state.type], "smallint")
        own = [head_key(OWN, TYPE_NUMBERS[state.type], id_.encode()).hex() for id_ in ids]
        centre = (
            f"(e.type = {number} and e.reference = any({bound.add(named, 'bigint[]')})"
            " and (e.is_ended or e.seq in (select h.seq from journal.head h"
            f" where h.key = any({bound.add(own, 'text[]')}::uuid[]))))"
        )
        return [f"(e.tokens && {held} or {centre})", *_kept(state, bound)]


def _kept(state: RecordState, bound: Parameters) -> list[str]:
    conditions = []
    if state.types:
        numbers = [TYPE_NUMBERS[name] for name in state.types]
        conditions.append(f"e.type = any({bound.add(numbers, 'smallint[]')})")
    if state.since is not None:
        conditions.append(f"e.last_updated >= {bound.add(state.since, 'bigint')}")
    # What has no date is always part of the record, and so is who or what it is of.
    number = bound.add(TYPE_NUMBERS[state.type], "smallint")
    low, high = state.dates
    if low is not None:
        place = bound.add(low, "bigint")
        conditions.append(f"(e.date_high is null or e.date_high > {place} or e.type = {number})")
    if high is not None:
        place = bound.add(high, "bigint")
        conditions.append(f"(e.date_low is null or e.date_low < {place} or e.type = {number})")
    return conditions


def _check_centre(access: Access, state: RecordState, centre: Stored | None) -> None:
    if centre is None:
        raise ResourceNotFound(type=state.type)
    if not centre.body:
        raise ResourceGone(type=state.type)
    if not access.sees(sensitivity_of_body(centre.body)):
        raise ResourceRestricted(type=state.type)


def _supporting(state: RecordState) -> Sequence[str]:
    """Return the types that come along: those asked for; of a visit also whose it is."""
    wanted = (*SUPPORTING, "Patient") if state.type == "Encounter" else SUPPORTING
    return [kind for kind in wanted if kind in (state.types or RESOURCE_TYPES)]
