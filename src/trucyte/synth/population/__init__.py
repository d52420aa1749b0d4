"""A Vietnamese population with households, several records of each person, and the truth."""
