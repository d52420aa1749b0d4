"""Whose key seals what several persons share: the resource's own.

A body that names several Patients cannot go with one of them, so it is not sealed under the
key of any.
"""

import re
from collections.abc import Callable
from typing import Final

from trucyte.journal.change import Change
from trucyte.records.hashing import Hasher

_NAMED: Final = re.compile(rb'"(?:[^"]*/)?(Patient/[A-Za-z0-9\-.]{1,64})"')


def keeper(persons: Hasher) -> Callable[[Change], int]:
    """Return what tells the key's owner of a change; 0: its person. For `Journal`.

    `persons` hashes references into person keys.
    """

    def owner(change: Change) -> int:
        # A Patient is one person, whoever it is linked to.
        if change.type == "Patient" or change.body.count(b"Patient") < 2:
            return 0
        named = set(_NAMED.findall(change.body.replace(b"\\/", b"/")))
        return persons.person(f"{change.type}/{change.id}") if len(named) > 1 else 0

    return owner
