"""Text and values of a statement: what is in the text comes from this package alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

NOTHING = "false"


@dataclass(slots=True)
class Parameters:
    """The statement's parameters, named as they come."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any, cast: str) -> str:
        """Keep a value and return its place in the text."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s::{cast}"


def any_of(conditions: Sequence[str]) -> str:
    """Return that one of the conditions holds."""
    kept = [condition for condition in conditions if condition != NOTHING]
    return f"({' or '.join(kept)})" if kept else NOTHING


def text_after(text: str) -> str:
    """Return the smallest text behind all that begin with `text`, in code point order."""
    stem = text.rstrip("\U0010ffff")
    following = ord(stem[-1]) + 1 if stem else 0
    # Surrogates are no characters.
    following = 0xE000 if following == 0xD800 else following
    return stem[:-1] + chr(following)
