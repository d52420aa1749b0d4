"""A run over sources: what reads, what accepts, what waits."""
