"""Is what a resource points to here? Asked only where the operator wants it."""

import re
from collections.abc import Sequence
from typing import Final

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.intake.interactions.problems import ReferenceMissing
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records

_OWN: Final = 0
_LOCAL: Final = re.compile(
    rb'"reference"\s*:\s*"([A-Z][A-Za-z]{2,40})/([A-Za-z0-9.-]{1,64})(?:/_history/\d{1,9})?"'
)


def check_references(
    journal: Journal, records: Records, access: Access, changes: Sequence[Change]
) -> None:
    """Raise ReferenceMissing for a local reference to what neither is here nor comes along.

    What is of an organisation that the caller does not see is not here for it.
    """
    coming = {(c.type, c.id) for c in changes if c.operation is not Operation.DELETE}
    wanted: dict[tuple[str, str], str] = {}
    for change in changes:
        for match in _LOCAL.finditer(change.body):
            key = (match[1].decode(), match[2].decode())
            if key[0] in TYPE_NUMBERS and key not in coming:
                wanted.setdefault(key, change.type)
    here = journal.head((_OWN, *key) for key in wanted)
    standing = records.standing(access, wanted)
    going = {(c.type, c.id) for c in changes if c.operation is Operation.DELETE}
    for key, source in wanted.items():
        head = here.get((_OWN, *key))
        is_gone = head is None or head.operation is Operation.DELETE or key in going
        if is_gone or standing.hides(key):
            raise ReferenceMissing(type=key[0], path=source)
