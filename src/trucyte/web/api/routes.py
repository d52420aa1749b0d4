"""The table of routes: every interaction of R4 §3.1 that this node answers, as a row.

A path has exactly one shape; who answers is found by shape and method. The
CapabilityStatement is made from the same rows, so nothing is promised that has no row.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from trucyte.fhir.text import SIZE_MAX
from trucyte.web.api.asgi import NoSuchPath, not_allowed
from trucyte.web.api.call import FhirHandler
from trucyte.web.api.headers import Media

FORM_BYTES_MAX = 64 * 1024
RESOURCE_BYTES_MAX = SIZE_MAX
BUNDLE_BYTES_MAX = 64 * 1024 * 1024

_TYPE = r"/(?P<type>[A-Z][A-Za-z]{2,63})"
_ID = r"/(?P<id>[A-Za-z0-9.-]{1,64})"
_OPERATION = r"/\$(?P<name>[a-z][A-Za-z0-9-]{0,63})"
_COMPARTMENT = _TYPE + _ID + r"/(?P<inside>\*|[A-Z][A-Za-z]{2,63})"


class Place(Enum):
    """The shapes of paths below the base."""

    BASE = r"/?"
    METADATA = r"/metadata"
    SYSTEM_HISTORY = r"/_history"
    SYSTEM_SEARCH = r"/_search"
    TYPE = _TYPE
    TYPE_HISTORY = _TYPE + r"/_history"
    TYPE_SEARCH = _TYPE + r"/_search"
    INSTANCE = _TYPE + _ID
    INSTANCE_HISTORY = _TYPE + _ID + r"/_history"
    VERSION = _TYPE + _ID + r"/_history/(?P<version>[A-Za-z0-9.-]{1,64})"
    COMPARTMENT = _COMPARTMENT
    COMPARTMENT_SEARCH = _COMPARTMENT + r"/_search"
    SYSTEM_OPERATION = _OPERATION
    TYPE_OPERATION = _TYPE + _OPERATION
    INSTANCE_OPERATION = _TYPE + _ID + _OPERATION


OPERATION_PLACES = frozenset(
    {Place.SYSTEM_OPERATION, Place.TYPE_OPERATION, Place.INSTANCE_OPERATION}
)

NOTHING: frozenset[Media] = frozenset()
FORM = frozenset({Media.FORM, Media.NONE})
FHIR = frozenset({Media.JSON, Media.XML, Media.NONE})
PATCH = frozenset({Media.JSON_PATCH, Media.MERGE_PATCH, Media.JSON, Media.XML})
ANYTHING = frozenset(Media)


@dataclass(frozen=True, slots=True)
class Row:
    """One interaction: where, how, who answers, and what the statement calls it."""

    place: Place
    method: str
    handler: FhirHandler
    code: str = ""  # of R4's restful interactions; "": not one that the statement lists
    takes: frozenset[Media] = NOTHING  # bodies; of no matter to GET
    flags: Sequence[str] = ()  # what the statement says of a type that has it: conditionalCreate


_PATTERNS = tuple((place, re.compile(place.value)) for place in Place)


class Routes:
    """Rows found by path and method."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Take the rows; the patterns of their places never overlap."""
        self.rows = tuple(rows)
        self._by_place: dict[Place, dict[str, Row]] = {}
        for row in rows:
            self._by_place.setdefault(row.place, {})[row.method] = row

    def find(self, method: str, path: str) -> tuple[Row, Mapping[str, str]]:
        """Return the row of a path and what its pattern caught; HEAD is answered as GET.

        Raises NoSuchPath, MethodNotAllowed.
        """
        there, places = self._there(path)
        row = there.get("GET" if method == "HEAD" else method)
        if row is None:
            raise not_allowed(method, self._methods(there))
        return row, places

    def allowed(self, path: str) -> Sequence[str]:
        """Return the methods of a path, for OPTIONS. Raises NoSuchPath."""
        return self._methods(self._there(path)[0])

    def _there(self, path: str) -> tuple[Mapping[str, Row], Mapping[str, str]]:
        for place, pattern in _PATTERNS:
            found = pattern.fullmatch(path)
            if found and place in self._by_place:
                return self._by_place[place], found.groupdict()
        raise NoSuchPath

    def _methods(self, there: Mapping[str, Row]) -> Sequence[str]:
        head = ["HEAD"] if "GET" in there else []
        return sorted([*there, *head, "OPTIONS"])


def bytes_max(row: Row) -> int:
    """Return how large a body the row takes."""
    if row.takes in (NOTHING, FORM):
        return FORM_BYTES_MAX
    return BUNDLE_BYTES_MAX if row.place is Place.BASE else RESOURCE_BYTES_MAX
