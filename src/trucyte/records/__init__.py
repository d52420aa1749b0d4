"""What is true now, or was true at a position: read, search, history. The only read gate."""
