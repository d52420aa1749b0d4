"""What the FHIR API of a node is wired with."""
