"""For whom work goes on after its request was answered: what its access is made of again.

State secrets are not among it, whoever asked: what is made later leaves the node.
"""

from datetime import datetime

import msgspec

from trucyte.records.access import Access, Agreed, Grant, Labels, Related


class Asker(msgspec.Struct, frozen=True):
    """An access as it is kept, all but who keeps its trail."""

    caller: str
    purpose: str
    sees_restricted: bool
    organisation: str = ""
    sees_organisations: tuple[str, ...] | None = None
    labels: int = 0
    grants: tuple[Grant, ...] | None = None
    persons: tuple[int, ...] | None = None
    related: Related | None = None
    agreed: Agreed | None = None
    why: tuple[str, ...] = ()
    until: datetime | None = None


def asker_of(access: Access) -> Asker:
    """Return what is kept of an access."""
    seen, persons = access.sees_organisations, access.persons
    return Asker(
        caller=access.caller,
        purpose=access.purpose,
        sees_restricted=access.sees_restricted,
        organisation=access.organisation,
        sees_organisations=None if seen is None else tuple(sorted(seen)),
        labels=int(access.labels & ~Labels.SECRET),
        grants=access.grants,
        persons=None if persons is None else tuple(sorted(persons)),
        related=access.related,
        agreed=access.agreed,
        why=access.why,
        until=access.until,
    )
