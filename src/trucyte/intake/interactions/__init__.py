"""The write side of the FHIR API: create, update, patch, delete, transaction and batch."""

from trucyte.intake.interactions.interactions import Interactions
from trucyte.intake.interactions.values import (
    Answered,
    BundleDone,
    Done,
    EntryDone,
    Reads,
    Written,
)

__all__ = ["Answered", "BundleDone", "Done", "EntryDone", "Interactions", "Reads", "Written"]
