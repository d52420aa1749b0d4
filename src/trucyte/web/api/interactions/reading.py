"""Read, version read and histories (R4 §3.1.0.2, §3.1.0.3, §3.1.0.9)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import orjson

from trucyte.fhir.search.moments import moment_range
from trucyte.records.gate import Records
from trucyte.records.search.asked.leaf import BadSearchValue, ParameterNotSupported, shown_name
from trucyte.records.shown import Resource, ResourceNotFound
from trucyte.web.api.answers import one
from trucyte.web.api.asgi import Answer
from trucyte.web.api.bundle import BundleEntry, bundle
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.headers import etag
from trucyte.web.api.interactions.binaries import content_of
from trucyte.web.api.interactions.searching import PAGE
from trucyte.web.api.pairs import number
from trucyte.web.api.routes import Place, Row
from trucyte.web.api.shape import Shape, Shapes, read_wish

HISTORY_COUNT = 50
HISTORY_COUNT_MAX = 1000
_HISTORY_PARAMETERS = frozenset({"_count", "_since", "_at", "_sort", PAGE, "_summary", "_elements"})
_VERSION_DIGITS_MAX = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reading:
    """Answers reads from the records."""

    def __init__(self, records: Records, shapes: Shapes) -> None:
        """Read from `records`; cut with `shapes`."""
        self._records = records
        self._shapes = shapes

    def rows(self) -> Sequence[Row]:
        """Return what it answers."""
        return (
            Row(Place.INSTANCE, "GET", self.read, "read"),
            Row(Place.VERSION, "GET", self.read_version, "vread"),
            Row(Place.INSTANCE_HISTORY, "GET", self.history, "history-instance"),
            Row(Place.TYPE_HISTORY, "GET", self.history, "history-type"),
            Row(Place.SYSTEM_HISTORY, "GET", self.history, "history-system"),
        )

    def read(self, call: FhirCall) -> Answer:
        """Answer the current version."""
        found = self._records.read(call.access, call.type, call.id)
        if call.wants_content:
            return content_of(found)
        return one(call, found, self._shapes.shape(read_wish(call.pairs)))

    def read_version(self, call: FhirCall) -> Answer:
        """Answer one version."""
        text = call.places["version"]
        if not (text.isdecimal() and len(text) <= _VERSION_DIGITS_MAX):
            raise ResourceNotFound(type=call.type)
        found = self._records.read_version(call.access, call.type, call.id, int(text))
        if call.wants_content:
            return content_of(found)
        return one(call, found, self._shapes.shape(read_wish(call.pairs)))

    def history(self, call: FhirCall) -> Answer:
        """Answer versions, newest first: of one resource, of a type, or of all."""
        for name, _ in call.pairs:
            if name not in _HISTORY_PARAMETERS:  # left out, it would give more than was asked
                raise ParameterNotSupported(parameter=shown_name(name))
        shape = self._shapes.shape(read_wish(call.pairs))
        count = min(number(call.value("_count"), "_count", HISTORY_COUNT), HISTORY_COUNT_MAX)
        since, at = _moments(call, "_since"), _moments(call, "_at")
        page = self._records.history(
            call.access,
            call.type or None,
            call.id or None,
            count=max(count, 1),
            since=since and since[0],
            at=at,
            oldest_first=_is_oldest_first(call),
            page=call.value(PAGE) or None,
        )
        links = [("self", call.url)]
        if page.next:
            kept = [
                (name, value) for name, value in call.pairs if name in ("_summary", "_elements")
            ]
            asked = urlencode([*kept, (PAGE, page.next)])
            links.append(("next", f"{call.base}{call.path}?{asked}"))
        entries = [version_entry(call.base, resource, shape) for resource in page.entries]
        return Answer(200, bundle("history", entries, links), FHIR_JSON)


def _moments(call: FhirCall, name: str) -> tuple[datetime, datetime] | None:
    """Return what a parameter of a history covers, half open. Raises BadSearchValue."""
    text = call.value(name)
    if not text:
        return None
    try:
        # A plus sign of the offset that was not escaped comes as a space.
        low, high = moment_range(text.replace(" ", "+"))
        return _EPOCH + timedelta(microseconds=low), _EPOCH + timedelta(microseconds=high)
    except (ValueError, OverflowError):
        raise BadSearchValue(parameter=name, expected="date or instant") from None


def _is_oldest_first(call: FhirCall) -> bool:
    """Say which way a history is asked for. Raises BadSearchValue."""
    text = call.value("_sort")
    if text not in ("", "_lastUpdated", "-_lastUpdated"):
        raise BadSearchValue(parameter="_sort", expected="_lastUpdated or -_lastUpdated")
    return text == "_lastUpdated"


def version_entry(base: str, resource: Resource, shape: Shape | None) -> BundleEntry:
    """Return a version as an entry of a history (R4 §3.1.0.9)."""
    place = f"{resource.type}/{resource.id}"
    method, url = ("DELETE" if resource.is_deleted else "PUT"), place
    if resource.version == 1:
        method, url = "POST", resource.type
    status = "204" if resource.is_deleted else ("201" if resource.version == 1 else "200")
    moment = resource.last_updated.astimezone(UTC).isoformat(timespec="milliseconds")
    extra = {
        "request": {"method": method, "url": url},
        "response": {
            "status": status,
            "etag": etag(resource.version),
            "lastModified": moment,
        },
    }
    body = shape(resource.body) if shape and resource.body else resource.body
    return BundleEntry(f"{base}/{place}", body, orjson.dumps(extra)[1:-1])
