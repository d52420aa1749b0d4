"""HTTP for programs: the FHIR API and the doors that hospital systems know."""
