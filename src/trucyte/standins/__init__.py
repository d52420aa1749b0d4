"""Faithful stand-in servers for parties that cannot be real here."""
