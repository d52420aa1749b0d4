"""A request of a person about its data: the moves there are, and the clocks of the law; pure.

The table is all there is: what is not in it cannot be done. Deadlines come from `clocks.toml`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from trucyte.base.problem import Kind, Problem
from trucyte.shared.access.consent.catalogue import read_table, words_of
from trucyte.vietnam.calendar import add_working_days


class State(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    IN_WORK = "in-work"
    EXTENDED = "extended"
    ANSWERED = "answered"
    REFUSED = "refused"
    DROPPED = "dropped"


class Event(StrEnum):
    """What somebody does with it."""

    ACKNOWLEDGE = "acknowledge"
    BEGIN = "begin"
    EXTEND = "extend"
    ANSWER = "answer"
    REFUSE = "refuse"
    DROP = "drop"  # by whom it is of


ENDED = frozenset({State.ANSWERED, State.REFUSED, State.DROPPED})


@dataclass(frozen=True, slots=True)
class Move:
    """One row: from a state by an event to the next, and what must be said."""

    state: State
    event: Event
    next: State
    needs_note: bool = False
    needs_article: bool = False


_OPEN = (State.RECEIVED, State.ACKNOWLEDGED, State.IN_WORK, State.EXTENDED)
_SEEN = (State.ACKNOWLEDGED, State.IN_WORK, State.EXTENDED)

MOVES: Sequence[Move] = (
    Move(State.RECEIVED, Event.ACKNOWLEDGE, State.ACKNOWLEDGED),
    Move(State.ACKNOWLEDGED, Event.BEGIN, State.IN_WORK),
    Move(State.ACKNOWLEDGED, Event.EXTEND, State.EXTENDED, needs_note=True),
    Move(State.IN_WORK, Event.EXTEND, State.EXTENDED, needs_note=True),
    *(Move(state, Event.ANSWER, State.ANSWERED, needs_note=True) for state in _SEEN),
    *(
        Move(state, Event.REFUSE, State.REFUSED, needs_note=True, needs_article=True)
        for state in _SEEN
    ),
    *(Move(state, Event.DROP, State.DROPPED) for state in _OPEN),
)
_BY_STEP: Mapping[tuple[State, Event], Move] = {(move.state, move.event): move for move in MOVES}


class MoveRefused(Problem):
    """A request that is {state} cannot take the step {event}."""

    kind = Kind.CONFLICT
    code = "request-move"


class NoteMissing(Problem):
    """This step needs its reason in words, and a refusal the article of law."""

    kind = Kind.INVALID
    code = "request-note"


class KindUnknown(Problem):
    """There is no such kind of request."""

    kind = Kind.INVALID
    code = "request-kind"


@dataclass(frozen=True, slots=True)
class RequestKind:
    """What may be asked for, and how long answering may take."""

    id: str
    days: int
    extended: int  # the whole time, with the extension
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of the law."""

    article: str
    verified: bool
    acknowledge_working_days: int
    kinds: Mapping[str, RequestKind]

    def kind(self, id: str) -> RequestKind:
        """Return a kind of request; raises KindUnknown."""
        if id not in self.kinds:
            raise KindUnknown
        return self.kinds[id]

    def acknowledge_by(self, received: date) -> date:
        """Return the last day to acknowledge."""
        return add_working_days(received, self.acknowledge_working_days)

    def answer_by(self, kind: str, received: date, *, is_extended: bool) -> date:
        """Return the last day to answer."""
        rule = self.kind(kind)
        return received + timedelta(days=rule.extended if is_extended else rule.days)


@cache
def clocks() -> Clocks:
    """Return the clocks as `clocks.toml` has them."""
    table = read_table("clocks")
    kinds = {
        id: RequestKind(id, row["days"], row["extended"], words_of(row))
        for id, row in table["kind"].items()
    }
    return Clocks(table["article"], table["verified"], table["acknowledge_working_days"], kinds)


def moved(state: State, event: Event, *, note: str, article: str) -> State:
    """Return the state behind a step; raises MoveRefused, NoteMissing."""
    move = _BY_STEP.get((state, event))
    if move is None:
        raise MoveRefused(state=state.value, event=event.value)
    if (move.needs_note and not note) or (move.needs_article and not article):
        raise NoteMissing
    return move.next


def events_of(state: State) -> Sequence[Move]:
    """Return the moves that a state allows, in their order."""
    return [move for move in MOVES if move.state is state]
