"""A line of the journal, proved and verified as a stranger would verify it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from trucyte.journal.evidence import Evidence, EvidenceInvalid, verify_evidence
from trucyte.journal.rows import from_microseconds
from trucyte.web.services import Services


@dataclass(frozen=True, slots=True)
class CheckedProof:
    """What verifying gave, and what was signed, when, by which key."""

    is_valid: bool | None  # None: this node cannot prove here
    checked_at: datetime
    first: int = 0  # lines of the batch
    last: int = 0
    covered: int = 0  # the checkpoint covers every line up to this one
    signed_at: datetime | None = None
    key: str = ""
    root: str = ""


def checked_proof(services: Services, seq: int) -> CheckedProof:
    """Fetch the evidence of line `seq` and verify it against this node's own key."""
    now = services.clock.now()
    if services.prove is None:
        return CheckedProof(None, now)
    evidence = services.prove(seq)
    return CheckedProof(
        is_valid=_holds(evidence, services.public_keys()) and evidence.record.seq == seq,
        checked_at=now,
        first=evidence.batch_first_seq,
        last=evidence.batch_last_seq,
        covered=evidence.tree_last_seq,
        signed_at=from_microseconds(evidence.signed_at),
        key=evidence.key,
        root=evidence.tree_root.hex(),
    )


def _holds(evidence: Evidence, public_keys: Mapping[str, bytes]) -> bool:
    public_key = public_keys.get(evidence.key)
    if public_key is None:
        return False
    try:
        verify_evidence(evidence, public_key)
    except EvidenceInvalid:
        return False
    return True
