"""Run views over NDJSON: SQL for whole chunks of lines, closures where SQL is not exact."""
