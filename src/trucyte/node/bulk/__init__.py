"""Bulk export and import of a node: their wiring, their worker, their commands."""
