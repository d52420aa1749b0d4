"""What a search gives, in which order and how much of it; histories, whole records, walks."""
