"""Serving with several processes: a supervisor, workers that answer, one that works behind."""
