"""Commands on the country as data."""
