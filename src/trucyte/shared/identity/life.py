"""The life of an identity: what a Patient is to the health system, from birth to death; pure.

The table below holds the only moves there are. A version of a Patient says by itself where
its identity stands (`stage_of`), two versions say what happened (`event_of`); nothing is kept
beside the record, so what was wrong is mended by the next version. That two Patients are one
person is no stage: links stand beside (`shared.identity.links`), and no link moves a stage.

Sources: Law on Identification 26/2023 (personal number from birth registration; foreigners of
Vietnamese origin); R4 Patient (deceased[x], identifier.use and period, link). Facts that the
texts do not settle are decisions (docs/decisions/0262).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from trucyte.vietnam.systems import load_systems

Json = Mapping[str, Any]

STAGE: Final = "https://trucyte.vn/fhir/StructureDefinition/identity-stage"
_ENDED: Final = "old"  # R4 identifier-use: no longer valid


class Stage(StrEnum):
    """Where an identity stands."""

    UNKNOWN = "unknown"  # nobody knows who this is: unconscious, a foundling
    NEWBORN = "newborn"  # born, named after the mother, no number of its own yet
    UNNUMBERED = "unnumbered"  # known, without a personal number: foreigner, number not issued
    NUMBERED = "numbered"  # known by the personal number
    DEAD = "dead"


class Event(StrEnum):
    """What happens to an identity."""

    NAMED = "named"  # it is known who this is, not yet by which number
    NUMBERED = "numbered"  # a personal number was issued, or is known now
    NUMBER_CHANGED = "number-changed"  # another number; the earlier one is kept as old
    NUMBER_ENDED = "number-ended"  # the number was not this person's; kept as old
    DIED = "died"
    DEATH_REVERSED = "death-reversed"  # the person lives: the notice of death was false


class Unmoved(StrEnum):
    """Why an event does not move an identity."""

    NOT_THERE = "not-there"  # no such move from this stage
    EARLIER_LOST = "earlier-lost"  # the earlier number must stay, ended and old
    SAME_NUMBER = "same-number"
    NO_NUMBER = "no-number"
    NOT_DEAD = "not-dead"
    NO_DEATH = "no-death"


@dataclass(frozen=True, slots=True)
class Change:
    """Two versions of one Patient."""

    before: Json
    after: Json


Guard = Callable[[Change], Unmoved | None]


@dataclass(frozen=True, slots=True)
class Move:
    """One move; the guard says why not, None lets it pass. `to` None: as the version says."""

    stage: Stage
    event: Event
    to: Stage | None
    guard: Guard


def has_number(change: Change) -> Unmoved | None:
    """The version after has a personal number in force."""
    return None if numbers_of(change.after) else Unmoved.NO_NUMBER


def keeps_earlier(change: Change) -> Unmoved | None:
    """Numbers that are in force no more stay in the record as old: others still use them."""
    after, ended = numbers_of(change.after), ended_numbers_of(change.after)
    if after == numbers_of(change.before):
        return Unmoved.SAME_NUMBER
    lost = numbers_of(change.before) - after - ended
    return Unmoved.EARLIER_LOST if lost else None


def keeps_and_has(change: Change) -> Unmoved | None:
    """Both: another number, and the earlier one kept."""
    return has_number(change) or keeps_earlier(change)


def is_dead(change: Change) -> Unmoved | None:
    """The version after says that the person died."""
    return None if died(change.after) else Unmoved.NO_DEATH


def lives(change: Change) -> Unmoved | None:
    """The version after says nothing of a death, or that there was none."""
    return Unmoved.NOT_DEAD if died(change.after) else None


def is_free(change: Change) -> Unmoved | None:
    """Nothing is asked."""
    return None


# The only moves there are. The transition test and the page of documentation come from this.
MOVES: Final[Sequence[Move]] = (
    Move(Stage.UNKNOWN, Event.NAMED, Stage.UNNUMBERED, is_free),
    Move(Stage.UNKNOWN, Event.NUMBERED, Stage.NUMBERED, has_number),
    Move(Stage.UNKNOWN, Event.DIED, Stage.DEAD, is_dead),
    Move(Stage.NEWBORN, Event.NAMED, Stage.UNNUMBERED, is_free),
    Move(Stage.NEWBORN, Event.NUMBERED, Stage.NUMBERED, has_number),
    Move(Stage.NEWBORN, Event.DIED, Stage.DEAD, is_dead),
    Move(Stage.UNNUMBERED, Event.NUMBERED, Stage.NUMBERED, has_number),
    Move(Stage.UNNUMBERED, Event.DIED, Stage.DEAD, is_dead),
    Move(Stage.NUMBERED, Event.NUMBER_CHANGED, Stage.NUMBERED, keeps_and_has),
    Move(Stage.NUMBERED, Event.NUMBER_ENDED, Stage.UNNUMBERED, keeps_earlier),
    Move(Stage.NUMBERED, Event.DIED, Stage.DEAD, is_dead),
    # A number that comes late, or was wrong, is mended of the dead too.
    Move(Stage.DEAD, Event.NAMED, Stage.DEAD, is_dead),
    Move(Stage.DEAD, Event.NUMBERED, Stage.DEAD, has_number),
    Move(Stage.DEAD, Event.NUMBER_CHANGED, Stage.DEAD, keeps_and_has),
    Move(Stage.DEAD, Event.NUMBER_ENDED, Stage.DEAD, keeps_earlier),
    Move(Stage.DEAD, Event.DEATH_REVERSED, None, lives),
)
_BY_PLACE: Final = {(move.stage, move.event): move for move in MOVES}


def moved(change: Change, event: Event) -> Stage | Unmoved:
    """Return the stage that an event leads to, or why it leads nowhere."""
    move = _BY_PLACE.get((stage_of(change.before), event))
    if move is None:
        return Unmoved.NOT_THERE
    refused = move.guard(change)
    if refused is not None:
        return refused
    return stage_of(change.after) if move.to is None else move.to


def event_of(change: Change) -> Event | None:
    """Return what two versions say happened to the identity; None: nothing.

    Of several at once the gravest: a death, then a number, then a name.
    """
    before, after = change.before, change.after
    if died(before) != died(after):
        return Event.DIED if died(after) else Event.DEATH_REVERSED
    were, are = numbers_of(before), numbers_of(after)
    if were != are:
        if not were:
            return Event.NUMBERED
        return Event.NUMBER_CHANGED if are else Event.NUMBER_ENDED
    is_named = _marked(before) in (Stage.UNKNOWN, Stage.NEWBORN) and _marked(after) is None
    return Event.NAMED if is_named else None


def stage_of(patient: Json) -> Stage:
    """Return where the identity of a Patient stands, as its version says."""
    if died(patient):
        return Stage.DEAD
    if numbers_of(patient):
        return Stage.NUMBERED
    return _marked(patient) or Stage.UNNUMBERED


def died(patient: Json) -> bool:
    """Say whether a Patient is said to have died; `deceasedBoolean: false` says that it lives."""
    return patient.get("deceasedBoolean") is True or bool(patient.get("deceasedDateTime"))


def numbers_of(patient: Json) -> frozenset[str]:
    """Return the personal numbers in force of a Patient."""
    return frozenset(value for value, is_ended in _numbers(patient) if not is_ended)


def ended_numbers_of(patient: Json) -> frozenset[str]:
    """Return the personal numbers that are in force no more."""
    return frozenset(value for value, is_ended in _numbers(patient) if is_ended)


def _numbers(patient: Json) -> list[tuple[str, bool]]:
    return [
        (str(one["value"]), one.get("use") == _ENDED or "end" in (one.get("period") or {}))
        for one in patient.get("identifier", ())
        if one.get("system") in _systems() and one.get("value")
    ]


@cache
def _systems() -> frozenset[str]:
    """Return the names that the system of personal numbers goes by."""
    found = load_systems()["cccd"]
    return frozenset({found.uri, *found.aliases})


def _marked(patient: Json) -> Stage | None:
    """Return the stage that whoever made the record marked: unknown or newborn.

    Claims mark a newborn by a name for the time being (`use` temp), which is a parent's.
    """
    for extension in patient.get("extension", ()):
        if extension.get("url") == STAGE:
            code = extension.get("valueCode")
            if code in (Stage.UNKNOWN.value, Stage.NEWBORN.value):
                return Stage(code)
    names = patient.get("name") or ()
    is_temporary = bool(names) and all(name.get("use") == "temp" for name in names)
    return Stage.NEWBORN if is_temporary else None
