"""What a value set holds: an ordered sequence of members, each once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trucyte.fhir.search.fold import fold
from trucyte.shared.terminology.concept import Concept


class Member(NamedTuple):
    """One code of a value set."""

    system: str
    edition: str
    code: str
    display: str
    folded: str
    concept: Concept | None  # None: the code system is not here

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same member."""
        return self.system, self.code


class Members:
    """The members of a value set, in its order. Frozen; may be shared between threads."""

    def __init__(self, members: Iterable[Member], *, is_whole: bool = True) -> None:
        """Keep the first of each (system, code).

        `is_whole` is false where a list this rests on is here in part: what is not found may
        still be a member.
        """
        self.is_whole = is_whole
        by_key: dict[tuple[str, str], Member] = {}
        for member in members:
            by_key.setdefault((member.system, member.code), member)
        self._by_key = by_key
        self._all: Sequence[Member] = tuple(by_key.values())
        self._by_code: dict[str, Member] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def all(self) -> Sequence[Member]:
        """Return every member, in order."""
        return self._all

    def find(self, system: str | None, code: str) -> Member | None:
        """Return the member of a code; without a system, the first of that code."""
        if system is not None:
            return self._by_key.get((system, code))
        if self._by_code is None:
            by_code: dict[str, Member] = {}
            for member in self._all:
                by_code.setdefault(member.code, member)
            self._by_code = by_code
        return self._by_code.get(code)

    def matching(self, text: str) -> Sequence[Member]:
        """Return the members that have every word of a text, with or without marks."""
        found = self._all
        for word in fold(text).split():
            found = [member for member in found if word in member.folded]
        return found
