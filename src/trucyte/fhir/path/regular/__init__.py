"""Regular expressions whose work is bounded."""
