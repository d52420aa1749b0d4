"""Searches of a type and of a compartment, by address and by form (R4 §3.1.1).

The link to a next page holds an opaque token and nothing of what was searched for; a
form's content is not repeated in any link.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import orjson

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Definitions
from trucyte.records.gate import Records
from trucyte.records.search.query import UnknownParameter
from trucyte.records.shown import Page
from trucyte.web.api.asgi import Answer
from trucyte.web.api.bundle import MATCH, OUTCOME, BundleEntry, bundle
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.outcome import information
from trucyte.web.api.pairs import BadQuery, read_form, read_pairs, without
from trucyte.web.api.routes import FORM, Place, Row
from trucyte.web.api.shape import Shape, Shapes, read_wish

PAGE = "_page"
_SHAPING = frozenset({"_elements", "_summary"})
# What a link to the next page says again of the form of the answers.
_KEPT = frozenset({"_elements", "_summary", "_format", "_pretty"})


class SearchPlaceNotServed(Problem):
    """Searching {place} is not served here; search a resource type."""

    kind = Kind.UNSUPPORTED
    code = "search-place"


class Searching:
    """Answers searches from the records."""

    def __init__(self, records: Records, shapes: Shapes, definitions: Definitions) -> None:
        """Search `records`; cut with `shapes`; compartments are those of the definitions."""
        self._records = records
        self._shapes = shapes
        self._definitions = definitions

    def rows(self) -> Sequence[Row]:
        """Return what it answers."""
        return (
            Row(Place.BASE, "GET", self.next_page),
            Row(Place.TYPE, "GET", self.search, "search-type"),
            Row(Place.TYPE_SEARCH, "POST", self.search_form, takes=FORM),
            Row(Place.SYSTEM_SEARCH, "POST", self.search_all, takes=FORM),
            Row(Place.COMPARTMENT, "GET", self.search_compartment),
            Row(Place.COMPARTMENT_SEARCH, "POST", self.search_compartment, takes=FORM),
        )

    def search(self, call: FhirCall) -> Answer:
        """Answer a search on a type."""
        return self._found(call, call.type, call.pairs)

    def search_form(self, call: FhirCall) -> Answer:
        """Answer a search whose criteria came as a form, besides those of the address."""
        return self._found(call, call.type, _with_form(call))

    def search_all(self, call: FhirCall) -> Answer:
        """Answer a search on several types."""
        raise SearchPlaceNotServed(place="all types")

    def search_compartment(self, call: FhirCall) -> Answer:
        """Answer a search within the compartment of one resource (R4 §2.5)."""
        compartment = self._definitions.compartments.get(call.type)
        inside = call.places["inside"]
        if compartment is None or inside == "*":
            raise SearchPlaceNotServed(place="this compartment")
        codes = compartment.resources.get(inside, ())
        if not codes:
            raise SearchPlaceNotServed(place="this type in this compartment")
        criteria = compartment_criteria(codes, f"{call.type}/{call.id}")
        return self._found(call, inside, [*criteria, *_with_form(call)])

    def next_page(self, call: FhirCall) -> Answer:
        """Answer the page behind another."""
        token = call.value(PAGE)
        if not token:
            if any(name == "_type" for name, _ in call.pairs):
                return self.search_all(call)
            raise BadQuery(reason="a search names a resource type, a page its token")
        shape = self._shapes.shape(read_wish(call.pairs))
        page = self._records.next_page(call.access, token)
        return self._searchset(call, page, [], self._entries(call, page, shape))

    def _found(self, call: FhirCall, type_name: str, pairs: Sequence[tuple[str, str]]) -> Answer:
        shape = self._shapes.shape(read_wish(pairs))
        asked = [pair for pair in pairs if pair[0] not in _SHAPING or pair == ("_summary", "count")]
        page, ignored = self._searched(call, type_name, asked)
        entries = self._entries(call, page, shape)
        if ignored:
            entries.append(_ignored_entry(ignored, call.language))
        return self._searchset(call, page, ignored, entries)

    def _searched(
        self, call: FhirCall, type_name: str, pairs: list[tuple[str, str]]
    ) -> tuple[Page, list[str]]:
        """Search; where the caller is lenient, pass over what is not known and say so."""
        ignored: list[str] = []
        while True:
            try:
                return self._records.search(call.access, type_name, pairs), ignored
            except UnknownParameter as problem:
                name = str(problem.facts["parameter"])
                left = without(pairs, frozenset({name}))
                if not call.prefer.is_lenient or len(left) == len(pairs):
                    raise
                ignored.append(name)
                pairs = left

    def _entries(self, call: FhirCall, page: Page, shape: Shape | None) -> list[BundleEntry]:
        return [
            BundleEntry(
                f"{call.base}/{found.type}/{found.id}",
                shape(found.body) if shape else found.body,
                MATCH,
            )
            for found in page.entries
        ]

    def _searchset(
        self,
        call: FhirCall,
        page: Page,
        ignored: Sequence[str],
        entries: Sequence[BundleEntry],
    ) -> Answer:
        shown = replace(call, query=_without_names(call.query, ignored)) if ignored else call
        links = [("self", shown.url)]
        if page.next:
            kept = [(n, v) for n, v in read_pairs(call.query) if n in _KEPT and v != "count"]
            links.append(("next", f"{call.base}?{urlencode([(PAGE, page.next), *kept])}"))
        return Answer(200, bundle("searchset", entries, links, page.total), FHIR_JSON)


def compartment_criteria(codes: Sequence[str], reference: str) -> Sequence[tuple[str, str]]:
    """Return the criteria that a resource belongs to a compartment by any of these parameters."""
    if len(codes) == 1:
        return [(codes[0], reference)]
    return [("_filter", " or ".join(f"{code} re {reference}" for code in codes))]


def _with_form(call: FhirCall) -> Sequence[tuple[str, str]]:
    return [*call.pairs, *read_form(call.body)] if call.body else call.pairs


def _without_names(query: str, names: Sequence[str]) -> str:
    return urlencode(without(read_pairs(query), frozenset(names)))


def _ignored_entry(names: Sequence[str], language: str) -> BundleEntry:
    """Say which parameters were passed over (R4 §3.1.1.4.1)."""
    listed = ", ".join(names)
    text = f"Đã bỏ qua tham số không biết: {listed}."
    if language != "vi":
        text = f"Parameters that are not known were passed over: {listed}."
    outcome = information("not-supported", "search-parameter-unknown", text, "warning")
    return BundleEntry("", orjson.dumps(outcome), OUTCOME)
