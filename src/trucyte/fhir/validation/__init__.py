"""How a type definition becomes a check: lexical forms, links, narrative, structure."""
