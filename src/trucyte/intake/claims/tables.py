"""A visit's claim as tables of raw text: what is between XML and FHIR.

Values are the file's text after the lexical rules (missing, empty and self-closed
mean the same: the field is absent from the row). Field names are the union over the
decisions; rows of 4210 and 917 files keep their own field names under their own
variant.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum


class Variant(Enum):
    """The decision a file was written to, found from its content and date."""

    D917 = "917/QĐ-BHXH"
    D4210 = "4210/QĐ-BYT"
    D130 = "130/QĐ-BYT"
    D4750 = "4750/QĐ-BYT"
    D3176 = "3176/QĐ-BYT"
    D1931 = "1931/QĐ-BYT"


Row = dict[str, str]

TABLES = tuple(f"XML{number}" for number in range(16))


@dataclass(frozen=True, slots=True)
class Visit:
    """One HOSO: the tables of one visit, rows in file order."""

    variant: Variant
    facility: str  # MA_CSKCB, 5 characters
    link: str  # MA_LK
    patient: str  # MA_BN
    made_on: date | None  # NGAYLAP of the envelope
    tables: dict[str, list[Row]] = field(repr=False)  # "XML1" -> rows; absent table: not sent

    @property
    def summary(self) -> Row:
        """The XML1 row (or XML0's where only a check-in was sent); empty if neither."""
        for table in ("XML1", "XML0"):
            if self.tables.get(table):
                return self.tables[table][0]
        return {}
