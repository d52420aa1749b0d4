"""Bulk export: everything a caller may see, as files of NDJSON (Bulk Data Access IG 2.0)."""
