"""Why a resource is not for everyone: its `meta.security` as one mask. Pure.

A kind that we know stands for itself, with or without R beside it. R or V (v3
Confidentiality) alone is RESTRICTED, and so is R beside a kind of sensitivity that we do not
know: who sees HIV must not see by it what somebody closed for another reason.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from trucyte.fhir.parse import head
from trucyte.records.access import Labels
from trucyte.vietnam.sensitivity import Kinds, load_kinds

RESTRICTED: Final = int(Labels.RESTRICTED)
SECRET: Final = int(Labels.SECRET)
_CLOSED: Final = frozenset({"R", "V"})


def sensitivity_of(resource: Mapping[str, Any]) -> int:
    """Return the mask of `Labels` of a valid resource."""
    labels = resource.get("meta", {}).get("security")
    if not labels:
        return 0
    return mask_of((label.get("system"), label.get("code")) for label in labels)


def sensitivity_of_body(body: bytes) -> int:
    """Return the mask of a body in the journal; of a deletion's, 0."""
    # An escape may hide the name, so only what has neither is told without a look.
    if not body or (b'"security"' not in body and b"\\" not in body):
        return 0
    return mask_of((label.system, label.code) for label in head(body).meta.security)


def is_secret(body: bytes) -> bool:
    """Say whether a body is labelled a state secret."""
    return bool(sensitivity_of_body(body) & SECRET)


def mask_of(codings: Iterable[tuple[str | None, str | None]]) -> int:
    """Return the mask of security labels, each (system, code)."""
    kinds, of = _known()
    mask, is_closed, is_unknown = 0, False, False
    for system, code in codings:
        kind = of.get((system or "", code or ""))
        if kind is not None:
            mask |= kind
        elif system in kinds.confidentiality:
            is_closed |= code in _CLOSED
        elif system in kinds.systems:
            is_unknown = True
    if is_closed and (is_unknown or not mask):
        mask |= RESTRICTED
    return mask


@cache
def _known() -> tuple[Kinds, Mapping[tuple[str, str], int]]:
    kinds = load_kinds()
    return kinds, {coding: int(Labels[kind]) for coding, kind in kinds.of.items()}
