"""Patients by their person key, as far as a caller may see them: a citizen's own record."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from trucyte.database.connect import Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.access import Access
from trucyte.records.persons.following import persons_with
from trucyte.records.search.bound import Parameters
from trucyte.records.search.permission import permitted
from trucyte.shared.access.local import system_access

_OWN: Final = 0
_ROWS: Final = (
    "select e.person, h.id from records.entry e join journal.change h using (seq)"
    " where e.person = any({persons}) and e.type = {type} and {conditions} order by e.seq"
)


@dataclass(frozen=True, slots=True)
class Persons:
    """Finds Patients of this node by key, and keys by Patient."""

    database: Database
    key: Callable[[str], int]  # "Patient/x" -> person key

    def circle(self, person: str) -> Sequence[int]:
        """Return the keys of all who are one person with a Patient, it among them."""
        return self.circles([self.key(person)])

    def circles(self, keys: Iterable[int]) -> Sequence[int]:
        """Return keys, and those of all who are one person with one of them."""
        with self.database.reader() as connection, connection.cursor() as cursor:
            return persons_with(cursor, keys)

    def patients(self, access: Access, keys: Iterable[int]) -> Sequence[str]:
        """Return "Patient/x" of the keys that the caller sees, the oldest record first."""
        wanted = list(keys)
        if not wanted:
            return []
        bound = Parameters()
        conditions = " and ".join(permitted(access, bound, _OWN))
        text = _ROWS.format(
            persons=bound.add(wanted, "bigint[]"),
            type=bound.add(TYPE_NUMBERS["Patient"], "smallint"),
            conditions=conditions,
        )
        with self.database.reader() as connection:
            rows = connection.execute(text.encode(), bound.values).fetchall()
        return [f"Patient/{id}" for _, id in rows]

    def exists(self, patient: str) -> bool:
        """Say whether there is such a Patient here; tells nothing else of it."""
        return bool(self.patients(system_access("persons"), [self.key(patient)]))
