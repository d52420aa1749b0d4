"""What this node says to others, put together."""
