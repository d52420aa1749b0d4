"""For whom a received file speaks: the organisation its visits and resources belong to.

A file of claims says so by its facilities, visit by visit. A file of an account that logged
in speaks for that account's organisation and nobody else: what it says of others is refused.
"""

from collections.abc import Collection
from typing import Final

from trucyte.base.hashing import opaque_id
from trucyte.intake.tools import Finder, Tools
from trucyte.intake.unreadable import OtherOrganisation
from trucyte.journal.behalf import Behalf, organisation_number
from trucyte.records.owners import DEFINITIONS, owners_of_keys

_REMEMBERED_MAX: Final = 10_000


def organisation_of(key: bytes, facility: str) -> str:
    """Return the reference of a facility (MA_CSKCB), as its visits have it; `key` is of ids."""
    return f"Organization/{opaque_id(key, 'Organization', 'cskcb', facility)}"


class Speaking:
    """Tells the journal for whom sources speak, before their first line. One a thread."""

    def __init__(self, tools: Tools) -> None:
        """Work with `tools`; nothing is asked before the first piece."""
        self._tools = tools
        self._behalf = Behalf(tools.database)
        self._known: dict[int, tuple[str, bool]] = {}  # source -> organisation, it logged in
        self._nobody: set[int] = set()  # sources that spoke for nobody when last asked

    def begin(self) -> None:
        """Ask anew, once a batch, of sources that spoke for nobody."""
        self._nobody.clear()

    def visit(self, source: int, row: int, facility: str) -> None:
        """Let a visit speak for its facility. Raises OtherOrganisation."""
        organisation = organisation_of(self._tools.ids, facility)
        known = self._of(source)
        if known is None:
            self._behalf.tell(source, organisation)
            known = self._of(source)  # another process may have been first
            assert known is not None
        if known[0] == organisation:
            return
        if known[1]:
            raise OtherOrganisation()
        self._behalf.tell(source, organisation, row=row)

    def sender(self, source: int) -> str:
        """Return the organisation of who sent a source after logging in, "" for anyone else."""
        if source in self._nobody:
            return ""
        known = self._of(source)
        if known is None:
            self._nobody.add(source)
        return known[0] if known and known[1] else ""

    def check_keys(self, source: int, keys: Collection[tuple[str, str]]) -> None:
        """Raise OtherOrganisation where a sender would write what is not its own."""
        sender = self.sender(source)
        if not sender or not keys:
            return
        if any(kind in DEFINITIONS for kind, _ in keys):
            raise OtherOrganisation()
        own = organisation_number(sender)
        with self._tools.database.connection() as connection:
            owners = owners_of_keys(keys, connection)
        if any(own not in numbers for numbers in owners.values()):
            raise OtherOrganisation()

    def finder(self, source: int) -> Finder:
        """Return what answers the conditions of a source, among what its sender may see."""
        sender = self.sender(source)
        return _Among(self._tools.finder, sender) if sender else self._tools.finder

    def _of(self, source: int) -> tuple[str, bool] | None:
        found = self._known.get(source) or self._behalf.of(source)
        if found is not None:
            if len(self._known) >= _REMEMBERED_MAX:
                self._known.clear()
            self._known[source] = found
        return found


class _Among:
    """Finds among what one organisation may see."""

    def __init__(self, finder: Finder, organisation: str) -> None:
        self._finder = finder
        self._organisation = organisation

    def find(self, type: str, query: str, organisation: str = "") -> list[str]:
        """Return the ids of at most two current resources that meet a search query."""
        return list(self._finder.find(type, query, organisation or self._organisation))
