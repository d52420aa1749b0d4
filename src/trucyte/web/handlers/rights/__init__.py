"""Pages on what people agreed to and ask for: those of staff, and the citizen's own."""
