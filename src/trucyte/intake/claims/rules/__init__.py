"""Rules on claims as rows: what is wrong, who asks for it, since when, and how to mend it."""
