"""Tokens: who an application is, for whom it acts, and what it may do with FHIR (OAuth 2.1)."""
