"""Which codes a search by value set or hierarchy stands for: the node's terminology, on demand."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records import Records
from trucyte.shared.access.local import system_access

if TYPE_CHECKING:
    from trucyte.shared.terminology.service import Terminology


class SearchCodes:
    """What `records.search.asked.codes.Codes` asks. Safe to share between threads."""

    def __init__(
        self, database: Database, records: Records, definitions: Definitions, clock: Clock
    ) -> None:
        """Read code lists through `records`; nothing is read before a search asks."""
        self._database = database
        self._records = records
        self._definitions = definitions
        self._clock = clock

    def codings(self, value_set: str | Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return (system, code) of the members of a value set in force today.

        Raises ValueSetUnknown, ExpansionTooCostly and what composing raises.
        """
        found = self._terminology.expand(value_set)
        return [(node.member.system, node.member.code) for node in found.nodes]

    @cached_property
    def _terminology(self) -> "Terminology":
        from trucyte.shared.terminology.library import Library  # noqa: PLC0415 - half a second
        from trucyte.shared.terminology.service import Terminology  # noqa: PLC0415 - as above

        access = system_access("terminology")
        library = Library(self._database, self._records, access, self._definitions)
        return Terminology(self._database, library, self._clock)
