"""The rows of a visit, table by table: money lines, results, notes, papers."""
