"""What can be found altered in a journal, and where."""

from dataclasses import dataclass
from enum import Enum


class What(Enum):
    """What was found to be altered."""

    ROW = "a line is not what was accepted"
    LEAF = "the leaf of a line was altered"
    ROW_MISSING = "a line is missing"
    ROW_EXTRA = "a line stands where none was accepted"
    ERASURE = "an erasure names a line whose body is there"
    BATCH = "a batch was altered"
    BATCH_MISSING = "a batch is missing"
    CHECKPOINT = "a checkpoint is not signed by a trusted key"
    HISTORY = "the journal is not the one that a checkpoint signed"
    KEY = "a public key was altered"
    BODY_KEY = "a key of bodies was altered"
    HEAD = "a head is not the newest version"
    TAIL = "the tail was altered"
    DERIVED = "what was derived from a line is not what the line gives"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing altered: a line by `seq`, a batch or checkpoint by `batch`, a key by name."""

    what: What
    seq: int | None = None
    batch: int | None = None
    key: str | None = None
