"""The original of one request, kept before what it says is accepted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from trucyte.fhir.text import NotJson
from trucyte.intake.interactions.plans import is_labelled
from trucyte.journal.change import Change, ExpectationFailed, VersionConflict
from trucyte.records.access import Access

_NAME: Final = "FHIR API"


class Originals(Protocol):
    """Keeps bytes as they came; see `intake.keeping.api_originals`."""

    def keep(self, name: str, body: bytes, organisation: str, *, is_restricted: bool) -> int:
        """Keep bytes durably and return the number of their source."""
        ...

    def forget(self, number: int) -> None:
        """Remove an original of which nothing was accepted."""
        ...


@dataclass(slots=True)
class Original:
    """What came with one request: nothing to keep, where its body is what the journal has."""

    originals: Originals | None = None
    access: Access | None = None
    name: str = ""
    body: bytes = b""
    parts: Sequence[bytes] = ()  # the resources in it, as JSON
    number: int = 0  # of its source, once it is kept
    _is_written: bool = False
    _is_in_doubt: bool = False

    def named(self, changes: Sequence[Change], row: int = 1) -> list[Change]:
        """Return changes that name the original as their source, and keep it first."""
        if not self.body or self.originals is None or self.access is None or not changes:
            return list(changes)
        if not self.number:
            closed = any(_is_closed(part) for part in self.parts)
            organisation = self.access.organisation
            self.number = self.originals.keep(
                self.name, self.body, organisation, is_restricted=closed
            )
        return [replace(change, source=self.number, row=row) for change in changes]

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Around a commit: who does not learn how it ended must not forget the original."""
        self._is_in_doubt = True
        try:
            yield
        except (VersionConflict, ExpectationFailed):
            self._is_in_doubt = False
            raise
        self._is_in_doubt = False

    def written(self) -> None:
        """Note that something of it was accepted."""
        self._is_written = True

    def _end(self) -> None:
        if self.number and not self._is_written and not self._is_in_doubt:
            assert self.originals is not None
            self.originals.forget(self.number)


@contextmanager
def kept(
    originals: Originals | None, access: Access, body: bytes, parts: Sequence[bytes]
) -> Iterator[Original]:
    """Have the original of a request, forgotten where nothing of it was accepted for sure."""
    original = Original(originals, access, _NAME, body, parts)
    try:
        yield original
    finally:
        original._end()


def _is_closed(part: bytes) -> bool:
    """Say whether a part is for few; one that nobody can read is."""
    try:
        return is_labelled(part)
    except NotJson:
        return True
