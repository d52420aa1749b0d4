"""The registers of a node, wired: commands, and names for its pages."""
