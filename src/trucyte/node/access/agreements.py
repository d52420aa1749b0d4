"""Puts consents, requests, holds and holders together over the parts of a node."""

from collections.abc import Iterator, Mapping

from trucyte.intake.interactions import Answered
from trucyte.intake.speaking import organisation_of
from trucyte.node.wiring import Node
from trucyte.records import Access, Hasher
from trucyte.shared.access.consent.agreements import Agreements, Ground, make_agreements
from trucyte.shared.access.consent.holders import Look
from trucyte.shared.access.local import system_access
from trucyte.shared.audit.entry import Outcome
from trucyte.shared.audit.reading import Wanted

_LOOKS: int = 1000  # entries of the trail that holders are found in


class NoReads:
    """Answers the reads of a bundle that has none."""

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
        """Refuse: what is written here reads nothing."""
        return Answered(404, b"")


def agreements_of(node: Node) -> Agreements:
    """Return what persons agreed to and ask for on a node."""

    def write(access: Access, bundle: bytes) -> object:
        return node.interactions.bundle(access, bundle, NoReads())

    def looks(person: int) -> Iterator[Look]:
        wanted = Wanted(person=person, count=_LOOKS, outcome=Outcome.SUCCESS)
        for entry in node.trail.find(system_access("holders"), wanted).entries:
            if entry.deed.organisation:
                yield Look(entry.deed.organisation, entry.deed.interaction, entry.at)

    facility = node.settings.node.facility
    own = {organisation_of(node.keyring.ids, facility)} if facility else set()
    return make_agreements(
        Ground(
            database=node.database,
            records=node.records,
            write=write,
            clock=node.clock,
            ids=node.keyring.ids,
            person=Hasher(node.keyring.persons).person,
            group=node.links.group,
        ),
        own=frozenset(own),
        looks=looks,
        erase=node.journal.erase,
    )
