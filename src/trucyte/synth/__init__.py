"""The synthetic country; runs the mapping tables of intake backwards."""
