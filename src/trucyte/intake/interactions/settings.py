"""How large a write may be, and what is the operator's choice."""

from dataclasses import dataclass

_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """Sizes in bytes unless the name says otherwise."""

    resource: int = 16 * _MEGABYTE  # one resource
    bundle: int = 64 * _MEGABYTE  # one bundle
    entries: int = 10_000  # of one bundle
    conditions: int = 1_000  # different conditions of one transaction: each is asked in its lock
    deletes: int = 1_000  # resources one conditional delete may end
    # R4 leaves open whether a reference must be to something that is here (3.1.0.11.2 does
    # not ask for it, and partial records are the rule between nodes).
    refuses_missing_references: bool = False
    provenance_of_transactions: bool = True
    provenance_of_single_writes: bool = False
    # Types whose single writes always have one: who follows a Subscription has to know for whom.
    provenance_always: frozenset[str] = frozenset({"Subscription"})

    def writes_provenance(self, type: str) -> bool:
        """Whether a single write of a type is told of by a Provenance."""
        return self.provenance_of_single_writes or type in self.provenance_always
