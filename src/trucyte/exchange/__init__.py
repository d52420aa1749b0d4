"""What nodes and subscribers say to each other."""
