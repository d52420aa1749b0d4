"""Consents, proxies, requests and holds over a node of one test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support.interactions import NoReads, open_writing
from tests.support.records import KEY, Node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records import Access, Hasher
from trucyte.shared.access.consent.agreements import Agreements, Ground, make_agreements
from trucyte.shared.access.consent.catalogue import purposes
from trucyte.shared.access.consent.holders import Look
from trucyte.shared.access.consent.service import Asked

PATIENT, CHILD, BABY, CARER = "Patient/p", "Patient/child", "Patient/baby", "Patient/carer"
INSURER, HOSPITAL = "Organization/insurer", "Organization/79002"


@dataclass
class Agreed:
    """A node with agreements, and short ways to use them."""

    node: Node
    access: Access  # a member of staff
    all: Agreements
    looked: list[Look] = field(default_factory=list)
    erased: list[tuple[object, ...]] = field(default_factory=list)

    def asked(self, purpose: str = "notices", **more: object) -> Asked:
        """What is agreed to, by the person itself on the web."""
        told = Asked(PATIENT, purpose, text_of(purpose), "vi", (PATIENT,), "web")
        return replace(told, **more)  # type: ignore[arg-type] # fields of the dataclass


def text_of(purpose: str) -> str:
    """The version of the words in force."""
    return purposes()[purpose].texts[-1].version


def people() -> list[dict]:
    """A grown-up, a child of ten, a baby, and somebody who cares for others."""
    births = {"p": "1985-03-15", "child": "2016-02-01", "baby": "2025-05", "carer": "1990"}
    return [
        {"resourceType": "Patient", "id": id, "birthDate": birth, "name": [{"text": f"Thử {id}"}]}
        for id, birth in births.items()
    ]


@contextmanager
def open_agreements(
    database: Database, folder: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Agreed]:
    """Open a node with four people and no agreement."""
    with open_writing(database, folder, clock, definitions) as writing:
        node = writing.node
        node.put(*people())
        agreed = Agreed(node, replace(node.full, caller="nv-mau"), None)  # type: ignore[arg-type] # follows
        agreed.all = make_agreements(
            Ground(
                database,
                node.records,
                lambda access, body: writing.interactions.bundle(access, body, NoReads()),
                clock,
                KEY,
                Hasher(KEY).person,
            ),
            looks=lambda person: agreed.looked,
            erase=lambda keys, **by: agreed.erased.append((tuple(keys), by["rule"])),
        )
        yield agreed
