"""All data of a person, for the person: what an answer to a request for access is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.shown import Resource

_COUNT: Final = 200


@dataclass(frozen=True, slots=True)
class Copies:
    """Reads whole records through the gate."""

    records: Records
    count: int = _COUNT  # read at once

    def everything(self, access: Access, person: str) -> Iterator[Resource]:
        """Yield each resource of a person that the caller may see, once; each page is entered."""
        id, seen = person.partition("/")[2], set()
        page = self.records.everything(access, "Patient", id, count=self.count)
        while True:
            for one in (*page.entries, *page.included):
                if (one.type, one.id) not in seen:
                    seen.add((one.type, one.id))
                    yield one
            if page.next is None:
                return
            page = self.records.everything(access, "Patient", id, page=page.next)
