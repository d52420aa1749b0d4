"""What the interactions of the API give back, and what a bundle needs of its host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from trucyte.base.problem import Problem
from trucyte.records.shown import Resource


class Done(Enum):
    """What became of a write."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"  # the same content is there already; no version was written
    DELETED = "deleted"
    FOUND = "found"  # a conditional create met a resource that is there


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was accepted, and the version it left; a deleted one has an empty body."""

    done: Done
    resource: Resource


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to one read of a bundle, as HTTP would give it."""

    status: int
    body: bytes  # a resource; empty where there is none
    etag: str = ""
    last_modified: datetime | None = None  # aware
    location: str = ""


class Reads(Protocol):
    """Answers the reads of a bundle; in a transaction they run after its writes."""

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
        """Answer a GET or HEAD of `url`, relative to the base; never raises a Problem.

        `headers` has `If-None-Match` and `If-Modified-Since` where the entry has them.
        """
        ...


@dataclass(frozen=True, slots=True)
class EntryDone:
    """The answer to one entry of a bundle: exactly one of its fields, or none.

    None of them: a delete that found nothing. `written` has several where a conditional
    delete removed several.
    """

    written: Sequence[Written] = ()
    answered: Answered | None = None
    problem: Problem | None = None  # of this entry alone; in batches only


@dataclass(frozen=True, slots=True)
class BundleDone:
    """The answers to a bundle, in the order of its entries."""

    type: str  # "transaction-response" or "batch-response"
    entries: Sequence[EntryDone]
