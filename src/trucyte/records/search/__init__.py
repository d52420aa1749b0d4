"""A search: read strictly, compiled to one statement, and asked again of the bodies."""
