"""Patches of resources: JSON Patch, JSON Merge Patch, FHIRPath Patch. Pure.

Sources: RFC 6902, RFC 7396, R4 §3.1.0.6.1.
"""

from trucyte.fhir.patch.fhirpath_patch import read_fhirpath_patch
from trucyte.fhir.patch.json_patch import read_json_patch
from trucyte.fhir.patch.merge_patch import read_merge_patch
from trucyte.fhir.patch.patch import Patch

__all__ = ["Patch", "read_fhirpath_patch", "read_json_patch", "read_merge_patch"]
