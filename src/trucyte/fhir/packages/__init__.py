"""FHIR packages: read from bytes, found by canonical URL, profiles with their snapshots."""
