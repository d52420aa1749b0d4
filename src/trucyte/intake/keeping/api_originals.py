"""Originals of writes of the API: what is not kept by its body lies here byte for byte.

The journal holds JSON with its ids spliced in. What came as XML, or signed, is a source of
its own beside it, kept before the write is accepted; the lines that it made name it.
"""

from typing import Final

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.intake.keeping import originals
from trucyte.intake.keeping.statements import statements
from trucyte.intake.keeping.vault import OPEN, Vault, What
from trucyte.intake.running.results import Outcome
from trucyte.journal.behalf import tell

DOOR: Final = "fhir"


class ApiOriginals:
    """Keeps originals as sources that are done. Safe to share between threads."""

    def __init__(self, database: Database, clock: Clock, vault: Vault = OPEN) -> None:
        """Keep them in `database`, as `vault` lays them."""
        self._vault = vault
        self._database = database
        self._clock = clock

    def keep(self, name: str, body: bytes, organisation: str, *, is_restricted: bool) -> int:
        """Keep bytes durably; return the number of their source, which speaks for whom it is of."""
        named, now = statements(), self._clock.now()
        with self._database.connection() as connection:
            row = connection.execute(named["add_source"], (now, name, DOOR)).fetchone()
            assert row is not None
            number = int(row[0])
            for place, part in enumerate(originals.parts([body])):
                kept = self._vault.lay(number, What.PART, place, originals.pack(part))
                values = (number, place, len(part), kept)
                connection.execute(named["add_part"], values)
            connection.execute(named["complete_original"], (len(body), now, number))
            # Whoever takes a source is asked what it holds by its visits.
            accepted = int(Outcome.ACCEPTED)
            visit = (number, 1, 0, 0, 0, accepted, is_restricted, "", "", None)
            connection.execute(named["add_visits"], [[value] for value in visit])
            if organisation:
                tell(connection, number, organisation, is_sender=True)
        return number

    def forget(self, number: int) -> None:
        """Remove an original of which nothing was accepted."""
        with self._database.connection() as connection:
            connection.execute(statements()["forget_original"], (number,))
