"""Plans into the journal, and what is told of them."""

import random
import time
from collections.abc import Sequence
from typing import Final

from trucyte.base.clock import VIETNAM
from trucyte.fhir.text import with_meta
from trucyte.intake.interactions.plans import Plan
from trucyte.intake.interactions.values import Written
from trucyte.journal.change import Entry, Stored
from trucyte.records.access import Access
from trucyte.records.shown import Resource

# Each round lets at least one of those that contend in; sixteen are done in sixteen.
TRIES: Final = 60
_PATIENT_TRIES: Final = 3
_PAUSE_SECONDS: Final = 0.004


def pause(tried: int) -> None:
    """Wait a little by chance where others contend, the longer the oftener it was tried."""
    if tried >= _PATIENT_TRIES:
        time.sleep(random.random() * _PAUSE_SECONDS * min(tried, 10))  # noqa: S311 - no secret


def written(plan: Plan, entries: Sequence[Entry]) -> list[Written]:
    """Return what became of a plan: its lines, or what stands there already."""
    if plan.standing is not None:
        return [Written(plan.done, resource_of(plan.standing))]
    return [
        Written(plan.done, resource_of(Stored(entry, change.body, change.meta_offset)))
        for change, entry in zip(plan.changes, entries, strict=True)
    ]


def tell(access: Access, reason: str, done: Sequence[Written]) -> None:
    """Leave the trail of a request that wrote: whose data it touched, once."""
    persons = dict.fromkeys(one.resource.person for one in done)
    access.recorder.shown(access, tuple(persons), reason)


def resource_of(line: Stored) -> Resource:
    """Return a line as it is given out, with its version and time in `meta`."""
    entry, body = line.entry, line.body
    if body:
        moment = entry.accepted_at.astimezone(VIETNAM).isoformat(timespec="milliseconds")
        body = with_meta(body, line.meta_offset, entry.version, moment)
    return Resource(
        entry.type, entry.id, entry.version, entry.accepted_at, body, entry.person, entry.seq,
        entry.source, entry.row,
    )  # fmt: skip
