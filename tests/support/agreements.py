"""Consents, proxies, requests and holds over a node of one test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from tests.conftest import fresh_database
from tests.support.identity import links_of
from tests.support.interactions import NoReads, Writing, open_writing
from tests.support.records import KEY, Node
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.records import Access, Hasher
from trucyte.shared.access.consent.agreements import Agreements, Ground, make_agreements
from trucyte.shared.access.consent.catalogue import purposes
from trucyte.shared.access.consent.holders import Look
from trucyte.shared.access.consent.service import Asked

INSURER, HOSPITAL = "Organization/insurer", "Organization/79002"


@dataclass
class Agreed:
    """A node with agreements, and short ways to use them."""

    node: Node
    access: Access  # a member of staff
    all: Agreements
    clock: FixedClock
    patient: str  # grown-up
    child: str  # of ten
    baby: str
    carer: str  # of others
    looked: list[Look] = field(default_factory=list)
    erased: list[tuple[object, ...]] = field(default_factory=list)

    def asked(self, purpose: str = "notices", **more: object) -> Asked:
        """What is agreed to, by the person itself on the web."""
        told = Asked(self.patient, purpose, text_of(purpose), "vi", (self.patient,), "web")
        return replace(told, **more)  # type: ignore[arg-type] # fields of the dataclass


def text_of(purpose: str) -> str:
    """The version of the words in force."""
    return purposes()[purpose].texts[-1].version


_BIRTHS = {"p": "1985-03-15", "child": "2016-02-01", "baby": "2025-05", "carer": "1990"}
_NUMBERS = count(1)


def agreed_over(writing: Writing, moment: datetime) -> Agreed:
    """Return four new people without any agreement, on a node that others may have used."""
    node, number, clock = writing.node, next(_NUMBERS), FixedClock(moment)
    ids = {kind: f"{kind}{number}" for kind in _BIRTHS}
    node.put(
        *(
            {
                "resourceType": "Patient",
                "id": ids[kind],
                "birthDate": birth,
                "name": [{"text": f"Thử {ids[kind]}"}],
            }
            for kind, birth in _BIRTHS.items()
        )
    )
    looked: list[Look] = []
    erased: list[tuple[object, ...]] = []
    agreements = make_agreements(
        Ground(
            node.database,
            node.records,
            lambda access, body: writing.interactions.bundle(access, body, NoReads()),
            clock,
            KEY,
            Hasher(KEY).person,
            links_of(node).group,
        ),
        looks=lambda person: looked,
        erase=lambda keys, **by: erased.append((tuple(keys), by["rule"])),
    )
    people = (f"Patient/{id}" for id in ids.values())
    access = replace(node.full, caller="nv-mau")
    return Agreed(node, access, agreements, clock, *people, looked, erased)


@contextmanager
def open_shared(
    server_url: str, template: str, folder: Path, definitions: Definitions
) -> Iterator[Writing]:
    """Open a node that the tests of a module share; each takes people of its own."""
    clock = FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))
    with (
        fresh_database(server_url, template=template) as database,
        open_writing(database, folder, clock, definitions) as writing,
    ):
        yield writing
