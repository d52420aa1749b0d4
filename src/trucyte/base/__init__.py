"""What has no health meaning: clock, ids, keyed hashes, signatures, problems, settings."""
