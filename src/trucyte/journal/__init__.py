"""The waist: Change, commit, follow, checkpoints and proofs, keys. The only writer."""
