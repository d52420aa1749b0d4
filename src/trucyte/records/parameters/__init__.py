"""Search parameters that users post: what is in force, and how the index gets their values."""
