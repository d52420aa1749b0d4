"""Everything of this package over one node, put together once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.records.gate import Records
from trucyte.shared.access.consent.bases import Gate, Released, not_released
from trucyte.shared.access.consent.copies import Copies
from trucyte.shared.access.consent.erasure import Erase, Erasures
from trucyte.shared.access.consent.holders import Holders, Looks, nobody_looked
from trucyte.shared.access.consent.holds import Holds
from trucyte.shared.access.consent.persons import Persons
from trucyte.shared.access.consent.proxies import Proxies
from trucyte.shared.access.consent.requests import Requests
from trucyte.shared.access.consent.service import Consents
from trucyte.shared.access.consent.writing import Write


@dataclass(frozen=True, slots=True)
class Agreements:
    """What persons agreed to and asked for, on one node."""

    consents: Consents
    proxies: Proxies
    requests: Requests
    holds: Holds
    holders: Holders
    erasures: Erasures
    gate: Gate
    persons: Persons
    copies: Copies


@dataclass(frozen=True, slots=True)
class Ground:
    """What agreements stand on."""

    database: Database
    records: Records
    write: Write
    clock: Clock
    ids: bytes  # the key of opaque ids
    person: Callable[[str], int]  # "Patient/x" -> person key
    group: Callable[[str], Sequence[str]]  # "Patient/x" -> all Patients of its person


def make_agreements(
    ground: Ground,
    *,
    own: frozenset[str] = frozenset(),
    looks: Looks = nobody_looked,
    erase: Erase | None = None,
    released: Released = not_released,
) -> Agreements:
    """Put the parts together; `own` are the organisations of this node."""
    persons = Persons(ground.database, ground.records, ground.person, ground.group)
    holders = Holders(ground.database, persons, ground.clock, own=own, looks=looks)
    consents = Consents(
        ground.records, ground.write, ground.clock, ids=ground.ids, told=holders.withdrawn
    )
    holds = Holds(ground.database, persons, ground.clock)
    return Agreements(
        consents=consents,
        proxies=Proxies(ground.records, consents, persons, ground.clock),
        requests=Requests(ground.database, persons, ground.clock),
        holds=holds,
        holders=holders,
        erasures=Erasures(
            ground.records, ground.write, holds, ground.clock, ids=ground.ids, erase=erase
        ),
        gate=Gate(consents.in_force, own, released),
        persons=persons,
        copies=Copies(ground.records),
    )
