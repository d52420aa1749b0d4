"""What the register says of acts that are past: for files, of which nothing is refused.

Asked for many at once, and remembered for a minute without following the journal: what
comes of it is a remark on a line, never a refusal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.fhir.search.moments import moment_range
from trucyte.shared.identity.registers.acts import Act, acts_of
from trucyte.shared.identity.registers.licence import NUMBERS, SOCIAL, normal_number
from trucyte.shared.identity.registers.many import Many
from trucyte.shared.identity.registers.reader import FRESH_SECONDS, Key, key_of
from trucyte.shared.identity.registers.signing import signer_of
from trucyte.shared.identity.registers.standing import Facts, standing_of

_SYSTEMS: Final = {"cchn": NUMBERS, "bhxh": SOCIAL}
_REMEMBERED_MAX: Final = 50_000
_NOBODY: Final = Facts()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Barred:
    """An act of someone whose licence was not in force then."""

    place: str  # as FHIRPath has it
    why: str
    day: str


class Past:
    """Judges what is over. For one thread."""

    def __init__(self, many: Many, clock: Clock) -> None:
        """Ask `many`; nothing is read before it is asked."""
        self._many = many
        self._clock = clock
        self._kept: dict[Key, Facts] = {}
        self._bars: dict[tuple[Key, int, int], str] = {}
        self._days: dict[tuple[tuple[str, str], date], str] = {}
        self._until = datetime.min.replace(tzinfo=UTC)

    def look(self, numbers: Iterable[tuple[str, str]]) -> None:
        """Read what is known of numbers ("cchn" or "bhxh", as written), all at once."""
        self._read({_key(one) for one in numbers})

    def bar(self, number: tuple[str, str], day: date) -> str:
        """Return why a licence was not in force all that day; "" where it was, or is not known."""
        asked = (number, day)
        found = self._days.get(asked)
        if found is None:
            found = self._days[asked] = self._day(number, day)
        return found

    def _day(self, number: tuple[str, str], day: date) -> str:
        key = _key(number)
        if key not in self._kept:
            self._read({key})
        low = datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
        begin = (low - _EPOCH) // _MICROSECOND
        return self._bar(key, begin, begin + timedelta(days=1) // _MICROSECOND)

    def barred(self, resources: Sequence[Json]) -> list[Barred | None]:
        """Return of each resource the first act of someone whose licence was not in force."""
        acts: list[list[tuple[Act, Key]]] = []
        for resource in resources:
            signed = ((act, signer_of(act.signer, resource)) for act in acts_of(resource))
            acts.append([(act, key_of(signer)) for act, signer in signed if signer is not None])
        self._read({key for listed in acts for _, key in listed})
        return [next(filter(None, map(self._judged, listed)), None) for listed in acts]

    def _judged(self, act: tuple[Act, Key]) -> Barred | None:
        try:
            low, high = moment_range(act[0].moment)
        except ValueError:
            return None  # the act says no time: nothing can be said of then
        why = self._bar(act[1], low, high)
        return Barred(act[0].place, why, act[0].moment[:10]) if why else None

    def _bar(self, key: Key, low: int, high: int) -> str:
        asked = (key, low, high)
        if asked not in self._bars:
            if len(self._bars) >= _REMEMBERED_MAX:
                self._bars.clear()
                self._days.clear()
            self._bars[asked] = self._judge(self._kept.get(key, _NOBODY), low, high)
        return self._bars[asked]

    def _judge(self, facts: Facts, low: int, high: int) -> str:
        if not facts.licences:
            return ""
        try:
            ends = [_EPOCH + at * _MICROSECOND for at in (low, high - 1)]
        except OverflowError:
            return ""  # a day of no calendar
        found = [standing_of(facts, at) for at in ends]
        return "" if any(one.may_sign for one in found) else found[0].why.value

    def _read(self, keys: set[Key]) -> None:
        now = self._clock.now()
        if now >= self._until or len(self._kept) + len(keys) > _REMEMBERED_MAX:
            self._kept.clear()
            self._bars.clear()
            self._days.clear()
            self._until = now + timedelta(seconds=FRESH_SECONDS)
        missing = keys - self._kept.keys()
        if missing:
            self._days.clear()
            self._kept |= dict.fromkeys(missing, _NOBODY) | self._many.facts(missing)


def _key(number: tuple[str, str]) -> Key:
    kind, value = number
    return "", (_SYSTEMS[kind], normal_number(value))
