"""The composition root: settings, wiring, workers, the command line."""
