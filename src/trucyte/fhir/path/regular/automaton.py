"""An automaton for regular expressions: every character is read once.

The tree becomes states and moves (Thompson); sets of states are made when they are
first reached and kept, up to a limit. The work of making them is bounded.
"""

import re
from typing import Final

from trucyte.fhir.path.problems import PathPattern, PathTooCostly
from trucyte.fhir.path.regular.pattern_tree import (
    Anchor,
    Atom,
    Choice,
    Group,
    Pattern,
    Repeat,
    Sequence,
)

STATES_MAX: Final = 20_000
_KEPT_MAX: Final = 2_000
_WORK_MAX: Final = 5_000_000
_START, _END = "^", "$"

Sets = frozenset[int]


class Automaton:
    """Says whether a text matches."""

    def __init__(self, tree: Pattern, flags: int, *, full: bool) -> None:
        """Build the states. Raises `PathPattern` where they are too many."""
        self._flags = flags
        self._full = full
        self._atoms: dict[str, re.Pattern[str]] = {}
        # Of each state: the atom it reads (None: none), and where it leads.
        self._reads: list[re.Pattern[str] | None] = []
        self._anchors: list[str] = []
        self._leads: list[list[int]] = []
        self._final = self._state()
        self._first = self._add(tree, self._final)
        self._moves: dict[tuple[Sets, str], Sets] = {}
        self._work = 0

    def accepts(self, text: str) -> bool:
        """Say whether the whole text, or a part of it, matches. Raises `PathTooCostly`."""
        self._work = 0
        here = self._closure([self._first], is_start=True, is_end=not text)
        again = (
            frozenset()
            if self._full
            else self._closure([self._first], is_start=False, is_end=False)
        )
        last = len(text) - 1
        for place, letter in enumerate(text):
            if not self._full and self._final in here:
                return True
            here = self._moved(here, letter, again, is_end=place == last)
            if not here and self._full:
                return False
        return self._final in here

    def _moved(self, here: Sets, letter: str, again: Sets, *, is_end: bool) -> Sets:
        if is_end:
            return self._make(here, letter, again, is_end=True)
        move = (here, letter)
        found = self._moves.get(move)
        if found is None:
            found = self._make(here, letter, again, is_end=False)
            if len(self._moves) >= _KEPT_MAX:
                self._moves.clear()
            self._moves[move] = found
        return found

    def _make(self, here: Sets, letter: str, again: Sets, *, is_end: bool) -> Sets:
        after = []
        for state in here:
            read = self._reads[state]
            if read is not None and read.match(letter):
                after += self._leads[state]
        if not self._full and is_end:
            after.append(self._first)
        return self._closure(after, is_start=False, is_end=is_end) | again

    def _closure(self, states: list[int], *, is_start: bool, is_end: bool) -> Sets:
        """Follow the moves that read nothing."""
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in found:
                continue
            found.add(state)
            anchor = self._anchors[state]
            is_open = (anchor != _START or is_start) and (anchor != _END or is_end)
            if self._reads[state] is None and is_open:
                waiting += self._leads[state]
        self._work += len(found)
        if self._work > _WORK_MAX:
            raise PathTooCostly(reason="matching the regular expression takes too much work")
        return frozenset(found)

    # --- Building -----------------------------------------------------------------------

    def _state(self, *leads: int, read: re.Pattern[str] | None = None, anchor: str = "") -> int:
        if len(self._leads) >= STATES_MAX:
            raise PathPattern(reason="it is too large when its repetitions are written out")
        self._leads.append(list(leads))
        self._reads.append(read)
        self._anchors.append(anchor)
        return len(self._leads) - 1

    def _add(self, tree: Pattern, then: int) -> int:
        """Add the states of a part that goes on at `then`; return its first state."""
        match tree:
            case Atom(text):
                atom = self._atoms.get(text)
                if atom is None:
                    atom = self._atoms[text] = re.compile(text, self._flags)
                return self._state(then, read=atom)
            case Anchor(text):
                return self._anchor(text, then)
            case Group(part):
                return self._add(part, then)
            case Choice(options):
                return self._state(*[self._add(option, then) for option in options])
            case Sequence(parts):
                for part in reversed(parts):
                    then = self._add(part, then)
                return then
        assert isinstance(tree, Repeat)
        return self._repeat(tree, then)

    def _anchor(self, text: str, then: int) -> int:
        if text not in (_START, _END) or self._flags & re.MULTILINE:
            raise PathPattern(reason="borders of words and lines are not supported here")
        return self._state(then, anchor=text)

    def _repeat(self, tree: Repeat, then: int) -> int:
        if tree.most is None:
            again = self._state(then)
            self._leads[again].append(self._add(tree.part, again))
            then = again
        else:
            end = then
            for _ in range(tree.most - tree.least):
                then = self._state(self._add(tree.part, then), end)
        for _ in range(tree.least):
            then = self._add(tree.part, then)
        return then
