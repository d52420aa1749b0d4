-- The tokens of a row went into the inverted index one by one, each taking a list of places
-- apart and packing it again: half of all the database did for a line (docs/decisions/0275).
-- Now they gather on a few pages that every search reads too, and go in sorted.

alter index records.entry_tokens set (fastupdate = on, gin_pending_list_limit = 64);
