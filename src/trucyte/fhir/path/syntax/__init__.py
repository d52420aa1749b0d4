"""The text of an expression and its tree."""
