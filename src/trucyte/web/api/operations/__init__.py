"""Operations of the FHIR API: rows of one table, each answered by a plain function."""
