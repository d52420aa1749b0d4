"""Patients and the persons they are: keys, and all records of one person."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trucyte.database.connect import Database
from trucyte.records.gate import Records
from trucyte.records.persons.following import persons_with
from trucyte.records.shown import ResourceGone, ResourceNotFound
from trucyte.shared.access.local import system_access


@dataclass(frozen=True, slots=True)
class Persons:
    """Tells who is one person with whom; shows nothing of anyone."""

    database: Database
    records: Records
    key: Callable[[str], int]  # "Patient/x" -> person key
    group: Callable[[str], Sequence[str]]  # "Patient/x" -> all Patients of its person

    def circle(self, person: str) -> Sequence[int]:
        """Return the keys of all who are one person with a Patient, it among them."""
        return self.circles([self.key(person)])

    def circles(self, keys: Iterable[int]) -> Sequence[int]:
        """Return keys, and those of all who are one person with one of them."""
        with self.database.reader() as connection, connection.cursor() as cursor:
            return persons_with(cursor, keys)

    def exists(self, patient: str) -> bool:
        """Say whether there is such a Patient here; tells nothing else of it."""
        try:
            self.records.read(system_access("persons"), "Patient", patient.partition("/")[2])
        except (ResourceNotFound, ResourceGone):
            return False
        return True
