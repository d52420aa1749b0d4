"""Searches of a type, of several and of a compartment, by address and by form (R4 §3.1.1).

The link to a next page holds an opaque token and nothing of what was searched for; a
form's content is not repeated in any link.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import orjson

from trucyte.records.gate import Records
from trucyte.records.shown import Page, Resource
from trucyte.web.api.asgi import Answer
from trucyte.web.api.bundle import INCLUDED, MATCH, OUTCOME, BundleEntry, bundle, searched
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.outcome import information
from trucyte.web.api.pairs import read_form, read_pairs, without
from trucyte.web.api.routes import FORM, Place, Row
from trucyte.web.api.shape import Shape, Shapes, read_wish

PAGE = "_page"
EXPLAIN = "_explain"  # of our own: how a search would be answered
_SHAPING = frozenset({"_elements", "_summary"})
# What a link to the next page says again of the form of the answers.
_KEPT = frozenset({"_elements", "_summary", "_format", "_pretty"})
_Pairs = Sequence[tuple[str, str]]


class Searching:
    """Answers searches from the records."""

    def __init__(self, records: Records, shapes: Shapes) -> None:
        """Search `records`; cut with `shapes`."""
        self._records = records
        self._shapes = shapes

    def rows(self) -> Sequence[Row]:
        """Return what it answers."""
        return (
            Row(Place.BASE, "GET", self.search_all, "search-system"),
            Row(Place.TYPE, "GET", self.search, "search-type"),
            Row(Place.TYPE_SEARCH, "POST", self.search, takes=FORM),
            Row(Place.SYSTEM_SEARCH, "POST", self.search_all, takes=FORM),
            Row(Place.COMPARTMENT, "GET", self.search_compartment),
            Row(Place.COMPARTMENT_SEARCH, "POST", self.search_compartment, takes=FORM),
        )

    def search(self, call: FhirCall) -> Answer:
        """Answer a search on a type; criteria of a form stand besides those of the address."""
        return self._found(call, call.type, None)

    def search_all(self, call: FhirCall) -> Answer:
        """Answer a search on several types, or the page behind another."""
        if call.method == "GET" and call.value(PAGE):
            return self.next_page(call)
        return self._found(call, None, None)

    def search_compartment(self, call: FhirCall) -> Answer:
        """Answer a search within the compartment of one resource (R4 §2.5)."""
        inside = call.places["inside"]
        return self._found(call, None if inside == "*" else inside, (call.type, call.id))

    def next_page(self, call: FhirCall) -> Answer:
        """Answer the page behind another."""
        shape = self._shapes.shape(read_wish(call.pairs))
        page = self._records.next_page(call.access, call.value(PAGE))
        return self._searchset(call, page, shape)

    def _found(
        self, call: FhirCall, type_name: str | None, compartment: tuple[str, str] | None
    ) -> Answer:
        pairs = form_pairs(call)
        shape = self._shapes.shape(read_wish(pairs))
        asked = [
            (name, value)
            for name, value in pairs
            if name != EXPLAIN and (name not in _SHAPING or (name, value) == ("_summary", "count"))
        ]
        if any(name == EXPLAIN and value != "false" for name, value in pairs):
            return self._explained(call, type_name, asked, compartment)
        page = self._records.search(
            call.access, type_name, asked,
            lenient=call.prefer.is_lenient, compartment=compartment,
        )  # fmt: skip
        return self._searchset(call, page, shape)

    def _explained(
        self,
        call: FhirCall,
        type_name: str | None,
        asked: _Pairs,
        compartment: tuple[str, str] | None,
    ) -> Answer:
        """Answer how a search would be answered: the plan, as plain JSON."""
        told = self._records.explain(call.access, type_name, asked, compartment=compartment)
        return Answer(200, orjson.dumps(told), "application/json; charset=utf-8")

    def _searchset(self, call: FhirCall, page: Page, shape: Shape | None) -> Answer:
        shown = call
        if page.ignored:
            kept = without(read_pairs(call.query), frozenset(page.ignored))
            shown = replace(call, query=urlencode(kept))
        links = [("self", shown.url)]
        if page.next:
            kept = [(n, v) for n, v in read_pairs(call.query) if n in _KEPT and v != "count"]
            links.append(("next", f"{call.base}?{urlencode([(PAGE, page.next), *kept])}"))
        entries: list[BundleEntry | bytes] = [
            *_entries(call, page.entries, shape, MATCH),
            *_entries(call, page.included, shape, INCLUDED),
            *_told(page, call.language),
        ]
        return Answer(200, bundle("searchset", entries, links, page.total), FHIR_JSON)


def form_pairs(call: FhirCall) -> _Pairs:
    """Return the criteria of the address and of the form."""
    return [*call.pairs, *read_form(call.body)] if call.body else call.pairs


def _entries(
    call: FhirCall, resources: Sequence[Resource], shape: Shape | None, mode: bytes
) -> Sequence[bytes]:
    shown = [
        (found.type, found.id, shape(found.body) if shape else found.body) for found in resources
    ]
    return searched(call.base, shown, mode)


def _told(page: Page, language: str) -> Sequence[BundleEntry]:
    """Say what was passed over, and that not all came along (R4 §3.1.1.4.1, §3.1.1.5.1)."""
    told = []
    if page.ignored:
        listed = ", ".join(page.ignored)
        text = f"Đã bỏ qua tham số không biết: {listed}."
        if language != "vi":
            text = f"Parameters that are not known were passed over: {listed}."
        told.append(information("not-supported", "search-parameter-unknown", text, "warning"))
    if page.is_cut:
        text = "Không phải mọi tài nguyên đi kèm đều có ở đây; hãy lấy ít kết quả hơn mỗi trang."
        if language != "vi":
            text = "Not all that would come along is here; ask for fewer results a page."
        told.append(information("too-costly", "include-cut", text, "warning"))
    return [BundleEntry("", orjson.dumps(outcome), OUTCOME) for outcome in told]
