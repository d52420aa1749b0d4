"""The tree of a regular expression, what it costs a backtracking matcher, and its text."""

import re
from dataclasses import dataclass
from typing import Final

from trucyte.fhir.path.problems import PathPattern

LENGTH_MAX: Final = 2000
REPEAT_MAX: Final = 1000
_DEPTH_MAX: Final = 30
_COST_MAX: Final = 10**12
_QUANTIFIER = re.compile(r"([*+?]|\{(\d+)(,?)(\d*)\})([?+]?)")
_NAMED = re.compile(r"\?P?<([A-Za-z]\w*)>")
_ESCAPES: Final = frozenset("dDwWsStnrfv")
_IN_CLASS: Final = frozenset("[&|~")


@dataclass(frozen=True, slots=True)
class Atom:
    """One character out of those that `text`, a piece of Python's syntax, matches."""

    text: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place without length: a border of the text, of a line or of a word."""

    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after another."""

    parts: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    options: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part `least` to `most` times (None: without end)."""

    part: "Pattern"
    least: int
    most: int | None
    mode: str  # "" greedy, "?" lazy


@dataclass(frozen=True, slots=True)
class Group:
    """A part that is captured, or only held together."""

    part: "Pattern"
    opening: str  # "(", "(?:", "(?P<name>"


Pattern = Atom | Anchor | Sequence | Choice | Repeat | Group


def read_pattern(text: str) -> Pattern:
    """Read an expression. Raises `PathPattern`."""
    if len(text) > LENGTH_MAX:
        raise PathPattern(reason=f"it is longer than {LENGTH_MAX} characters")
    reader = _Reader(text)
    tree = reader.options(0)
    if reader.at < len(text):
        raise PathPattern(reason="a parenthesis is closed that was not opened")
    return tree


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def _here(self) -> str:
        return self._text[self.at : self.at + 1]

    def _next(self) -> str:
        self.at += 1
        if self.at > len(self._text):
            raise PathPattern(reason="it ends too early")
        return self._text[self.at - 1]

    def options(self, depth: int) -> Pattern:
        if depth > _DEPTH_MAX:
            raise PathPattern(reason=f"it nests deeper than {_DEPTH_MAX}")
        options = [self._sequence(depth)]
        while self._here() == "|":
            self.at += 1
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, depth: int) -> Pattern:
        parts: list[Pattern] = []
        while self._here() not in ("", "|", ")"):
            parts.append(self._repeated(self._part(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Pattern) -> Pattern:
        match = _QUANTIFIER.match(self._text, self.at)
        if match is None:
            return part
        self.at = match.end()
        if match[5] == "+" or _QUANTIFIER.match(self._text, self.at):
            raise PathPattern(reason="a quantifier follows a quantifier")
        if isinstance(part, Anchor):
            raise PathPattern(reason="a place cannot be repeated")
        least, most = _bounds(match)
        if max(least, most or 0) > REPEAT_MAX or (most is not None and least > most):
            raise PathPattern(reason=f"it repeats more than {REPEAT_MAX} times")
        return Repeat(part, least, most, match[5])

    def _part(self, depth: int) -> Pattern:
        letter = self._next()
        match letter:
            case "(":
                return self._group(depth)
            case "[":
                return Atom(self._class())
            case "\\":
                return self._escape()
            case ".":
                return Atom(".")
            case "^" | "$":
                return Anchor(letter)
            case "*" | "+" | "?":
                raise PathPattern(reason="nothing stands before a quantifier")
        return Atom(re.escape(letter))

    def _group(self, depth: int) -> Pattern:
        opening = "("
        named = _NAMED.match(self._text, self.at)
        if named is not None:
            opening = f"(?P<{named[1]}>"
            self.at = named.end()
        elif self._text.startswith("?:", self.at):
            opening = "(?:"
            self.at += 2
        elif self._here() == "?":
            raise PathPattern(reason="look-around and inline flags are not supported")
        part = self.options(depth + 1)
        if self._next() != ")":
            raise PathPattern(reason="a parenthesis is not closed")
        return Group(part, opening)

    def _escape(self) -> Pattern:
        letter = self._next()
        if letter in ("b", "B"):
            return Anchor("\\" + letter)
        return Atom(self._escaped(letter))

    def _escaped(self, letter: str) -> str:
        if letter in _ESCAPES:
            return "\\" + letter
        if letter in ("x", "u"):
            digits = self._text[self.at : self.at + (2 if letter == "x" else 4)]
            if not re.fullmatch(r"[0-9A-Fa-f]{2}(?:[0-9A-Fa-f]{2})?", digits):
                raise PathPattern(reason="an escaped character is malformed")
            self.at += len(digits)
            return f"\\u{int(digits, 16):04x}"
        if letter.isalnum():
            raise PathPattern(reason="back references and properties are not supported")
        return re.escape(letter)

    def _class(self) -> str:
        parts = ["["]
        if self._here() == "^":
            parts.append(self._next())
        if self._here() == "]":
            parts.append("\\" + self._next())
        while (letter := self._next()) != "]":
            if letter == "\\":
                escaped = self._next()
                parts.append("\\x08" if escaped == "b" else self._escaped(escaped))
            elif letter == "-":
                # Two of them in a row would mean a difference of sets one day.
                parts.append("\\-" if parts[-1] == "-" or len(parts) == 1 else "-")
            else:
                parts.append("\\" + letter if letter in _IN_CLASS else letter)
        text = "".join([*parts, "]"])
        try:
            re.compile(text)
        except re.error:
            raise PathPattern(reason="a set of characters is malformed") from None
        return text


def _bounds(match: re.Match[str]) -> tuple[int, int | None]:
    simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if match[1] in simple:
        return simple[match[1]]
    least = int(match[2][:9])
    if not match[3]:
        return least, least
    return least, int(match[4][:9]) if match[4] else None


# --- What it costs ----------------------------------------------------------------------


def has_nested_choice(tree: Pattern) -> bool:
    """Say whether something with choices of its own is repeated."""
    match tree:
        case Repeat(part, _, most):
            return (most != 1 and _has_choice(part)) or has_nested_choice(part)
        case Group(part):
            return has_nested_choice(part)
        case Sequence(parts) | Choice(parts):
            return any(has_nested_choice(part) for part in parts)
    return False


def _has_choice(tree: Pattern) -> bool:
    match tree:
        case Repeat(part, least, most):
            return least != most or _has_choice(part)
        case Choice():
            return True
        case Group(part):
            return _has_choice(part)
        case Sequence(parts):
            return any(_has_choice(part) for part in parts)
    return False


def choices(tree: Pattern, length: int) -> int:
    """Bound the ways a backtracking search can go on a text of `length` characters."""
    return min(_COST_MAX, (length + 1) * _ways(tree, length))


def _ways(tree: Pattern, length: int) -> int:
    ways = 1
    match tree:
        case Repeat(part, least, most):
            counts = length + 1 if most is None else min(length, most - least) + 1
            ways = counts * max(1, least) * _ways(part, length)
        case Group(part):
            ways = _ways(part, length)
        case Choice(options):
            ways = sum(_ways(option, length) for option in options)
        case Sequence(parts):
            for part in parts:
                ways = min(_COST_MAX, ways * _ways(part, length))
    return min(_COST_MAX, ways)


# --- Its text ---------------------------------------------------------------------------


def written(tree: Pattern, end: str) -> str:
    """Write the tree for Python's matcher; `end` is what `$` is there."""
    match tree:
        case Atom(text):
            return text
        case Anchor(text):
            return end if text == "$" else text
        case Sequence(parts):
            return "".join([_enclosed(part, end) for part in parts])
        case Choice(options):
            return "|".join([written(option, end) for option in options])
        case Group(part, opening):
            return opening + written(part, end) + ")"
    assert isinstance(tree, Repeat)
    bounds = f"{{{tree.least},{'' if tree.most is None else tree.most}}}"
    return _enclosed(tree.part, end) + bounds + tree.mode


def _enclosed(tree: Pattern, end: str) -> str:
    text = written(tree, end)
    return f"(?:{text})" if isinstance(tree, Choice | Sequence) else text
