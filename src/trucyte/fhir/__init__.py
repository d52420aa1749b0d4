"""The language: parse, validate, search values, definitions. Pure: no input or output."""
