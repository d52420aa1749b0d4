"""One thin folder a national service."""
