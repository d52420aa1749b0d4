"""AuditEvents: the node's own trail first, then those that other systems sent here.

The trail is no part of the journal, so its entries are read through their own door; an
AuditEvent that a client stored is a resource like any other. What the trail knows nothing
of is asked of the stored ones alone, and so is whatever someone asks who sees the records
of some organisations only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson

from trucyte.fhir.search.moments import moment_range
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.search.asked.leaf import BadSearchValue
from trucyte.records.shown import ResourceNotFound
from trucyte.shared.audit.entry import Entry, EntryNotFound, Outcome
from trucyte.shared.audit.reading import Found, Wanted
from trucyte.web.api.asgi import Answer
from trucyte.web.api.bundle import MATCH, BundleEntry, bundle
from trucyte.web.api.call import FHIR_JSON, FhirCall, FhirHandler
from trucyte.web.api.interactions.searching import PAGE, form_pairs
from trucyte.web.api.pairs import number
from trucyte.web.api.routes import Place, Row

TYPE = "AuditEvent"
BEHIND = "_trail"  # where the next page of the trail goes on; "stored": behind it
_STORED = "stored"
_COUNT = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_KNOWN = frozenset(
    {"patient", "date", "_lastUpdated", "agent", "action", "entity-type", "outcome"}
    | {"_count", "_sort", BEHIND}
)
_TAKEN = frozenset({(Place.INSTANCE, "GET"), (Place.TYPE, "GET"), (Place.TYPE_SEARCH, "POST")})


class AuditTrail(Protocol):
    """The trail, as AuditEvents are read from it."""

    def find(self, access: Access, wanted: Wanted) -> Found:
        """Return a page of entries, newest first."""
        ...

    def event(self, access: Access, id: str) -> dict[str, Any]:
        """Return one entry as an AuditEvent; raises EntryNotFound."""
        ...

    def events(
        self, entries: Sequence[Entry], *, only: Mapping[int, str] | None = None
    ) -> list[dict[str, Any]]:
        """Return entries as AuditEvents."""
        ...


class Auditing:
    """Answers for AuditEvents before others do."""

    def __init__(self, trail: AuditTrail, records: Records) -> None:
        """Read from `trail`; a person is found by its Patient in `records`."""
        self._trail = trail
        self._records = records

    def before(self, row: Row) -> Row:
        """Return a row that answers from the trail where that is asked for."""
        if (row.place, row.method) not in _TAKEN:
            return row
        first = self._read if row.place is Place.INSTANCE else self._search
        return replace(
            row,
            handler=lambda call: first(call, row.handler) if _may_read(call) else row.handler(call),
        )

    def _read(self, call: FhirCall, others: FhirHandler) -> Answer:
        try:
            event = self._trail.event(call.access, call.id)
        except EntryNotFound:
            return others(call)
        return Answer(200, orjson.dumps(event), FHIR_JSON, [("ETag", 'W/"1"')])

    def _search(self, call: FhirCall, others: FhirHandler) -> Answer:
        if call.value(PAGE):
            return others(call)
        pairs = form_pairs(call)
        if call.value(BEHIND) == _STORED or not {name for name, _ in pairs} <= _KNOWN:
            return others(replace(call, pairs=[pair for pair in call.pairs if pair[0] != BEHIND]))
        return self._found(call, pairs)

    def _found(self, call: FhirCall, pairs: Sequence[tuple[str, str]]) -> Answer:
        found = self._trail.find(call.access, self._wanted(call, pairs))
        entries = [
            BundleEntry(f"{call.base}/{TYPE}/{event['id']}", orjson.dumps(event), MATCH)
            for event in self._trail.events(found.entries)
        ]
        behind = _STORED if found.next is None else str(found.next)
        kept = [pair for pair in call.pairs if pair[0] != BEHIND]
        following = f"{call.base}/{TYPE}?{urlencode([*kept, (BEHIND, behind)])}"
        links = [("self", call.url), ("next", following)]
        return Answer(200, bundle("searchset", entries, links), FHIR_JSON)

    def _wanted(self, call: FhirCall, pairs: Sequence[tuple[str, str]]) -> Wanted:
        said = dict(pairs)
        if said.get("_sort", "-date") not in ("-date", "-_lastUpdated"):
            raise BadSearchValue(parameter="_sort", expected="-date")
        since, until = _range([pair for pair in pairs if pair[0] in ("date", "_lastUpdated")])
        return Wanted(
            person=self._person(call, said["patient"]) if "patient" in said else None,
            since=since,
            until=until,
            caller=_code(said.get("agent", "")),
            action=_code(said.get("action", "")),
            type=_type(_code(said.get("entity-type", ""))),
            outcome=_outcome(said["outcome"]) if "outcome" in said else None,
            count=max(number(said.get("_count", ""), "_count", _COUNT), 1),
            before=number(said.get(BEHIND, ""), BEHIND, 0) or None,
        )

    def _person(self, call: FhirCall, reference: str) -> int:
        id_ = reference.removeprefix("Patient/")
        try:
            return self._records.read(call.access, "Patient", id_).person
        except ResourceNotFound:
            return 0  # nobody's key: nothing is found


def _may_read(call: FhirCall) -> bool:
    """Say whether the trail answers this caller: places in it tell how much others did."""
    return call.type == TYPE and call.access.sees_organisations is None


def _code(value: str) -> str:
    """Return the code of a token, whatever its system."""
    return value.rpartition("|")[2]


def _type(value: str) -> str:
    if value and value not in TYPE_NUMBERS:
        raise BadSearchValue(parameter="entity-type", expected="resource type")
    return value


def _outcome(value: str) -> Outcome:
    try:
        return Outcome(int(_code(value)))
    except ValueError:
        raise BadSearchValue(parameter="outcome", expected="0, 4 or 8") from None


def _range(dates: Sequence[tuple[str, str]]) -> tuple[datetime | None, datetime | None]:
    """Return the time that all dates of a search leave, half open."""
    if not dates:
        return None, None
    bounds = [_bounds(name, text) for name, text in dates]
    low = max(begin for begin, _ in bounds)
    return low, max(low, min(end for _, end in bounds))


def _bounds(name: str, text: str) -> tuple[datetime, datetime]:
    prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    try:
        low, high = moment_range(rest.replace(" ", "+"))
        begin, end = (_EPOCH + timedelta(microseconds=moment) for moment in (low, high))
    except (ValueError, OverflowError):
        raise BadSearchValue(parameter=name, expected="date") from None
    ranges = {
        "eq": (begin, end),
        "ge": (begin, _LATEST),
        "gt": (end, _LATEST),
        "sa": (end, _LATEST),
        "le": (_EPOCH, end),
        "lt": (_EPOCH, begin),
        "eb": (_EPOCH, begin),
    }
    if prefix not in ranges:
        raise BadSearchValue(parameter=name, expected="date with eq, ge, gt, sa, le, lt or eb")
    return ranges[prefix]
