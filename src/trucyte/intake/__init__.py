"""Anything becomes FHIR: sources, mapping tables, quarantine; ends in journal.commit."""
