"""Patches of resources: JSON Patch (RFC 6902) and FHIRPath Patch (R4 3.1.0.6.1). Pure."""

from trucyte.fhir.patch.fhirpath_patch import read_fhirpath_patch
from trucyte.fhir.patch.json_patch import read_json_patch
from trucyte.fhir.patch.patch import Patch

__all__ = ["Patch", "read_fhirpath_patch", "read_json_patch"]
