"""JSON Merge Patch (RFC 7396): members given replace, null takes away, objects merge inward.

R4 does not name it, nor forbid it; clients in wide use send it and nothing else. Lists are
replaced whole, since the RFC knows no places in them.
"""

from collections.abc import Mapping
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.patch.problems import PatchUnreadable
from trucyte.fhir.text import scan


class MergePatch:
    """A JSON Merge Patch document, read."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Keep the document."""
        self._document = document

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changed resource, the given one untouched."""
        return _merged(resource, self._document)


def read_merge_patch(body: bytes) -> MergePatch:
    """Read a JSON Merge Patch document; raises PatchUnreadable.

    A key given twice, bad UTF-8 and the like are refused as in any body.
    """
    try:
        return MergePatch(scan(body).resource)
    except Problem as problem:
        raise PatchUnreadable(operation=0, reason=problem.code) from None


def _merged(target: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Merge as RFC 7396 §2 says; the door has bounded the depth of both."""
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = _merged(merged.get(key), value)
        else:
            merged[key] = value
    return merged
