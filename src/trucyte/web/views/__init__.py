"""From records to what a page shows: pure functions, no storage and no markup."""
