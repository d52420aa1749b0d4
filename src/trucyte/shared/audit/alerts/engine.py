"""From entries to alerts; pure, and bounded in memory.

Entries come in the order of the trail. For each rule and account a sliding window of twelve
parts holds what was counted, never more of it than the rule asks for. When there is enough
an alert is raised with the entries that made it, and that account is silent for that rule
until the period is over. Periods are laid out from a fixed moment, so whoever follows the
same entries again raises the same alerts, by the same keys: raising twice is seen.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from trucyte.base.clock import VIETNAM
from trucyte.shared.audit.alerts.rule import Counts, Rule, Sign
from trucyte.shared.audit.entry import Entry, Outcome

PARTS: Final = 12  # of a window
EVIDENCE_MAX: Final = 20
TRACKED_MAX: Final = 50_000  # rules by accounts; beyond it those quiet longest are forgotten
_NIGHT_BEGINS, _NIGHT_ENDS = 22, 5
_EXPORTS: Final = frozenset({"export", "disclose", "$export-file", "$export"})
_NOT_THERE: Final = frozenset({"not-found", "resource-not-found", "entry-not-found", "gone"})
_EPOCH: Final = datetime(2000, 1, 1, 12, tzinfo=VIETNAM).astimezone(UTC)  # so a night is whole


class Known(Protocol):
    """What is known of accounts and persons beside the trail."""

    def watched(self, persons: Iterable[int]) -> frozenset[int]:
        """Return those who are on the sensitive list or whose Patient is labelled."""
        ...

    def own(self, account: str) -> frozenset[int]:
        """Return the keys of the holder's own records."""
        ...

    def family(self, account: str) -> frozenset[int]:
        """Return the keys of those of the holder's household."""
        ...

    def is_person(self, account: str) -> bool:
        """Say whether an account is a person's, who sleeps at night, and no program's."""
        ...

    def related(self, account: str, persons: Iterable[int]) -> frozenset[int] | None:
        """Return those with whom the account has a relation of care; None: it needs none."""
        ...


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert to be: raised once by its key."""

    rule: str
    account: str
    organisation: str
    at: datetime
    period: int  # of the rule, counted from a fixed moment
    counted: int
    evidence: tuple[str, ...]  # ids of entries

    @property
    def key(self) -> str:
        """What tells it from others: the same after a restart."""
        return f"{self.rule}/{self.period}/{self.account}"


@dataclass(slots=True)
class _Window:
    """What one account did under one rule lately."""

    parts: deque[tuple[int, set[int]]] = field(default_factory=deque)
    evidence: deque[str] = field(default_factory=lambda: deque(maxlen=EVIDENCE_MAX))
    told: int = -1  # the period in which it was raised last


class Engine:
    """Counts entries under rules. One thread at a time."""

    def __init__(self, rules: Sequence[Rule], known: Known) -> None:
        """Count under `rules`, by what is `known` beside the trail."""
        self._rules = rules
        self._known = known
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    @property
    def tracked(self) -> int:
        """How many windows are held."""
        return len(self._windows)

    def take(self, entry: Entry) -> list[Raised]:
        """Return the alerts that an entry raises."""
        signs = signs_of(entry, self._known)
        if not signs:
            return []
        found = (
            self._counted(rule, entry, signs[rule.sign])
            for rule in self._rules
            if rule.sign in signs
        )
        return [raised for raised in found if raised is not None]

    def _counted(self, rule: Rule, entry: Entry, persons: frozenset[int]) -> Raised | None:
        account, period = entry.deed.caller, _period(rule, entry.at)
        window = self._window(rule, account)
        if window.told == period:
            return None
        things = persons if rule.counts is Counts.PERSONS else frozenset({entry.seq})
        if entry.deed.resources > 1 and rule.sign is Sign.DENIED and not account:
            things = frozenset(range(entry.seq << 20, (entry.seq << 20) + entry.deed.resources))
        count = _add(window, rule, entry.at, things)
        window.evidence.append(entry.id)
        if count < rule.least:
            return None
        evidence = tuple(window.evidence)
        window.parts.clear()
        window.evidence.clear()
        window.told = period
        return Raised(rule.id, account, entry.deed.organisation, entry.at, period, count, evidence)

    def _window(self, rule: Rule, account: str) -> _Window:
        key = (rule.id, account)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window()
            if len(self._windows) > TRACKED_MAX:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        return window


def signs_of(entry: Entry, known: Known) -> dict[Sign, frozenset[int]]:
    """Return the signs of an entry, each with the persons that it is about."""
    deed, none = entry.deed, frozenset[int]()
    if deed.interaction == "login":
        return {Sign.LOGIN_FAILED: none} if deed.outcome is not Outcome.SUCCESS else {}
    signs: dict[Sign, frozenset[int]] = {}
    if deed.outcome is Outcome.REFUSED or deed.code in _NOT_THERE:
        signs[Sign.DENIED] = none
    persons = frozenset(deed.persons)
    if deed.outcome is Outcome.SUCCESS and persons:
        signs |= _of_persons(entry, persons, known)
    return signs


def _of_persons(entry: Entry, persons: frozenset[int], known: Known) -> dict[Sign, frozenset[int]]:
    deed = entry.deed
    related = known.related(deed.caller, persons)
    signs: dict[Sign, frozenset[int]] = {}
    if deed.interaction in _EXPORTS:
        signs[Sign.EXPORT] = persons
    hour = entry.at.astimezone(VIETNAM).hour
    if (hour >= _NIGHT_BEGINS or hour < _NIGHT_ENDS) and known.is_person(deed.caller):
        signs[Sign.NIGHT] = persons
    own = persons & known.own(deed.caller)
    if own:
        signs[Sign.OWN] = own
    if related is None:
        return signs
    strangers = persons - related
    if strangers:
        signs[Sign.UNRELATED] = strangers
        watched, family = known.watched(strangers), strangers & known.family(deed.caller)
        signs |= {Sign.WATCHED: watched} if watched else {}
        signs |= {Sign.FAMILY: family} if family else {}
    return signs


def _add(window: _Window, rule: Rule, at: datetime, things: frozenset[int]) -> int:
    """Count things now and return how many different ones the window holds."""
    length = rule.within / PARTS
    now = (at - _EPOCH) // length
    parts = window.parts
    while parts and parts[0][0] <= now - PARTS:
        parts.popleft()
    if not parts or parts[-1][0] != now:
        parts.append((now, set()))
    last = parts[-1][1]
    # More than is asked for raises, so no part ever holds more than that.
    last.update(sorted(things)[: rule.least])
    return len(set().union(*(part for _, part in parts)))


def _period(rule: Rule, at: datetime) -> int:
    return (at - _EPOCH) // rule.once
