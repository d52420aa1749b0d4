"""Who looked at whose data: the trail, its proofs, and how it is read."""

from trucyte.shared.audit.entry import Entry, EntryNotFound, Outcome
from trucyte.shared.audit.trail import Trail

__all__ = ["Entry", "EntryNotFound", "Outcome", "Trail"]
