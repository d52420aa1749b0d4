"""The fields of the claims tables XML0 to XML15: order, length, requirement, names.

Annex of Decision 4750/QĐ-BYT with the larger length of 130, 3176 and the gateway's
sheet; the requirement column is the gateway sheet's (R always, C on a condition).
"""

from dataclasses import dataclass
from functools import cache

from trucyte.vietnam.tables import read_rows


@dataclass(frozen=True, slots=True)
class ClaimsField:
    """One field of one table."""

    table: str
    order: int
    field: str
    is_number: bool
    length: int | None  # characters; None: unlimited
    required: str  # "R", "C" or ""
    vi: str
    en: str


@cache
def claims_fields() -> tuple[ClaimsField, ...]:
    """Return all fields in the order of the annex."""
    return tuple(
        ClaimsField(
            table=row["table"],
            order=int(row["order"]),
            field=row["field"],
            is_number=row["number"] == "1",
            length=int(row["length"]) if row["length"] else None,
            required=row["required"],
            vi=row["vi"],
            en=row["en"],
        )
        for row in read_rows("claims_fields")
    )
