"""Linkage of whole files: candidate pairs, training and scoring in columns."""
