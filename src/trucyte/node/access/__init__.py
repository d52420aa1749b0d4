"""Who may use this node: commands and wiring."""
