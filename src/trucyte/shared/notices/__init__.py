"""Tell someone."""
