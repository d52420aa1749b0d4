"""Questions every service asks; one folder a question, each importing only those before it."""
