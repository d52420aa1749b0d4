"""Validation beyond structure: profiles, bindings, invariants, extensions, bundles."""
