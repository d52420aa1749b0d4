"""Sources as they lie in the database: bytes, receipts, claims on them."""
