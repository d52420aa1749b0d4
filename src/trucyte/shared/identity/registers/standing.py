"""May this practitioner sign, then and there? Pure rules, as a table.

What is asked is answered from the licences that are recorded; the first row that fits a
licence says why. A revocation or suspension bars the person: it holds against every licence
issued before it, also another one, while a licence issued later stands by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from trucyte.fhir.search.moments import EARLIEST, LATEST
from trucyte.shared.identity.registers.licence import Licence, Practice, Spell, State

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Why(Enum):
    """Why someone may sign, or may not."""

    IN_FORCE = "in-force"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    REPLACED = "replaced"
    NOT_YET = "not-yet"
    EXPIRED = "expired"
    OUT_OF_SCOPE = "out-of-scope"
    OUT_OF_PLACE = "out-of-place"
    INACTIVE = "inactive"
    NO_LICENCE = "no-licence"  # the person is here, and nothing of a licence is recorded
    UNKNOWN = "unknown"  # this node does not know the person


UNTOLD: Final = frozenset({Why.NO_LICENCE, Why.UNKNOWN})  # nothing is known against them


@dataclass(frozen=True, slots=True)
class Facts:
    """All that this node knows of one practitioner's right to practise."""

    is_known: bool = False
    licences: tuple[Licence, ...] = ()
    practices: tuple[Practice, ...] = ()
    inactive_from: int | None = None  # since when the register has the person as not active
    is_register: bool = False  # said by a register of this node, not by who sends records


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer; it holds until `until` as far as the records say, None: for good."""

    may_sign: bool
    why: Why
    licence: Licence | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    licence: Licence
    spells: Sequence[Spell]
    at: int
    scope: str | None

    def is_in(self, state: State) -> bool:
        """Say whether the person is in a state that holds against this licence."""
        return any(one.state is state and one.low <= self.at < one.high for one in self.spells)


# In this order; the first that fits is the reason.
REASONS: Sequence[tuple[Why, Callable[[_Asked], bool]]] = (
    (Why.REVOKED, lambda asked: asked.is_in(State.REVOKED)),
    (Why.SUSPENDED, lambda asked: asked.is_in(State.SUSPENDED)),
    (Why.REPLACED, lambda asked: asked.is_in(State.REPLACED)),
    (Why.NOT_YET, lambda asked: asked.at < asked.licence.low),
    (Why.EXPIRED, lambda asked: asked.at >= asked.licence.high),
    (
        Why.OUT_OF_SCOPE,
        lambda asked: (
            bool(asked.scope and asked.licence.scopes) and asked.scope not in asked.licence.scopes
        ),
    ),
    (Why.IN_FORCE, lambda asked: True),
)


def standing_of(
    facts: Facts,
    at: datetime,
    *,
    scope: str | None = None,
    place: str | None = None,
    accepts_unknown: bool = True,
) -> Standing:
    """Say whether someone may sign at a moment, for a scope and at a place where these are told.

    Scopes and places are judged only where any is recorded. `place` is an
    `Organization/<id>` or a facility's code.
    """
    moment = (at - _EPOCH) // _MICROSECOND
    until = _moment(min((edge for edge in _edges(facts) if edge > moment), default=LATEST))
    if not facts.is_known or not facts.licences:
        why = Why.NO_LICENCE if facts.is_known else Why.UNKNOWN
        return Standing(accepts_unknown, why, None, until)
    why, licence = min(_verdicts(facts.licences, moment, scope), key=_preference)
    if why is Why.IN_FORCE:
        why = _person_reason(facts, moment, place)
    return Standing(why is Why.IN_FORCE, why, licence, until)


def _person_reason(facts: Facts, moment: int, place: str | None) -> Why:
    if facts.inactive_from is not None and moment >= facts.inactive_from:
        return Why.INACTIVE
    if place and facts.practices and not _practises(facts.practices, moment, place):
        return Why.OUT_OF_PLACE
    return Why.IN_FORCE


def _practises(practices: Sequence[Practice], moment: int, place: str) -> bool:
    return any(place in one.names and one.low <= moment < one.high for one in practices)


def _verdicts(
    licences: Sequence[Licence], moment: int, scope: str | None
) -> Iterator[tuple[Why, Licence]]:
    for licence in licences:
        asked = _Asked(licence, _held_against(licence, licences), moment, scope)
        yield next(why for why, fits in REASONS if fits(asked)), licence


def _held_against(licence: Licence, all_licences: Sequence[Licence]) -> Sequence[Spell]:
    """Return the states of a licence, and those of others of the person that bar it too."""
    return [
        spell
        for other in all_licences
        for spell in other.spells
        if other is licence or _bars(spell, licence)
    ]


def _bars(spell: Spell, licence: Licence) -> bool:
    """Say whether a state of another licence bars this one; without a first day it does."""
    if spell.state is State.REPLACED:
        return False
    return spell.low >= licence.low or spell.low == EARLIEST


def _preference(verdict: tuple[Why, Licence]) -> tuple[bool, bool, int]:
    """Order verdicts: one in force first, a replaced licence last, else the newest."""
    why, licence = verdict
    return why is not Why.IN_FORCE, why is Why.REPLACED, -licence.low


def _edges(facts: Facts) -> Iterator[int]:
    """Yield every moment at which an answer may change."""
    for licence in facts.licences:
        yield from (licence.low, licence.high)
        for spell in licence.spells:
            yield from (spell.low, spell.high)
    for practice in facts.practices:
        yield from (practice.low, practice.high)
    if facts.inactive_from is not None:
        yield facts.inactive_from


def _moment(edge: int) -> datetime | None:
    if edge in (EARLIEST, LATEST):
        return None
    try:
        return _EPOCH + edge * _MICROSECOND
    except OverflowError:
        return None  # the last day a calendar has
