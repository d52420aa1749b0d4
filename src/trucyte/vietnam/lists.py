"""Code lists with validity dates, and the question every user of them asks.

A list that is not loaded is not an error: callers say "chưa kiểm tra: thiếu danh mục".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Term:
    """One code of one list, in force between two dates (both inclusive; None: open)."""

    code: str
    vi: str
    en: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    verified: bool = False  # False: recalled, inferred or vendor evidence; never stated as law
    extra: Mapping[str, str] = field(default_factory=dict)


class CodeLists(Protocol):
    """The lists in force at this node."""

    def is_loaded(self, name: str) -> bool:
        """Say whether the list can be asked at all."""
        ...

    def find(self, name: str, code: str, on: date | None = None) -> Term | None:
        """Return the term of `code` in force `on` that day, or None."""
        ...
