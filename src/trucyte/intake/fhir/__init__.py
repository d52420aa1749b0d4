"""The FHIR door: bundles, NDJSON and single resources, accepted as they came."""
