"""Invariants: plain Python for the common ones, FHIRPath for all others."""
