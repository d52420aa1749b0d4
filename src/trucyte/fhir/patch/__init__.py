"""Patches of resources: JSON Patch (RFC 6902) and FHIRPath Patch (R4 3.1.0.6.1). Pure."""

from collections.abc import Mapping
from typing import Any, Protocol

from trucyte.fhir.path.path import Paths


class Patch(Protocol):
    """A change of a resource, read and ready to be applied any number of times."""

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changed resource, the given one untouched; raises a Problem."""
        ...


def read_json_patch(body: bytes) -> Patch:
    """Read a JSON Patch document; raises PatchUnreadable."""
    raise NotImplementedError


def read_fhirpath_patch(parameters: Mapping[str, Any], paths: Paths) -> Patch:
    """Read a FHIRPath Patch out of Parameters; raises PatchUnreadable."""
    raise NotImplementedError
