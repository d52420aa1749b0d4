"""How people are named: names read, repaired, folded in layers, and their frequencies."""
