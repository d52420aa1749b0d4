"""FHIR becomes columns: views, indicators, cohorts."""
