"""Regular expressions that cannot explode.

An expression is read into a tree of our own. Where the choices it leaves a backtracking
matcher are few, it runs on Python's; else on an automaton that reads every character
once. The work of both is bounded. Look-around, back references and Unicode properties
are refused. `.` matches line ends too (FHIRPath 2.0 5.6.9: single-line mode).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from trucyte.fhir.path.environment import TEXT_MAX
from trucyte.fhir.path.problems import PathPattern, PathTooCostly
from trucyte.fhir.path.regular.automaton import Automaton
from trucyte.fhir.path.regular.pattern_tree import (
    Pattern,
    choices,
    has_nested_choice,
    read_pattern,
    written,
)

BACKTRACKING_MAX: Final = 10_000_000
AUTOMATON_MAX: Final = 10_000_000
_GROUP = re.compile(r"\$(?:(\d)|\{(\w+)\})")
_FLAGS: Final = frozenset("im")


class _Pattern:
    """One expression with both ways to run it."""

    def __init__(self, text: str, flags: str) -> None:
        if not _FLAGS.issuperset(flags):
            raise PathPattern(reason="the flags are i and m")
        self._tree = read_pattern(text)
        self._flags = re.DOTALL | (re.IGNORECASE if "i" in flags else 0)
        self._flags |= re.MULTILINE if "m" in flags else 0
        self._cheap_length = _cheap_length(self._tree)
        self._compiled: re.Pattern[str] | None = None
        self._automata: dict[bool, Automaton] = {}

    def _is_cheap(self, length: int) -> bool:
        return length <= self._cheap_length

    @property
    def backtracking(self) -> re.Pattern[str]:
        if self._compiled is None:
            end = "$" if self._flags & re.MULTILINE else r"\Z"
            self._compiled = re.compile(written(self._tree, end), self._flags)
        return self._compiled

    def found(self, text: str, *, full: bool) -> bool:
        if self._is_cheap(len(text)):
            compiled = self.backtracking
            return (compiled.fullmatch if full else compiled.search)(text) is not None
        if len(text) > AUTOMATON_MAX:
            raise PathTooCostly(reason="the text is too long for this regular expression")
        automaton = self._automata.get(full)
        if automaton is None:
            automaton = self._automata[full] = Automaton(self._tree, self._flags, full=full)
        return automaton.accepts(text)

    def replace(self, text: str, make: Callable[[re.Match[str]], str]) -> str:
        if not self._is_cheap(len(text)):
            raise PathPattern(reason="it leaves too many choices to replace in a text so long")
        parts: list[str] = []
        size = at = 0
        for match in self.backtracking.finditer(text):
            made = make(match)
            size += len(made)
            if size > TEXT_MAX:
                raise PathTooCostly(reason="it would make too long a text")
            parts += (text[at : match.start()], made)
            at = match.end()
        parts.append(text[at:])
        return "".join(parts)


def _cheap_length(tree: Pattern) -> int:
    """Return the length up to which a backtracking matcher has few enough choices."""
    if has_nested_choice(tree):
        return -1
    length = 0
    for bit in reversed(range(BACKTRACKING_MAX.bit_length())):
        if choices(tree, length + (1 << bit)) <= BACKTRACKING_MAX:
            length += 1 << bit
    return length


@lru_cache(maxsize=256)
def _pattern(text: str, flags: str) -> _Pattern:
    return _Pattern(text, flags)


def matches(value: str, pattern: str, flags: str = "") -> bool:
    """Say whether a part of `value` matches. Raises `PathPattern`, `PathTooCostly`."""
    return _pattern(pattern, flags).found(value, full=False)


def matches_full(value: str, pattern: str, flags: str = "") -> bool:
    """Say whether the whole `value` matches. Raises `PathPattern`, `PathTooCostly`."""
    return _pattern(pattern, flags).found(value, full=True)


def replace_matches(value: str, pattern: str, substitution: str, flags: str = "") -> str:
    """Replace all matches; `$1` and `${name}` stand for groups. Raises as `matches` does."""
    if not pattern:
        return value

    def make(match: re.Match[str]) -> str:
        return _GROUP.sub(lambda group: _group(match, group[1] or group[2]), substitution)

    return _pattern(pattern, flags).replace(value, make)


def _group(match: re.Match[str], name: str) -> str:
    try:
        return match[int(name) if name.isdecimal() else name] or ""
    except IndexError:
        return ""
