"""Break-glass at the pages: what they need of the node, and their rows."""
