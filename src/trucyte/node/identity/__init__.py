"""Identity of a node: put together, worked on behind the answers, and its commands."""
