"""Whether lines are what was accepted: many of them, fast."""
