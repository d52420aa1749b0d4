"""On whose behalf versions are accepted: which organisation a source speaks for.

A line of the journal names its source. What is told here is told once and never altered,
before the first line of that source, so that a replay finds the same owners.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Cursor, Database
from trucyte.journal.named import QUERIES

WHOLE: Final = 0  # the row that stands for a source as a whole
_REMEMBERED_MAX: Final = 10_000
_PLACES_FEW: Final = 50

Place = tuple[int, int]  # source, row


class OrganisationAmbiguous(Problem):
    """Two organisations of this node have one number; the second cannot be taken in."""

    kind = Kind.CONFLICT
    code = "organisation-ambiguous"


def organisation_number(reference: str) -> int:
    """Return the signed 64-bit number of an organisation such as `Organization/x`; never 0."""
    digest = hashlib.sha256(reference.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True) or 1


class Behalf:
    """Tells and asks for whom sources speak. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Use `database`; nothing is read before the first question."""
        self._database = database
        self._standing: dict[tuple[str, str], int] = {}

    def standing(self, account: str, organisation: str) -> int:
        """Return the source of what an account writes itself; 0 where it is of the node's own."""
        if not organisation:
            return 0
        found = self._standing.get((account, organisation))
        if found is None:
            with self._database.connection() as connection:
                found = _stand(connection, account, organisation)
            if len(self._standing) >= _REMEMBERED_MAX:
                self._standing.clear()
            self._standing[account, organisation] = found
        return found

    def tell(
        self, source: int, organisation: str, *, row: int = WHOLE, is_sender: bool = False
    ) -> None:
        """Say for whom a source speaks, or one row of it; what was said before stays."""
        with self._database.connection() as connection:
            tell(connection, source, organisation, row=row, is_sender=is_sender)

    def of(self, source: int) -> tuple[str, bool] | None:
        """Return for whom a source as a whole speaks, and whether that one logged in."""
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.behalf_of_source, {"source": source}).fetchone()
        return None if row is None else (row[0], row[1])


def tell(
    connection: Connection,
    source: int,
    organisation: str,
    *,
    row: int = WHOLE,
    is_sender: bool = False,
) -> None:
    """Say for whom a source speaks, in the caller's transaction. Raises OrganisationAmbiguous."""
    values = {
        "source": source,
        "row": row,
        "organisation": _registered(connection, organisation),
        "is_sender": is_sender,
    }
    connection.execute(QUERIES.tell_behalf, values)


def organisations_of(cursor: Cursor, places: Iterable[Place]) -> Mapping[Place, int]:
    """Return the organisation's number for places that have one; asks once, or twice for many."""
    wanted = {place for place in places if place[0]}
    if len(wanted) > _PLACES_FEW:
        # A file has many rows and mostly speaks as a whole, or for nobody.
        sources = list({source for source, _ in wanted})
        speaking = cursor.execute(QUERIES.speaking_sources, {"sources": sources}).fetchall()
        wanted = {place for place in wanted if (place[0],) in speaking}
    if not wanted:
        return {}
    values = {
        "sources": [source for source, _ in wanted],
        "rows": [row for _, row in wanted],
    }
    found = cursor.execute(QUERIES.behalf_of_places, values).fetchall()
    return {(source, row): number for source, row, number in found}


def _stand(connection: Connection, account: str, organisation: str) -> int:
    number = _registered(connection, organisation)
    values = {"account": account, "organisation": number}
    connection.execute(QUERIES.stand, values)
    row = connection.execute(QUERIES.standing, values).fetchone()
    assert row is not None
    source = int(row[0])
    told = {"source": source, "row": WHOLE, "organisation": number, "is_sender": True}
    connection.execute(QUERIES.tell_behalf, told)
    return source


def _registered(connection: Connection, reference: str) -> int:
    number = organisation_number(reference)
    values = {"number": number, "reference": reference}
    connection.execute(QUERIES.register_organisation, values)
    row = connection.execute(QUERIES.organisation, values).fetchone()
    if row is None or row[0] != reference:
        raise OrganisationAmbiguous
    return number
