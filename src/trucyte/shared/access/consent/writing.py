"""How what is decided here gets into the journal: as one transaction of the node's own writes.

Every write carries a Provenance that says which account did it, for whom and for what. Whether
it may be done was asked before by the rules of this package; roles and scopes grant nothing here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from trucyte.records.access import Access

Write = Callable[[Access, bytes], object]  # a transaction Bundle, all or nothing


def transaction(writes: Sequence[tuple[Mapping[str, Any], int]]) -> bytes:
    """Return the Bundle that writes resources, each on the version it was decided on; 0: new."""
    entries = []
    for resource, version in writes:
        request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
        request |= {"ifMatch": f'W/"{version}"'} if version else {"ifNoneMatch": "*"}
        entries.append({"resource": resource, "request": request})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return json.dumps(bundle, ensure_ascii=False).encode()


def writing(access: Access) -> Access:
    """Return an access for what the rules of this package let its caller write."""
    return replace(
        access, sees_restricted=True, grants=None, persons=None, related=None, agreed=None
    )
