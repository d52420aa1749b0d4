"""What one request does, gathered until just before its answer leaves.

`Asked` makes one entry of all reads of a request. `Stream` is for answers too long to be
gathered: an entry before the first byte, one before each part that shows more persons,
and one at the end with the counts.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock
from typing import Final, Protocol

from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access
from trucyte.shared.audit.entry import Outcome, each_once

_REFUSALS: Final = {Kind.FORBIDDEN, Kind.UNAUTHENTICATED}
_REMEMBERED_MAX: Final = 1_000_000  # persons of one stream, so that each is entered once


class Enter(Protocol):
    """Writes an entry; see `Trail.enter`."""

    def __call__(
        self,
        access: Access,
        reason: str,
        *,
        persons: Sequence[int] = (),
        resources: int = 0,
        outcome: Outcome = Outcome.SUCCESS,
        code: str = "",
        door: str = "",
        request: str = "",
        rule: str = "",
    ) -> Future[None]:
        """Return a future that is done once the entry is durable."""
        ...


class Asked:
    """The recorder of one request; its reads may run in several threads."""

    def __init__(
        self, enter: Enter, reason: str, door: str, request: str, *, waits: bool = True
    ) -> None:
        """Gather for one entry that `enter` will write; closing `waits` for it or leaves that."""
        self._enter = enter
        self._waits = waits
        self._reason = reason
        self._door = door
        self.request = request
        self.entered: Future[None] | None = None  # of the entry, once closed
        self._access: Access | None = None
        self._mutex = Lock()
        self._persons: dict[int, None] = {}
        self._resources = 0
        self._refusal = (Outcome.SUCCESS, "", "")
        self._is_closed = False

    def of(self, access: Access) -> Access:
        """Return `access` with this request as its recorder; the last one names the caller."""
        self._access = access
        return replace(access, recorder=self)

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Remember that data of `persons` is shown in this answer."""
        with self._mutex:
            if not self._is_closed:
                self._persons.update(dict.fromkeys(persons))
                self._resources += len(persons)
                return
        # Read after the entry was written, as a lazy answer may: that needs one of its own.
        self._enter(
            access, reason, persons=persons, resources=len(persons), door=self._door,
            request=self.request,
        ).result()  # fmt: skip

    def refused(self, code: str) -> None:
        """Remember that a part of this request was not allowed."""
        self._refusal = (Outcome.REFUSED, code, "")

    def failed(self, problem: Problem) -> None:
        """Remember a Problem that is answered without leaving the block."""
        self._refusal = (*refusal_of(problem), rule_of(problem))

    def close(self, outcome: Outcome = Outcome.SUCCESS, code: str = "", rule: str = "") -> None:
        """Write the entry; return once it is durable, or leave `entered` to be waited for."""
        with self._mutex:
            self._is_closed = True
        if self._access is None:
            return
        if outcome is Outcome.SUCCESS:
            outcome, code, rule = self._refusal
        self.entered = self._enter(
            self._access, self._reason, persons=tuple(self._persons), resources=self._resources,
            outcome=outcome, code=code, door=self._door, request=self.request, rule=rule,
        )  # fmt: skip
        if self._waits:
            self.entered.result()


class Stream:
    """The recorder of an answer that leaves in parts. One thread at a time."""

    def __init__(self, enter: Enter, access: Access, reason: str, door: str, request: str) -> None:
        """Enter by `enter` what is done under `access`."""
        self._enter = enter
        self.access = replace(access, recorder=self)
        self._reason = reason
        self._door = door
        self.request = request
        self._entered: set[int] = set()
        self.resources = 0
        self.persons = 0

    def begin(self) -> None:
        """Enter that it begins."""
        self._write(Outcome.SUCCESS, "begun", (), 0)

    def showing(self, persons: Sequence[int], resources: int) -> None:
        """Enter the persons of a part that is about to leave, those not entered yet."""
        self.resources += resources
        fresh = [person for person in each_once(persons) if person not in self._entered]
        if fresh:
            if len(self._entered) + len(fresh) > _REMEMBERED_MAX:
                self._entered.clear()
            self._entered.update(fresh)
            self.persons += len(fresh)
            self._write(Outcome.SUCCESS, "part", fresh, 0)

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Enter what the gate gives out for the next part."""
        self.showing(persons, len(persons))

    def end(self, outcome: Outcome = Outcome.SUCCESS, code: str = "ended") -> None:
        """Enter the end, with how many resources left."""
        self._write(outcome, code, (), self.resources)

    def _write(self, outcome: Outcome, code: str, persons: Sequence[int], count: int) -> None:
        self._enter(
            self.access, self._reason, persons=persons, resources=count, outcome=outcome,
            code=code, door=self._door, request=self.request,
        ).result()  # fmt: skip


def refusal_of(problem: Problem) -> tuple[Outcome, str]:
    """Return how a Problem ends an entry."""
    outcome = Outcome.REFUSED if problem.kind in _REFUSALS else Outcome.ERROR
    return outcome, problem.code


def rule_of(problem: Problem) -> str:
    """Return the id of the rule of access that refused, "" where none is told."""
    rule = problem.facts.get("rule", "")
    return rule if problem.kind in _REFUSALS and isinstance(rule, str) else ""
