"""Matching on the command line: files linked, models trained and judged."""
