"""Bulk import: NDJSON and bundles from disk or by URL, as a job that can be gone on with."""
