"""What does this code mean? Content packs in force."""
