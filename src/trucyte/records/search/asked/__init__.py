"""What a search asks, read from how people write it into a tree of conditions."""
