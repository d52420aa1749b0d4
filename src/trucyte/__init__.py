"""Trucyte (Trục y tế): the node of Viet Nam's health-data platform.

Every input becomes a validated FHIR resource accepted into one append-only
journal; everything that anyone reads, exchanges, counts or pays for is derived
from that journal. The packages stand in layers; ARCHITECTURE.md has the picture.
"""

__version__ = "0.1.0"
