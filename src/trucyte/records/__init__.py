"""What is true now, or was true at a position: the only read gate, and the search index."""

from trucyte.records.access import Access, Recorder
from trucyte.records.gate import Records
from trucyte.records.hashing import Hasher
from trucyte.records.index import SearchIndex
from trucyte.records.person import person_key, person_reference
from trucyte.records.shown import HistoryPage, Page, Resource, TimelineEntry

__all__ = [
    "Access",
    "Hasher",
    "HistoryPage",
    "Page",
    "Recorder",
    "Records",
    "Resource",
    "SearchIndex",
    "TimelineEntry",
    "person_key",
    "person_reference",
]
