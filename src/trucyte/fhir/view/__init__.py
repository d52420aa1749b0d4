"""SQL-on-FHIR v2 views: a definition becomes SQL text for bulk work, and closures.

Pure: bytes come in; `Statement` is text for DuckDB, `Rows` makes the rows of one
resource. Both give the same rows; what SQL cannot do exactly it leaves to closures.
"""
